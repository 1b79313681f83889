//! What is wrong with a file, and where.

use std::io::IsTerminal;
use std::ops::Range;

use ariadne::{CharSet, Config, IndexType, Label, Report, ReportKind, Source};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Its place in the file, in bytes.
    pub(crate) at: Range<usize>,
    /// What is wrong.
    pub(crate) what: String,
    /// How to mend it.
    pub(crate) help: Option<String>,
}

/// The most problems that are shown of one file.
const SHOWN: usize = 50;

/// Everything that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, at: Range<usize>, what: impl Into<String>, help: Option<String>) {
        self.0.push(Problem { at, what: what.into(), help });
    }

    /// As text for people, in the order of the file: each with its line and that line itself.
    ///
    /// In ASCII, which every terminal, journal and mail can show.
    pub(crate) fn render(&self, file: &str, text: &str) -> String {
        let config = Config::default()
            .with_color(std::io::stderr().is_terminal())
            .with_char_set(CharSet::Ascii)
            .with_index_type(IndexType::Byte);
        let mut source = (file, Source::from(text));
        let mut out = Vec::new();
        for problem in self.in_order().take(SHOWN) {
            let span = (file, problem.at.clone());
            let report = Report::build(ReportKind::Error, span.clone())
                .with_config(config)
                .with_message(&problem.what)
                .with_label(Label::new(span).with_message(problem.help.as_deref().unwrap_or("here")));
            // Writing to memory does not fail.
            drop(report.finish().write(&mut source, &mut out));
        }
        let mut rendered: String =
            String::from_utf8_lossy(&out).lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
        let count = match self.0.len() {
            1 => "1 problem".to_owned(),
            n if n > SHOWN => format!("{n} problems, of which the first {SHOWN} are shown"),
            n => format!("{n} problems"),
        };
        rendered.push_str(&format!("error: {file}: {count}\n"));
        rendered
    }

    /// The same for a log: the number of its line, what is wrong there, and how to mend it, without a word of the file
    /// itself.
    pub(crate) fn by_line(&self, text: &str) -> impl Iterator<Item = (usize, String)> {
        self.in_order().take(SHOWN).map(|problem| {
            let help = problem.help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
            (line_of(text, problem.at.start), format!("{}{help}", problem.what))
        })
    }

    fn in_order(&self) -> impl Iterator<Item = &Problem> {
        let mut problems: Vec<_> = self.0.iter().collect();
        problems.sort_by_key(|problem| problem.at.start);
        problems.into_iter()
    }
}

/// The number of the line in which this byte is.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
}
