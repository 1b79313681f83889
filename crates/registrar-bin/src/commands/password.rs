//! The password of a user: never from the command line, which every user of a machine can see.

use std::io::{self, BufRead, IsTerminal, Read};

use zeroize::Zeroizing;

use crate::Failure;
use crate::cli::AccountArgs;

/// More than any password has.
const MOST: u64 = 1024;

/// The password that was given, if one was.
pub(super) fn given(args: &AccountArgs) -> Result<Option<Zeroizing<String>>, Failure> {
    if !args.stdin {
        return Ok(std::env::var("REGISTRAR_PASSWORD").ok().map(Zeroizing::new));
    }
    let mut line = Zeroizing::new(String::new());
    let read = io::stdin().lock().take(MOST).read_line(&mut line);
    read.map_err(|error| Failure::Settings(format!("error: the password cannot be read: {error}")))?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    if line.is_empty() { Err(Failure::Settings("error: the password is empty".to_owned())) } else { Ok(Some(line)) }
}

/// Asks for it where there is a terminal.
pub(super) fn asked(what: &str) -> Option<Zeroizing<String>> {
    if !io::stdin().is_terminal() {
        return None;
    }
    rpassword::prompt_password(what).ok().map(Zeroizing::new).filter(|password| !password.is_empty())
}
