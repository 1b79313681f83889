//! Where a password comes from: never from the command line, which every user of a machine can see.

use std::io::{self, BufRead};

use zeroize::Zeroizing;

use crate::Failure;
use crate::cli::PasswordArgs;
use crate::say::print;
use crate::users::Address;
use crate::users::user::Password;

/// Letters and digits that are not mistaken for one another: 32, so that each is five bits.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// 100 bits.
const GENERATED: usize = 20;

/// The password of a user, from where the operator said. Nobody is asked before `check` says that it is not in vain.
pub(super) fn password(
    args: &PasswordArgs,
    address: &Address,
    check: impl FnOnce() -> Result<(), Failure>,
) -> Result<Password, Failure> {
    if args.generate {
        generate()
    } else if args.stdin {
        from_line(io::stdin().lock())
    } else {
        check()?;
        ask(address)
    }
}

/// Tells a password that was made, once it is good for something.
pub(super) fn show(args: &PasswordArgs, password: &Password) -> Result<(), Failure> {
    if args.generate { print(&format!("{}\n", password.reveal())) } else { Ok(()) }
}

fn ask(address: &Address) -> Result<Password, Failure> {
    let prompt = |text: String| {
        rpassword::prompt_password(text).map(Zeroizing::new).map_err(|error| {
            Failure::Settings(format!(
                "error: there is no terminal to ask for a password ({error})\n\
                 help: --stdin reads it from standard input, --generate makes one"
            ))
        })
    };
    let first = checked(prompt(format!("Password of {address}: "))?)?;
    let second = prompt("The same again: ".to_owned())?;
    if *second == first.reveal() { Ok(first) } else { Err(wrong("was typed in two ways: nothing is changed")) }
}

/// The first line, without its end.
fn from_line(input: impl BufRead) -> Result<Password, Failure> {
    let mut line = Zeroizing::new(String::new());
    let most = u64::try_from(Password::MAX_LEN).unwrap_or_default() + 3;
    if let Err(error) = input.take(most).read_line(&mut line) {
        return Err(wrong(&format!("cannot be read: {error}")));
    }
    let ends = if line.ends_with("\r\n") { 2 } else { usize::from(line.ends_with('\n')) };
    let end = line.len() - ends;
    line.truncate(end);
    checked(line)
}

fn generate() -> Result<Password, Failure> {
    let mut random = Zeroizing::new([0; GENERATED]);
    getrandom::fill(&mut *random).map_err(|error| Failure::Machine(format!("error: random numbers: {error}")))?;
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().map_or('a', char::from);
    checked(Zeroizing::new(random.iter().map(letter).collect()))
}

fn checked(text: Zeroizing<String>) -> Result<Password, Failure> {
    Password::new(text).map_err(wrong)
}

fn wrong(why: &str) -> Failure {
    Failure::Settings(format!("error: the password {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_read_without_its_end() {
        for (input, password) in [("open sesame\nmore", "open sesame"), (" a \r\n", " a "), ("ü", "ü")] {
            let read = from_line(input.as_bytes());
            assert!(read.is_ok_and(|read| read.reveal() == password), "{input:?}");
        }
        for input in ["", "\n", "a\tb\n", "a\rb\n"] {
            assert!(matches!(from_line(input.as_bytes()), Err(Failure::Settings(_))), "{input:?}");
        }
        assert!(from_line(format!("{}\r\n", "x".repeat(256)).as_bytes()).is_ok());
        assert!(from_line("x".repeat(257).as_bytes()).is_err() && from_line("x".repeat(1_000_000).as_bytes()).is_err());
        assert!(from_line(&b"\xff\n"[..]).is_err());
    }

    #[test]
    fn generated_passwords_are_long_legible_and_never_the_same() {
        let made: Vec<_> = (0..100).map(|_| generate().ok().unwrap().reveal().to_owned()).collect();
        let all: std::collections::HashSet<_> = made.iter().collect();
        assert_eq!(all.len(), made.len());
        assert!(made.iter().all(|made| made.len() == 20 && made.bytes().all(|byte| ALPHABET.contains(&byte))));
        // 2,000 letters: each of 32 is missing with probability 32 * (31/32)^2000 < 1e-25.
        assert!(ALPHABET.iter().all(|letter| made.iter().any(|made| made.as_bytes().contains(letter))));
        assert!(ALPHABET.iter().all(|letter| !b"0o1lI".contains(letter)));
    }
}
