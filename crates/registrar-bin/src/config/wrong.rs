//! Why there are no settings.

use registrar_api::Problem;

use super::Problems;
use crate::Failure;

/// What is wrong with a file, or with the command line.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// In words.
    Text(String),
    /// At places of a file, with its name and its text.
    File { file: String, text: String, problems: Problems },
}

impl Wrong {
    /// For the terminal on which the program was started.
    pub(crate) fn into_failure(self) -> Failure {
        Failure::Settings(match self {
            Self::Text(text) => text,
            Self::File { file, text, problems } => problems.render(&file, &text),
        })
    }

    /// Each problem by itself, for the log and the API.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Text(text) => {
                let (message, help) = match text.trim_end().split_once("\nhelp: ") {
                    Some((message, help)) => (message, Some(help.to_owned())),
                    None => (text.trim_end(), None),
                };
                let message = message.strip_prefix("error: ").unwrap_or(message).to_owned();
                vec![Problem { message, file: None, line: None, help }]
            }
            Self::File { file, text, problems } => problems
                .by_line(text)
                .map(|(line, message)| Problem {
                    message,
                    file: Some(file.clone()),
                    line: u32::try_from(line).ok(),
                    help: None,
                })
                .collect(),
        }
    }
}

impl From<Failure> for Wrong {
    fn from(failure: Failure) -> Self {
        Self::Text(failure.into_text())
    }
}
