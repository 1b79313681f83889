//! Links, headings and the files that documents name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{Finding, Tree};

/// Where a reader begins.
const ENTRANCE: &str = "README.md";

/// Paths that begin with one of these are files of this project.
const OUR_FOLDERS: &[&str] = &["crates/", "docs/", "fuzz/", "xtask/", ".ci/", ".github/"];

/// What a document says that can be checked.
#[derive(Default)]
struct Document {
    /// Places that links may point to within it.
    anchors: BTreeSet<String>,
    /// Line and target of each link and image.
    links: Vec<(usize, String)>,
    /// Line and path of each file of ours that is named, with the function after `::` if there is one.
    paths: Vec<(usize, String)>,
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let documents: BTreeMap<&Path, Document> =
        tree.with_extension("md").map(|(path, text)| (path, Document::read(text))).collect();
    let mut findings = Vec::new();
    for (&path, document) in &documents {
        let mut found = |line: usize, what: String| findings.push(Finding { file: path.to_owned(), line, what });
        for (line, link) in &document.links {
            if let Err(what) = check_link(tree, &documents, path, link) {
                found(*line, what);
            }
        }
        for (line, named) in &document.paths {
            if let Err(what) = check_path(tree, named) {
                found(*line, what);
            }
        }
    }
    findings.extend(unreachable(&documents));
    findings
}

impl Document {
    fn read(text: &str) -> Self {
        let mut document = Self::default();
        let mut heading: Option<String> = None;
        let mut in_block = false;
        let line_of = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            let line = line_of(range.start);
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let anchor = anchor(&heading.take().unwrap_or_default());
                    document.add_anchor(anchor);
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push((line, dest_url.into_string()));
                }
                Event::Start(Tag::CodeBlock(_)) => in_block = true,
                Event::End(TagEnd::CodeBlock) => in_block = false,
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                    // A block shows commands and their output, which may name files to be made.
                    if !in_block {
                        document.paths.extend(our_paths(&text).map(|path| (line, path)));
                    }
                }
                _ => {}
            }
        }
        document
    }

    /// A heading that is there twice gets a number, as on GitHub.
    fn add_anchor(&mut self, anchor: String) {
        let mut name = anchor.clone();
        let mut count = 0;
        while !self.anchors.insert(name) {
            count += 1;
            name = format!("{anchor}-{count}");
        }
    }
}

/// The anchor of a heading: lower case, spaces as hyphens, punctuation left out.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|&c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

/// Words that name a file of this project, a pattern or a placeholder aside.
fn our_paths(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '"' | '\''))
        .map(|word| word.trim_end_matches(['.', ':', '/', '!', '?']))
        .filter(|word| OUR_FOLDERS.iter().any(|folder| word.starts_with(folder)))
        .filter(|word| !word.contains(['*', '<', '>', '{', '}', '$', '…']))
        .map(str::to_owned)
}

fn check_link(tree: &Tree, documents: &BTreeMap<&Path, Document>, from: &Path, link: &str) -> Result<(), String> {
    if is_external(link) {
        return Ok(());
    }
    let (path, fragment) = link.split_once('#').map_or((link, None), |(path, fragment)| (path, Some(fragment)));
    let target = resolve(from, path);
    let Some(target) = target.filter(|target| tree.has(target)) else {
        return Err(format!("the link {link} leads to no file: correct it or remove it"));
    };
    let (Some(fragment), Some(document)) = (fragment, documents.get(target.as_path())) else { return Ok(()) };
    if document.anchors.contains(fragment) {
        return Ok(());
    }
    let there: Vec<&str> = document.anchors.iter().map(String::as_str).collect();
    Err(format!("{} has no heading #{fragment}; there are: {}", target.display(), there.join(" ")))
}

fn is_external(link: &str) -> bool {
    link.contains("://") || ["mailto:", "sip:", "sips:", "tel:"].iter().any(|scheme| link.starts_with(scheme))
}

/// The path from the root that a link in `from` means; `None` outside the project.
fn resolve(from: &Path, link: &str) -> Option<PathBuf> {
    if link.is_empty() {
        return Some(from.to_owned());
    }
    let mut target = from.parent()?.to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::Normal(name) => target.push(name),
            Component::ParentDir if target.pop() => {}
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(target)
}

