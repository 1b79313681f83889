//! What callgrind has written down: the instructions of each function, and how often memory was taken.

use std::collections::{BTreeMap, HashMap};

/// Functions of the C library that take memory.
const TAKING: [&str; 6] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"];

/// One run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Profile {
    /// Instructions of each function itself and of what was inlined into it, by its name.
    pub(super) functions: BTreeMap<String, u64>,
    /// How often memory was taken.
    pub(super) allocations: u64,
}

impl Profile {
    /// Reads callgrind's file (its format: <https://valgrind.org/docs/manual/cl-format.html>), with lines as positions and
    /// instructions as the one event.
    pub(super) fn read(text: &str) -> Self {
        let mut names: HashMap<&str, String> = HashMap::new();
        let (mut within, mut called, mut is_of_call) = (String::new(), String::new(), false);
        let mut profile = Self::default();
        for line in text.lines() {
            if let Some(function) = line.strip_prefix("fn=") {
                within = resolved(function, &mut names);
            } else if let Some(function) = line.strip_prefix("cfn=") {
                called = resolved(function, &mut names);
            } else if let Some(call) = line.strip_prefix("calls=") {
                if TAKING.contains(&called.as_str()) {
                    profile.allocations += number(call.split(' ').next());
                }
                // The next line has what the call took, which is counted where it was spent.
                is_of_call = true;
            } else if line.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '*'))
                && !std::mem::take(&mut is_of_call)
            {
                *profile.functions.entry(within.clone()).or_default() += number(line.split(' ').nth(1));
            }
        }
        profile
    }

    /// All instructions.
    pub(super) fn instructions(&self) -> u64 {
        self.functions.values().sum()
    }
}

fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// `(7) name` names a function once and for all, `(7)` means it again.
fn resolved<'a>(text: &'a str, names: &mut HashMap<&'a str, String>) -> String {
    let (id, name) = text.split_once(' ').unwrap_or((text, ""));
    if !name.is_empty() {
        names.insert(id, plain(name));
    }
    names.get(id).cloned().unwrap_or_else(|| text.to_owned())
}

/// Without what differs from build to build, or with the depth of a recursion: `::h0123456789abcdef` and `'2`.
fn plain(name: &str) -> String {
    let name = name.split('\'').next().unwrap_or(name);
    let is_hash = |tail: &&str| tail.len() == 16 && tail.bytes().all(|byte| byte.is_ascii_hexdigit());
    name.rsplit_once("::h").filter(|(_, tail)| is_hash(tail)).map_or(name, |(before, _)| before).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_count_where_they_are_spent_and_memory_by_calls() {
        let text = "version: 1\npositions: line\nevents: Ir\nsummary: 137\n\nob=(1) /bin/x\nfl=(1) a.rs\n\
                    fn=(1) a::outer::h0123456789abcdef\n10 5\n+2 10\ncfn=(2) malloc\ncalls=3 20\n* 60\nfi=(2) b.rs\n7 2\n\n\
                    fn=(2)\n20 60\ncfn=(3) inner'2\ncalls=1 30\n20 60\n\nfn=(3)\n30 60\n-1\n";
        let profile = Profile::read(text);
        let expected = [("a::outer", 17), ("inner", 60), ("malloc", 60)].map(|(name, count)| (name.to_owned(), count));
        assert_eq!(profile, Profile { functions: expected.into(), allocations: 3 });
        assert_eq!(profile.instructions(), 137);
    }
}
