//! Words that were misspelt.

/// Whether a word is another with one or two letters wrong, or with `-` for `_`.
pub(crate) fn is_near(word: &str, known: &str) -> bool {
    let (word, known) = (word.replace('-', "_").to_lowercase(), known.to_lowercase());
    distance(word.as_bytes(), known.as_bytes()) <= 1 + known.len() / 6
}

/// The number of letters to insert, remove or replace (Levenshtein).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(b) {
            let next = (diagonal + usize::from(x != y)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, next);
            left = next;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_words_are_recognised() {
        assert_eq!(distance(b"kitten", b"sitting"), 3);
        assert!(is_near("min_expire", "min_expires"));
        assert!(is_near("Max-Expires", "max_expires"));
        assert!(is_near("lsiten", "listen"));
        assert!(!is_near("port", "listen"));
    }
}
