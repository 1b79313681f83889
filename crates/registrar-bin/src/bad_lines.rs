//! What is wrong with the lines of an input.

use std::fmt::Display;

use crate::say::count;

/// The most that are shown.
const SHOWN: usize = 20;

/// How many lines are bad, and what is wrong with the first.
#[derive(Debug, Default)]
pub(crate) struct BadLines {
    count: usize,
    told: Vec<String>,
}

impl BadLines {
    /// `place`: as in `line 7`.
    pub(crate) fn add(&mut self, place: impl Display, what: &str) {
        self.count += 1;
        if self.told.len() < SHOWN {
            self.told.push(format!("{place}: {what}"));
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// What is wrong with them, one in each line.
    pub(crate) fn told(&self) -> String {
        let more = match self.count - self.told.len() {
            0 => String::new(),
            more => format!("\nand {more} more"),
        };
        format!("{}{more}", self.told.join("\n"))
    }

    /// The same, and that nothing of `input` was taken; `None` if no line is bad.
    pub(crate) fn refusal(&self, input: &str, help: &str) -> Option<String> {
        (self.count > 0).then(|| {
            let (told, lines) = (self.told(), count(self.count, "line", "lines"));
            format!("{told}\nerror: {input}: {lines} cannot be imported: nothing was changed{help}")
        })
    }
}
