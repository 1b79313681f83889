//! Why the API did not do what was asked.

use std::io;
use std::path::PathBuf;

use registrar_api::ApiError;

/// Why the API did not do what was asked, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such socket, or nobody listens on it.
    #[error(
        "nobody answers at {}\nhelp: is the registrar running, and does its file have [admin]? --socket and --config say \
         where its socket is",
        path.display()
    )]
    NoSocket {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The socket belongs to somebody else.
    #[error(
        "{} may be opened by the user of the registrar and root alone\nhelp: run this as that user, or go by --url with a \
         token",
        path.display()
    )]
    NotYours {
        /// The socket.
        path: PathBuf,
    },
    /// The address cannot be reached.
    #[error("{target} cannot be reached: {source}\nhelp: is it in [admin] listen of the registrar?")]
    Unreachable {
        /// Where.
        target: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It took longer than it may.
    #[error("{target} did not answer within {seconds} s")]
    TimedOut {
        /// Where.
        target: String,
        /// The time it had.
        seconds: u64,
    },
    /// 401.
    #[error(
        "no token, or one that the registrar does not know\nhelp: --token-file FILE or REGISTRAR_TOKEN names one of [admin] tokens"
    )]
    NoToken,
    /// 403.
    #[error("{}", said(error))]
    Forbidden {
        /// What it says.
        error: ApiError,
    },
    /// 404: there is no such thing.
    #[error("{}", said(error))]
    NotFound {
        /// What it says.
        error: ApiError,
    },
    /// It was understood and refused.
    #[error("{}", said(error))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it says.
        error: ApiError,
    },
    /// What answers is no registrar, or one of another version.
    #[error(
        "what answers at {target} is not the API of this version of the registrar: {what}\nhelp: are the command and the registrar of one version?"
    )]
    Strange {
        /// Where.
        target: String,
        /// What is wrong with the answer.
        what: String,
    },
    /// A stream ended in its middle.
    #[error("the connection to {target} has ended: {what}")]
    Broken {
        /// Where.
        target: String,
        /// How.
        what: String,
    },
}

impl Error {
    /// What is wrong in each place, where the registrar named several.
    #[must_use]
    pub fn problems(&self) -> &[registrar_api::Problem] {
        match self {
            Self::Forbidden { error } | Self::NotFound { error } | Self::Refused { error, .. } => &error.problems,
            _ => &[],
        }
    }
}

/// What an operator sees of an error of the API: its text, and each problem with its place.
fn said(error: &ApiError) -> String {
    let mut text = crate::view::clean(&error.message);
    for problem in &error.problems {
        let place = problem.file.as_deref().map(crate::view::clean).unwrap_or_default();
        let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
        let colon = if place.is_empty() && line.is_empty() { "" } else { ": " };
        text += &format!("\n{place}{line}{colon}{}", crate::view::clean(&problem.message));
        if let Some(help) = &problem.help {
            text += &format!("\nhelp: {}", crate::view::clean(help));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use registrar_api::Problem;

    #[test]
    fn every_problem_is_told_with_its_place_and_nothing_commands_the_terminal() {
        let problem = |file: Option<&str>, line| Problem {
            message: "unknown key\u{1b}[2J".to_owned(),
            file: file.map(str::to_owned),
            line,
            help: Some("did you mean listen?".to_owned()),
        };
        let problems = vec![problem(Some("r.toml"), Some(3)), problem(None, None)];
        let error = ApiError { code: "bad-settings".to_owned(), message: "2 problems".to_owned(), problems };
        let text = Error::Refused { status: 422, error }.to_string();
        let wanted = "2 problems\nr.toml:3: unknown key\\x1b[2J\nhelp: did you mean listen?\nunknown key\\x1b[2J\nhelp: \
                      did you mean listen?";
        assert_eq!(text, wanted);
    }
}
