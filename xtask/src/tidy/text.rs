//! White space and line ends in every text written by hand.

use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.files.iter().filter_map(|(path, text)| Some((path, text.as_deref()?))) {
        let mut found = |line: usize, what: &str| {
            findings.push(Finding { file: path.clone(), line, what: what.to_owned() });
        };
        for (at, line) in text.split('\n').enumerate() {
            if line.ends_with('\r') {
                found(at + 1, "a line end of CR LF: use LF alone");
            } else if line.ends_with(char::is_whitespace) {
                found(at + 1, "white space at the end of the line: remove it");
            }
            if line.contains('\t') {
                found(at + 1, "a tab: use spaces");
            }
            if let Some(space) = line.chars().find(|&c| is_foreign_space(c)) {
                found(
                    at + 1,
                    &format!("U+{:04X} looks like a space or like nothing: use a plain space", u32::from(space)),
                );
            }
        }
        if text.is_empty() || text.ends_with("\n\n") || !text.ends_with('\n') {
            found(text.lines().count(), "a file ends with one line end, and is not empty");
        }
    }
    findings
}

/// Spaces other than U+0020, and characters that take no room.
fn is_foreign_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{ad}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}' | '\u{2060}' | '\u{3000}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        check(&Tree::of(&[("a.md", text)])).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn clean_text_passes() {
        assert_eq!(lines("one\n\ntwo → three\n"), [0; 0]);
    }

    #[test]
    fn each_kind_of_stray_white_space_is_found_on_its_line() {
        assert_eq!(lines("one \ntwo\n"), [1]);
        assert_eq!(lines("one\n\ttwo\n"), [2]);
        assert_eq!(lines("one\r\ntwo\n"), [1]);
        assert_eq!(lines("one\u{a0}1\n"), [1]);
        assert_eq!(lines("\u{feff}one\n"), [1]);
    }

    #[test]
    fn a_file_ends_with_exactly_one_line_end() {
        assert_eq!(lines("one"), [1]);
        assert_eq!(lines("one\n\n"), [2]);
        assert_eq!(lines(""), [0]);
    }
}
