//! What commands tell whoever runs them.

use std::io::{self, Write};

use crate::Failure;

/// What was done; what was asked for goes to standard output alone.
pub(crate) fn say(what: &str) {
    // If nobody listens it is done all the same.
    drop(writeln!(io::stderr(), "{what}"));
}

/// What was asked for.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Machine(format!("error: standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// What is wrong with what was asked for.
pub(crate) fn wrong(what: &str) -> Failure {
    Failure::Settings(format!("error: {what}"))
}

/// `1 user`, `2 users`.
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}
