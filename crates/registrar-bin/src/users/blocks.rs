//! A users file in pieces.

use std::ops::Range;

/// The text cut before each header, and the comment lines directly above it, that begins a line. So a file with a
/// million users is read and changed user by user.
///
/// If every block is TOML by itself, the text as a whole means what they mean one after the other: a cut inside a text
/// or list of several lines would leave a block before it that does not end.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    let mut start = 0;
    let mut comment = None;
    let mut lines = text.split_inclusive('\n');
    std::iter::from_fn(move || {
        for line in lines.by_ref() {
            let line_start = at;
            at += line.len();
            match line.as_bytes().first() {
                Some(b'#') => _ = comment.get_or_insert(line_start),
                Some(b'[') => {
                    let cut = comment.take().unwrap_or(line_start);
                    if cut > start {
                        return Some(std::mem::replace(&mut start, cut)..cut);
                    }
                }
                _ => comment = None,
            }
        }
        (start < text.len()).then(|| std::mem::replace(&mut start, text.len())..text.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_cut_before_each_header_and_its_comment() {
        let text =
            "# Users\n\n# The boss\n# and her phone\n[user.\"a\"]\nmd5 = 1\n# of a\n\n[user.\"b\"]\n[user.\"c\"]\n";
        let cut: Vec<_> = blocks(text).map(|block| &text[block]).collect();
        assert_eq!(
            cut,
            [
                "# Users\n\n",
                "# The boss\n# and her phone\n[user.\"a\"]\nmd5 = 1\n# of a\n\n",
                "[user.\"b\"]\n",
                "[user.\"c\"]\n"
            ]
        );
    }

    #[test]
    fn nothing_is_lost() {
        for text in ["", "\n", "[a]", "#\n[a]\n#", "a = 1\n[b]\n\n#\n#\n[c]", "#\n#"] {
            let cut: String = blocks(text).map(|block| &text[block]).collect();
            assert_eq!(cut, text);
            assert!(blocks(text).all(|block| !block.is_empty()));
        }
    }
}
