//! `registrar user import`.

mod csv;
mod htdigest;

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;

use sip_registrar::auth::Algorithms;
use zeroize::Zeroizing;

use super::edit;
use super::target::{IfMissing, Target, UsersText, lost};
use crate::Failure;
use crate::bad_lines::BadLines;
use crate::cli::{ImportArgs, ImportFormat};
use crate::config::check_realm;
use crate::say::{count, say, wrong};
use crate::users::Address;
use crate::users::user::{Secrets, User};

/// A user of another server.
#[derive(Debug)]
struct Imported {
    address: Address,
    secrets: Secrets,
}

/// Adds every user of the input, or none if anything is wrong with one of them.
pub(super) fn import(args: &ImportArgs) -> Result<(), Failure> {
    let target = Target::of(&args.file)?;
    if let Some(realm) = &args.realm {
        check_realm(realm).map_err(|wanted| wrong(&format!("--realm {wanted}")))?;
    }
    let input = Input::read(args.input.as_deref())?;
    let mut users = Users::default();
    match args.format {
        ImportFormat::Htdigest if args.realm.is_some() || args.plain => {
            return Err(wrong("--realm and --plain go with csv: an htdigest file has realms, and no passwords"));
        }
        ImportFormat::Htdigest => {
            htdigest::read(&input.bytes, args.domain.as_deref(), |line, user| users.add(line, user));
        }
        ImportFormat::Csv => {
            let realm_of = |user: &Address| {
                let realm = target.realm(args.realm.as_deref(), None, user);
                realm.unwrap_or_else(|_| user.domain().to_owned())
            };
            let defaults = csv::Defaults { domain: args.domain.as_deref(), realm_of: &realm_of, plain: args.plain };
            let unused = csv::read(&input.bytes, &defaults, |line, user| users.add(line, user))
                .map_err(|error| wrong(&format!("{}: {error}", input.name)))?;
            if !unused.is_empty() {
                say(&format!("columns that are not used: {}", unused.join(", ")));
            }
        }
    }
    users.must_be_good(&input.name)?;
    let mut replaced = 0;
    target.change(IfMissing::Make, |before| {
        if !args.replace {
            users.must_be_new(before, &input.name, &target)?;
        }
        let (text, changed) = users.merged_into(before)?;
        replaced = changed;
        Ok(text)
    })?;
    let added = users.good.len() - replaced;
    let count = |n| count(n, "user", "users");
    say(&match replaced {
        0 => format!("added {} to {target}", count(added)),
        _ => format!("added {} to {target}, and gave {} other secrets", count(added), count(replaced)),
    });
    Ok(())
}

/// What is to be imported.
struct Input {
    name: String,
    bytes: Zeroizing<Vec<u8>>,
}

impl Input {
    fn read(path: Option<&Path>) -> Result<Self, Failure> {
        let mut bytes = Zeroizing::new(Vec::new());
        let (name, read) = match path.filter(|path| *path != Path::new("-")) {
            None => ("standard input".to_owned(), io::stdin().lock().read_to_end(&mut bytes)),
            Some(path) => {
                let read = std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
                (path.display().to_string(), read)
            }
        };
        match read {
            Ok(_) => Ok(Self { name, bytes }),
            Err(error) => Err(Failure::Machine(format!("error: cannot read {name}: {error}"))),
        }
    }
}

/// The users of the input in its order, and what is wrong with it.
#[derive(Default)]
struct Users {
    good: Vec<(u64, User)>,
    /// The lines in which they stand.
    lines: HashMap<Address, u64>,
    bad: BadLines,
}

impl Users {
    fn add(&mut self, line: u64, user: Result<Imported, String>) {
        let Imported { address, secrets } = match user {
            Ok(user) => user,
            Err(what) => return self.bad.add(format_args!("line {line}"), &what),
        };
        if let Some(first) = self.lines.insert(address.clone(), line) {
            return self.bad.add(format_args!("line {line}"), &format!("{address} was in line {first} already"));
        }
        self.good.push((line, User { address, secrets, algorithms: Algorithms::default(), may_register: Vec::new() }));
    }

    fn must_be_good(&self, input: &str) -> Result<(), Failure> {
        to_result(&self.bad, input, "")
    }

    fn must_be_new(&self, before: &UsersText, input: &str, file: &Target) -> Result<(), Failure> {
        let mut bad = BadLines::default();
        for (line, user) in self.good.iter().filter(|(_, user)| before.get(&user.address).is_some()) {
            bad.add(format_args!("line {line}"), &format!("{} is in {file} already", user.address));
        }
        to_result(&bad, input, "\nhelp: --replace gives users that are there already the secrets of the input")
    }

    /// The text with all of them, and how many were in it before.
    fn merged_into(&self, before: &UsersText) -> Result<(Zeroizing<String>, usize), Failure> {
        let mut known: Vec<_> = self
            .good
            .iter()
            .filter_map(|(_, user)| Some((before.get(&user.address)?.place.block.clone(), user)))
            .collect();
        known.sort_by_key(|(block, _)| block.start);
        let mut text = Zeroizing::new(String::with_capacity(before.text.len() + 512 * self.good.len()));
        let mut copied = 0;
        for of_block in known.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((block, _)) = of_block.first() else { continue };
            text.push_str(before.text.get(copied..block.start).ok_or_else(lost)?);
            let mut changed = Zeroizing::new(before.text.get(block.clone()).ok_or_else(lost)?.to_owned());
            for (_, user) in of_block {
                changed = edit::with_secrets(&changed, &user.address, &user.secrets).ok_or_else(lost)?;
            }
            text.push_str(&changed);
            copied = block.end;
        }
        text.push_str(before.text.get(copied..).ok_or_else(lost)?);
        for (_, user) in self.good.iter().filter(|(_, user)| before.get(&user.address).is_none()) {
            edit::append(&mut text, user);
        }
        Ok((text, known.len()))
    }
}

fn to_result(bad: &BadLines, input: &str, help: &str) -> Result<(), Failure> {
    bad.refusal(input, help).map_or(Ok(()), |refusal| Err(Failure::Settings(refusal)))
}
