//! Words and sizes in Rust files.

use std::path::Path;

use super::{Finding, Tree};

/// Lines of one file below `src`, tests included.
const MAX_LINES: usize = 500;

/// Files that may be longer, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Folders whose code, tests aside, may wait for a time to pass, and files that may do so whole; each with its reason.
const MAY_SLEEP: &[(&str, &str)] = &[
    ("crates/registrar-client/src/load/", "a load is paced by the clock"),
    ("crates/sip-transport/src/", "deadlines and ticks: timers are the transport's work"),
    ("crates/sip-transport/tests/it/lifetimes.rs", "a peer that reads slowly is what is tested"),
    ("crates/sip-transport/tests/hostile/attacks.rs", "a peer that sends a byte now and then is what is tested"),
    ("xtask/src/bench/", "waits for foreign servers and for scheduled expiry, never to make a result come true"),
];

/// What has no place in a Rust file, and what to do instead.
const WORDS: &[(&str, &str)] = &[
    ("todo!", "finish it, or file an issue"),
    ("unimplemented!", "finish it, or let the type not offer it"),
    ("dbg!", "remove it"),
    ("TODO", "do it, or file an issue"),
    ("FIXME", "mend it, or file an issue"),
    ("XXX", "mend it, or file an issue"),
    ("#[ignore", "a test runs or is removed"),
    ("#[allow(", "use #[expect(…, reason = \"…\")], which complains once it is no longer needed"),
    ("#![allow(", "use #![expect(…, reason = \"…\")], which complains once it is no longer needed"),
];

const SLEEPS: &[&str] = &["thread::sleep", "time::sleep", "sleep_until"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("rs") {
        // The words stand in this folder as words.
        if path.starts_with("xtask/src/tidy") {
            continue;
        }
        let mut found = |line: usize, what: String| findings.push(Finding { file: path.to_owned(), line, what });
        let mut in_tests = path.components().any(|part| part.as_os_str() == "tests");
        for (at, line) in text.lines().enumerate() {
            // Tests stand last in a module.
            in_tests |= line == "#[cfg(test)]";
            for (word, instead) in WORDS.iter().filter(|(word, _)| has_word(line, word)) {
                found(at + 1, format!("{word}: {instead}"));
            }
            if SLEEPS.iter().any(|sleep| has_word(line, sleep)) && !may_sleep(path, in_tests) {
                found(
                    at + 1,
                    "sleeping: wait for the event itself, with a deadline (or name the file in MAY_SLEEP)".into(),
                );
            }
        }
        for at in expectations_without_reason(text) {
            found(at, "an #[expect] without a reason: add reason = \"…\"".into());
        }
        let lines = text.lines().count();
        if in_src(path) && lines > MAX_LINES && !LONG_FILES.iter().any(|(name, _)| path == Path::new(name)) {
            found(0, format!("{lines} lines; at most {MAX_LINES}: a file is one room with one purpose, divide it"));
        }
        if is_crate_root(path) && !text.starts_with("//!") {
            found(1, "a crate begins with //! and says what it is".into());
        }
    }
    findings
}

fn in_src(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "src")
}

fn is_crate_root(path: &Path) -> bool {
    path.ends_with("src/lib.rs") || path.ends_with("src/main.rs")
}

fn may_sleep(path: &Path, in_tests: bool) -> bool {
    MAY_SLEEP
        .iter()
        .any(|(name, _)| path == Path::new(name) || (!in_tests && name.ends_with('/') && path.starts_with(name)))
}

/// Whether `word` stands in the line, not as a part of a longer word.
fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let (before, rest) = line.split_at(at);
        let after = rest.strip_prefix(word).and_then(|after| after.chars().next());
        let open = word.ends_with(|c| !part(c)) || !after.is_some_and(part);
        open && (word.starts_with(|c| !part(c)) || !before.ends_with(part))
    })
}

/// Lines of `#[expect(…)]` attributes that give no reason.
fn expectations_without_reason(text: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    for start in ["#[expect(", "#![expect("] {
        for (at, _) in text.match_indices(start) {
            let (before, rest) = text.split_at(at);
            let attribute = rest.split(")]").next().unwrap_or(rest);
            if !attribute.contains("reason") {
                lines.push(before.matches('\n').count() + 1);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|finding| (finding.line, finding.what)).collect()
    }

    #[test]
    fn forbidden_words_are_found_as_words() {
        for text in
            ["todo!()", "// TODO: later", "#[ignore]", "#[ignore = \"slow\"]", "#![allow(dead_code)]", "dbg!(x)"]
        {
            assert_eq!(found("a.rs", text).len(), 1, "{text}");
        }
        for text in ["let todos = 1;", "METHODOLOGY", "// ignore it", "is_todo!()", "b\"TODOS\""] {
            assert_eq!(found("a.rs", text), [], "{text}");
        }
    }

    #[test]
    fn sleeping_is_for_named_files() {
        assert_eq!(found("crates/a/src/b.rs", "\n std::thread::sleep(d);").len(), 1);
        assert_eq!(found("crates/a/tests/it/b.rs", "tokio::time::sleep(d).await;").len(), 1);
        assert_eq!(found("xtask/src/bench/b.rs", "thread::sleep(d);"), []);
        assert_eq!(found("xtask/src/bench/b.rs", "#[cfg(test)]\nmod tests { thread::sleep(d); }").len(), 1);
    }

    #[test]
    fn an_expectation_gives_its_reason() {
        let with = "#[expect(\n    dead_code,\n    reason = \"read by the kernel\"\n)]";
        assert_eq!(found("a.rs", with), []);
        let without = found("a.rs", "\n#[expect(dead_code)]");
        assert_eq!(without.first().map(|(line, _)| *line), Some(2));
    }

    #[test]
    fn only_sources_have_a_greatest_length() {
        let long = "//!\n".repeat(MAX_LINES + 1);
        assert_eq!(found("crates/a/src/b.rs", &long).len(), 1);
        assert_eq!(found("crates/a/tests/it/b.rs", &long), []);
    }

    #[test]
    fn a_crate_begins_with_what_it_is() {
        assert_eq!(found("crates/a/src/lib.rs", "mod b;").len(), 1);
        assert_eq!(found("crates/a/src/lib.rs", "//! A crate.\nmod b;"), []);
        assert_eq!(found("crates/a/src/b.rs", "fn b() {}"), []);
    }
}
