//! Reading a table of the file: every key that is known is taken out and checked, and what is left is unknown.

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problems;
use super::near::is_near;

/// A text and its place in the file, in bytes.
pub(super) type Placed<'t> = (&'t str, Range<usize>);

/// An item of a list.
pub(crate) enum Item<'t, 'p> {
    /// A text with its place, and where to say what is wrong with it.
    Text(Placed<'t>, &'p mut Problems),
    /// A table; whoever reads it calls [`Section::finish`].
    Table(Section<'t, 'p>),
}

/// One table of the file. What is wrong with it goes to `problems`; reading goes on all the same, so that all of it is
/// found at once.
pub(crate) struct Section<'t, 'p> {
    table: &'t DeTable<'t>,
    /// Its name in brackets, as in `[registrar]`; empty for the keys at the top.
    name: Cow<'t, str>,
    /// Where it begins.
    pub(crate) at: Range<usize>,
    known: Vec<&'static str>,
    pub(crate) problems: &'p mut Problems,
}

impl<'t, 'p> Section<'t, 'p> {
    /// All of a text.
    pub(crate) fn top(table: &'t Spanned<DeTable<'t>>, problems: &'p mut Problems) -> Self {
        Self::new(table.get_ref(), Cow::Borrowed(""), table.span(), problems)
    }

    fn new(table: &'t DeTable<'t>, name: Cow<'t, str>, at: Range<usize>, problems: &'p mut Problems) -> Self {
        Self { table, name, at, known: Vec::new(), problems }
    }

    /// Whether `key` is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Marks `key` as known and gives its value.
    fn take(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.known.push(key);
        self.table.get(key)
    }

    /// Says what the value of `key` must be.
    pub(crate) fn wrong(&mut self, key: &str, at: Range<usize>, wanted: &str) {
        let what = format!("{}{key} must be {wanted}", self.prefix());
        self.problems.add(at, what, None);
    }

    /// Its name in brackets, to stand before what is said about a key.
    pub(crate) fn prefix(&self) -> String {
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

    /// A list of texts and tables, or one of them alone, each read by `read`, which says with an error that it is not
    /// what was `wanted`. Gives the place of the list.
    pub(crate) fn items(
        &mut self,
        key: &'static str,
        wanted: &str,
        mut read: impl FnMut(Item<'t, '_>) -> Result<(), ()>,
    ) -> Option<Range<usize>> {
        let value = self.take(key)?;
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        for item in items {
            let done = match item.get_ref() {
                DeValue::String(text) => read(Item::Text((text.as_ref(), item.span()), self.problems)),
                DeValue::Table(table) => {
                    let name = self.name_of(key);
                    read(Item::Table(Section::new(table, name, item.span(), self.problems)))
                }
                _ => Err(()),
            };
            if done.is_err() {
                self.wrong(key, item.span(), wanted);
            }
        }
        Some(value.span())
    }

    /// The name of a table inside this one, as in `users.sql`.
    fn name_of(&self, key: &'static str) -> Cow<'t, str> {
        if self.name.is_empty() { Cow::Borrowed(key) } else { Cow::Owned(format!("{}.{key}", self.name)) }
    }

    /// A table inside this one, read by `read`.
    pub(crate) fn section(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'t, '_>)) {
        let Some(value) = self.take(key) else { return };
        match value.get_ref() {
            DeValue::Table(table) => {
                let name = self.name_of(key);
                let mut section = Section::new(table, name, value.span(), self.problems);
                read(&mut section);
                section.finish();
            }
            _ => self.wrong(key, value.span(), &format!("a table, written as [{}]", self.name_of(key))),
        }
    }

    /// A table of tables, each under a name that the file gives it, read by `read`. Its place is that name's.
    pub(crate) fn tables(&mut self, key: &'static str, mut read: impl FnMut(&'t str, &mut Section<'t, '_>)) {
        let Some(value) = self.take(key) else { return };
        let DeValue::Table(tables) = value.get_ref() else {
            return self.wrong(key, value.span(), "a table of tables");
        };
        for (name, value) in tables {
            let text = name.get_ref().as_ref();
            match value.get_ref() {
                DeValue::Table(table) => {
                    let mut section = Section::new(table, Cow::Borrowed(text), name.span(), self.problems);
                    read(text, &mut section);
                    section.finish();
                }
                _ => self.wrong(key, value.span(), &format!("a table for each name, written as [{key}.\"name\"]")),
            }
        }
    }

    /// Lists of lists of texts, each under a name that the file gives it.
    pub(crate) fn lists(&mut self, key: &'static str) -> Vec<(&'t str, Vec<Vec<Placed<'t>>>)> {
        const WANTED: &str = "lists of lists for each name, as in { REGISTER = [[\"a\", \"b\"], [\"c\"]] }";
        let Some(value) = self.take(key) else { return Vec::new() };
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(key, value.span(), WANTED);
            return Vec::new();
        };
        let items = |value: &'t Spanned<DeValue<'t>>| match value.get_ref() {
            DeValue::Array(items) => Some(items.iter()),
            _ => None,
        };
        let text = |value: &'t Spanned<DeValue<'t>>| match value.get_ref() {
            DeValue::String(text) => Some((text.as_ref(), value.span())),
            _ => None,
        };
        let mut named = Vec::new();
        for (name, value) in table {
            let lists = items(value).and_then(|lists| {
                lists.map(|list| items(list)?.map(text).collect::<Option<Vec<_>>>()).collect::<Option<Vec<_>>>()
            });
            match lists {
                Some(lists) => named.push((name.get_ref().as_ref(), lists)),
                None => self.wrong(key, value.span(), WANTED),
            }
        }
        named
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
