//! Reading a table of the file: every key that is known is taken out and checked, and what is left is unknown.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problems;

/// A text and its place in the file, in bytes.
type Placed<'t> = (&'t str, Range<usize>);

/// One table of the file. What is wrong with it goes to `problems`; reading goes on all the same, so that all of it is
/// found at once.
pub(crate) struct Section<'t, 'p> {
    table: &'t DeTable<'t>,
    /// Its name in brackets, as in `[registrar]`; empty for the keys at the top.
    name: &'static str,
    known: Vec<&'static str>,
    pub(crate) problems: &'p mut Problems,
}

impl<'t, 'p> Section<'t, 'p> {
    pub(crate) fn new(table: &'t DeTable<'t>, name: &'static str, problems: &'p mut Problems) -> Self {
        Self { table, name, known: Vec::new(), problems }
    }

    /// Marks `key` as known and gives its value.
    fn take(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.known.push(key);
        self.table.get(key)
    }

    fn wrong(&mut self, key: &str, at: Range<usize>, wanted: &str) {
        let what = format!("{}{key} must be {wanted}", self.prefix());
        self.problems.add(at, what, None);
    }

    fn prefix(&self) -> String {
        if self.name.is_empty() { String::new() } else { format!("[{}] ", self.name) }
    }

    /// A whole number within `range`, and its place.
    pub(crate) fn number(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<(u64, Range<usize>)> {
        let value = self.take(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        match number.and_then(|number| u64::try_from(number).ok()).filter(|number| range.contains(number)) {
            Some(number) => Some((number, value.span())),
            None => {
                let wanted = format!("a whole number from {} to {}", range.start(), range.end());
                self.wrong(key, value.span(), &wanted);
                None
            }
        }
    }

    /// True or false.
    pub(crate) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.take(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => {
                self.wrong(key, value.span(), "true or false");
                None
            }
        }
    }

    /// A text.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<Placed<'t>> {
        let value = self.take(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some((text.as_ref(), value.span())),
            _ => {
                self.wrong(key, value.span(), "a text in quotes");
                None
            }
        }
    }

    /// One of some words.
    pub(crate) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let (text, at) = self.text(key)?;
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.wrong(key, at, &words.join(" or "));
        }
        found
    }

    /// A list of texts, or one text alone, each with its place; and the place of the list.
    pub(crate) fn texts(&mut self, key: &'static str) -> Option<(Vec<Placed<'t>>, Range<usize>)> {
        let value = self.take(key)?;
        let items = match value.get_ref() {
            DeValue::String(text) => return Some((vec![(text.as_ref(), value.span())], value.span())),
            DeValue::Array(items) => items,
            _ => {
                self.wrong(key, value.span(), "a list of texts, as in [\"a\", \"b\"]");
                return None;
            }
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push((text.as_ref(), item.span())),
                _ => self.wrong(key, item.span(), "a list of texts in quotes"),
            }
        }
        Some((texts, value.span()))
    }

    /// A table inside this one, read by `read`.
    pub(crate) fn section(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'t, '_>)) {
        let Some(value) = self.take(key) else { return };
        match value.get_ref() {
            DeValue::Table(table) => {
                let mut section = Section::new(table, key, self.problems);
                read(&mut section);
                section.finish();
            }
            _ => self.wrong(key, value.span(), &format!("a table, written as [{key}]")),
        }
    }

    /// Says which keys nobody asked for.
    pub(crate) fn finish(self) {
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if self.known.contains(&name) {
                continue;
            }
            let help = match self.known.iter().find(|known| is_near(name, known)) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("known here: {}", self.known.join(", ")),
            };
            let what = format!("{}unknown key {name:?}", self.prefix());
            self.problems.add(key.span(), what, Some(help));
        }
    }
}

/// Whether a word is another with one or two letters wrong, or with `-` for `_`.
fn is_near(word: &str, known: &str) -> bool {
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
    fn misspelt_keys_are_recognised() {
        assert_eq!(distance(b"kitten", b"sitting"), 3);
        assert!(is_near("min_expire", "min_expires"));
        assert!(is_near("Max-Expires", "max_expires"));
        assert!(is_near("lsiten", "listen"));
        assert!(!is_near("port", "listen"));
    }
}