/// `crates/a/tests/it/b.rs::a_test` needs the file, and the function in it.
fn check_path(tree: &Tree, named: &str) -> Result<(), String> {
    let (path, item) = named.split_once("::").map_or((named, None), |(path, item)| (path, Some(item)));
    let path = path.split(['#', ':']).next().unwrap_or(path);
    if !tree.has(Path::new(path)) {
        return Err(format!("{path} does not exist: correct the name or remove it"));
    }
    let Some(item) = item.and_then(|item| item.rsplit("::").next()) else { return Ok(()) };
    let text = tree.text(Path::new(path)).unwrap_or_default();
    // Tests also come from macros, as a bare word.
    let there = text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == item);
    if there { Ok(()) } else { Err(format!("{path} has no {item}: correct the name or remove it")) }
}

/// Documents that a reader who begins at the entrance cannot find.
fn unreachable(documents: &BTreeMap<&Path, Document>) -> Vec<Finding> {
    let finding = |file: &Path, what: &str| Finding { file: file.to_owned(), line: 0, what: what.to_owned() };
    if !documents.contains_key(Path::new(ENTRANCE)) {
        return vec![finding(Path::new(ENTRANCE), "missing: it is where a reader begins")];
    }
    let mut reached = BTreeSet::from([PathBuf::from(ENTRANCE)]);
    let mut ahead = vec![PathBuf::from(ENTRANCE)];
    while let Some(path) = ahead.pop() {
        let links = documents.get(path.as_path()).map(|document| document.links.as_slice()).unwrap_or_default();
        for (_, link) in links.iter().filter(|(_, link)| !is_external(link)) {
            let target = resolve(&path, link.split('#').next().unwrap_or(link));
            ahead.extend(target.filter(|target| reached.insert(target.clone())));
        }
    }
    let docs = documents.keys().filter(|path| path.starts_with("docs") && !reached.contains(**path));
    docs.map(|path| finding(path, "no document links here: link it from README.md or from a page that it leads to"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(Finding::to_string).collect()
    }

    const ARCHITECTURE: &str =
        "# Architecture\n\n## The house, in ten lines\n\n## The `Outbox`\n\n## Twice\n\n## Twice\n";

    #[test]
    fn links_to_files_folders_and_headings_pass() {
        let readme = "# A\n\n[a](docs/architecture.md) [b](docs/architecture.md#the-house-in-ten-lines) [c](docs)\n\
                      [d](#a) [e](https://example.com/x#y) [f](docs/architecture.md#the-outbox)\n\
                      [g](./docs/../docs/architecture.md#twice-1)\n";
        assert_eq!(found(&[("README.md", readme), ("docs/architecture.md", ARCHITECTURE)]), [""; 0]);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found_on_its_line() {
        let readme = "[a](docs/architecture.md)\n\n[b](docs/gone.md)\n[c](docs/architecture.md#gone)\n[d](../up.md)\n";
        let found = found(&[("README.md", readme), ("docs/architecture.md", ARCHITECTURE)]);
        let places: Vec<&str> = found.iter().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(places, ["README.md:3:", "README.md:4:", "README.md:5:"]);
    }

    #[test]
    fn a_link_in_a_code_block_is_no_link() {
        assert_eq!(found(&[("README.md", "```\n[a](gone.md) docs/gone.md\n```\n`[a](gone.md)`\n")]), [""; 0]);
    }

    #[test]
    fn a_page_that_nothing_leads_to_is_found() {
        let files = [
            ("README.md", "[a](docs/a.md)\n"),
            ("docs/a.md", "[b](b.md)\n"),
            ("docs/b.md", "b\n"),
            ("docs/c.md", "c\n"),
        ];
        assert_eq!(found(&files).len(), 1);
        assert!(found(&files).iter().all(|line| line.starts_with("docs/c.md: ")));
    }

    #[test]
    fn files_and_tests_that_a_page_names_are_there() {
        let test = ("crates/a/tests/it/b.rs", "#[test]\nfn it_holds() {}\n");
        let good =
            "See `crates/a/tests/it/b.rs::it_holds`, crates/a and `crates/*/src`. Also (crates/a/tests/it/b.rs).\n";
        assert_eq!(found(&[("README.md", good), test]), [""; 0]);
        let bad = "`crates/a/tests/it/b.rs::it_holds_not`\n`crates/a/tests/it/c.rs`\n";
        assert_eq!(found(&[("README.md", bad), test]).len(), 2);
    }

    #[test]
    fn the_entrance_is_there() {
        assert_eq!(found(&[("docs/a.md", "a\n")]), ["README.md: missing: it is where a reader begins"]);
    }
}
