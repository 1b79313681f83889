//! From the text of a users file to users.

use std::collections::HashMap;
use std::ops::Range;

use sip_message::header::Algorithm;
use sip_registrar::auth::{Algorithms, Grants, Ha1, HashFunction};
use toml::de::DeTable;
use zeroize::Zeroizing;

use super::Address;
use super::blocks::blocks;
use super::user::{HASH_KEYS, Hash, Password, Secrets, User};
use crate::config::{Problems, Section, check_realm, line_of};

/// Where a user stands in the text, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its name.
    pub(crate) name: Range<usize>,
    /// What is TOML by itself and has this user in it, mostly alone.
    pub(crate) block: Range<usize>,
}

/// After so many problems the rest is not read: whoever mends a file does not read them all at once.
const MAX_PROBLEMS: usize = 100;

/// Gives `each` every user of the text in its order, those before the first problem at least.
///
/// # Errors
/// Everything that is wrong.
pub(crate) fn read(text: &str, mut each: impl FnMut(User, Place)) -> Result<(), Problems> {
    let mut problems = Problems::default();
    let mut known = HashMap::new();
    for block in blocks(text) {
        let in_text = |at: Range<usize>| at.start + block.start..at.end + block.start;
        let earlier = problems.0.len();
        read_block(text.get(block.clone()).unwrap_or_default(), &mut problems, |user, name, problems| {
            let name_in_text = in_text(name.clone());
            if let Some(first) = known.insert(user.address.clone(), name_in_text.start) {
                let line = line_of(text, first);
                problems.add(name, format!("{} stands twice: here and in line {line}", user.address), None);
            }
            each(user, Place { name: name_in_text, block: block.clone() });
        });
        for problem in problems.0.iter_mut().skip(earlier) {
            problem.at = in_text(problem.at.clone());
        }
        if problems.0.len() >= MAX_PROBLEMS {
            problems.add(block.end..block.end, "too many problems: what follows was not read", None);
            break;
        }
    }
    if problems.0.is_empty() { Ok(()) } else { Err(problems) }
}

/// All places are within the block.
fn read_block(text: &str, problems: &mut Problems, mut each: impl FnMut(User, Range<usize>, &mut Problems)) {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        problems.add(error.span().unwrap_or(0..0), format!("this is no TOML: {}", error.message().trim()), None);
    }
    // What was made of a block that cannot be read as a whole says nothing about what was meant.
    if errors.is_empty() {
        let mut top = Section::top(&table, problems);
        top.tables("user", |name, section| {
            if let Some(user) = read_user(name, section) {
                each(user, section.at.clone(), section.problems);
            }
        });
        top.finish();
    }
}

/// `None`: it is not known whose entry it is, or it has no secret that could be read.
fn read_user(name: &str, section: &mut Section<'_, '_>) -> Option<User> {
    let name_at = section.at.clone();
    let address = Address::parse(name);
    if let Err(error) = &address {
        section.problems.add(name_at.clone(), error.to_string(), None);
    }
    let secrets = read_secrets(section);
    let algorithms = read_algorithms(section);
    let may_register = read_grants(section);
    let user = User { address: address.ok()?, secrets: secrets?, algorithms, may_register };
    if let Some(algorithm) = user.useless_algorithm() {
        let what = format!("{} is offered {} and has no hash for it", user.address, algorithm.name());
        section.problems.add(name_at, what, Some("leave it out of algorithms, or set the password anew".to_owned()));
    }
    Some(user)
}

fn read_secrets(section: &mut Section<'_, '_>) -> Option<Secrets> {
    let earlier = section.problems.0.len();
    let password = section.text("password");
    let mut hashes = Vec::new();
    for (key, function, of) in HASH_KEYS {
        let Some((hex, at)) = section.text(key) else { continue };
        match Ha1::from_hex(function, hex.as_bytes()) {
            Some(ha1) => hashes.push(Hash { of, ha1 }),
            None if function == HashFunction::Md5 => section.wrong(key, at, "32 hexadecimal digits"),
            None => section.wrong(key, at, "64 hexadecimal digits"),
        }
    }
    let realm = section.text("realm");
    if let Some((text, at)) = &realm
        && let Err(wanted) = check_realm(text)
    {
        section.problems.add(at.clone(), format!("realm {wanted}"), None);
    }
    match password {
        Some((_, at)) if realm.is_some() || !hashes.is_empty() => {
            let what = "a password is good for every function and realm: there are hashes or a realm beside it";
            section.problems.add(at, what, Some("remove it, or them".to_owned()));
            None
        }
        Some((text, at)) => match Password::new(Zeroizing::new(text.to_owned())) {
            Ok(password) => Some(Secrets::Password(password)),
            Err(why) => {
                section.problems.add(at, format!("the password {why}"), None);
                None
            }
        },
        None if hashes.is_empty() => {
            if section.problems.0.len() == earlier {
                let keys = HASH_KEYS.map(|(key, ..)| key).join(", ");
                let (at, help) = (section.at.clone(), format!("it has one or more of {keys}; or password"));
                section.problems.add(at, "this user has no secret", Some(help));
            }
            None
        }
        None => Some(Secrets::Hashes { hashes, realm: realm.map(|(text, _)| text.to_owned()) }),
    }
}

fn read_algorithms(section: &mut Section<'_, '_>) -> Algorithms {
    let mut algorithms = Vec::new();
    for (name, at) in section.texts("algorithms").map(|(names, _)| names).unwrap_or_default() {
        match algorithm(name) {
            Ok(algorithm) => algorithms.push(algorithm),
            Err(what) => section.problems.add(at, what, None),
        }
    }
    Algorithms::new(algorithms)
}

/// The algorithm of that name.
///
/// # Errors
/// There is none; the text says which there are.
pub(crate) fn algorithm(name: &str) -> Result<Algorithm, String> {
    let known = Algorithm::ALL.map(Algorithm::name).join(", ");
    Algorithm::from_name(name.as_bytes()).ok_or_else(|| format!("{name:?} is no algorithm; there are {known}"))
}

fn read_grants(section: &mut Section<'_, '_>) -> Vec<String> {
    let mut patterns = Vec::new();
    for (pattern, at) in section.texts("may_register").map(|(patterns, _)| patterns).unwrap_or_default() {
        match Grants::new([pattern]) {
            Ok(_) => patterns.push(pattern.to_owned()),
            Err(error) => section.problems.add(at, error.to_string(), None),
        }
    }
    patterns
}

#[cfg(test)]
mod tests;
