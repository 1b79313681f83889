//! How output looks, which depends on where it goes.

use std::ffi::OsString;
use std::fmt::Display;

use anstyle::{AnsiColor, Effects, Style};

/// How output looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The columns of the terminal; `None`: as wide as it gets.
    pub width: Option<u16>,
    /// Whether there are colours.
    pub colours: bool,
}

/// What a colour means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// As it should be.
    Good,
    /// To be looked at.
    Warn,
    /// Wrong.
    Bad,
    /// A heading.
    Head,
    /// Beside the point.
    Faint,
}

impl Look {
    /// That of standard output: colours only on a terminal, and never with NO_COLOR (no-color.org) or on a dumb terminal.
    #[must_use]
    pub fn of_stdout(variable: impl Fn(&str) -> Option<OsString>, is_terminal: bool) -> Self {
        let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let is_dumb = variable("TERM").is_some_and(|term| term == "dumb");
        let width = if is_terminal { comfy_table::Table::new().width() } else { None };
        Self { width, colours: is_terminal && !is_set("NO_COLOR") && !is_dumb }
    }

    /// The text in that colour, if there are colours.
    pub(crate) fn ink(self, ink: Ink, text: impl Display) -> String {
        if !self.colours {
            return text.to_string();
        }
        let style = match ink {
            Ink::Good => AnsiColor::Green.on_default(),
            Ink::Warn => AnsiColor::Yellow.on_default(),
            Ink::Bad => AnsiColor::Red.on_default(),
            Ink::Head => Style::new().effects(Effects::BOLD),
            Ink::Faint => Style::new().effects(Effects::DIMMED),
        };
        format!("{style}{text}{style:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let colours = |set: &[(&str, &str)], is_terminal| {
            let value = |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(*value));
            Look::of_stdout(value, is_terminal).colours
        };
        assert!(colours(&[], true) && colours(&[("NO_COLOR", "")], true) && colours(&[("TERM", "xterm")], true));
        assert!(!colours(&[], false) && !colours(&[("NO_COLOR", "1")], true) && !colours(&[("TERM", "dumb")], true));
    }

    #[test]
    fn without_colours_a_text_is_itself() {
        let plain = Look::default();
        let coloured = Look { colours: true, ..plain };
        for ink in [Ink::Good, Ink::Warn, Ink::Bad, Ink::Head, Ink::Faint] {
            assert_eq!(plain.ink(ink, "text"), "text");
            let text = coloured.ink(ink, "text");
            assert!(text.starts_with("\u{1b}[") && text.ends_with("text\u{1b}[0m"), "{text:?}");
        }
    }
}
