//! From a users file to the table that the registrar asks.

use std::fs::File;
use std::hash::RandomState;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sip_registrar::auth::{HashFunction, UserTable};
use zeroize::Zeroizing;

use super::changes::Marks;
use super::masked::masked;
use super::read::read;
use super::user::{Secrets, User};
use crate::config::Problems;

/// The realm with which a domain is challenged.
pub(crate) type RealmOf = Box<dyn Fn(&str) -> String + Send + Sync>;

/// How users will be asked who they are.
pub(crate) struct Challenge {
    pub(crate) realm_of: RealmOf,
    /// They may say H(name:realm) instead of their name, by one of these functions.
    pub(crate) userhash: Vec<HashFunction>,
}

/// A users file that was read.
pub(crate) struct Loaded {
    pub(crate) table: UserTable,
    pub(crate) marks: Marks,
    /// What is not wrong and should not stay so.
    pub(crate) warnings: Vec<String>,
}

/// Why a users file gives no users.
#[derive(Debug)]
pub(crate) enum LoadError {
    Unreadable(io::Error),
    Wrong { text: Zeroizing<String>, problems: Problems },
}

/// Reads a users file, whole or not at all. `key` is that of the marks.
pub(crate) fn load(path: &Path, challenge: &Challenge, key: &RandomState) -> Result<Loaded, LoadError> {
    let file = TextFile::read(path).map_err(LoadError::Unreadable)?;
    let mut table = UserTable::new();
    let mut marks = Marks::new(key.clone());
    let (mut plain, mut elsewhere) = (Few::default(), Few::default());
    let read = read(&file.text, |user, _| {
        let domain = user.address.domain();
        let realm = (challenge.realm_of)(domain);
        if matches!(user.secrets, Secrets::Password(_)) {
            plain.add(|| user.address.to_string());
        }
        if let Some(other) = other_realm(&user, &realm) {
            elsewhere.add(|| format!("{} (made for {other:?}, asked for {realm:?})", user.address));
        }
        table.insert(domain.as_bytes(), user.account(&realm));
        marks.add(&user);
    });
    read.map_err(|problems| LoadError::Wrong { text: file.text, problems })?;
    let mut warnings = Vec::new();
    let shown = path.display();
    if file.mode & 0o077 != 0 {
        let mode = file.mode & 0o777;
        warnings.push(format!("others than its owner may read {shown} (mode {mode:03o}): chmod 600 {shown}"));
    }
    if let Some((users, names)) = plain.told() {
        warnings.push(format!(
            "{users} with the password itself in {shown} instead of hashes of it; registrar user passwd --file {shown} \
             ADDRESS changes that: {names}"
        ));
    }
    if let Some((users, names)) = elsewhere.told() {
        warnings.push(format!(
            "{users} who cannot register: the hashes were made for another realm than the one that is asked for; \
             correct [auth] realm, or give them new passwords: {names}"
        ));
    }
    Ok(Loaded { table: table.with_userhash(&challenge.userhash), marks, warnings })
}

/// The realm for which its hashes were made, if that is not the one that is asked for.
fn other_realm<'a>(user: &'a User, asked: &str) -> Option<&'a str> {
    match &user.secrets {
        Secrets::Hashes { realm, .. } => realm.as_deref().filter(|realm| *realm != asked),
        Secrets::Password(_) => None,
    }
}

impl LoadError {
    /// For a terminal.
    pub(crate) fn render(&self, path: &Path) -> String {
        let shown = path.display().to_string();
        match self {
            Self::Unreadable(error) => format!("error: cannot read the users file {shown}: {error}\n"),
            Self::Wrong { text, problems } => problems.render(&shown, &masked(text)),
        }
    }

    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Unreadable(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// A file's text, and what was seen of it.
pub(crate) struct TextFile {
    pub(crate) text: Zeroizing<String>,
    pub(crate) mode: u32,
}

impl TextFile {
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        // Opening a pipe would wait for its other end, and reading a device may never end.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        let mut file = File::open(path)?;
        let mode = file.metadata()?.permissions().mode();
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text)?;
        Ok(Self { text, mode })
    }
}

/// Counts users and keeps the names of the first.
#[derive(Default)]
struct Few {
    count: usize,
    names: Vec<String>,
}

impl Few {
    const NAMED: usize = 3;

    fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.names.len() < Self::NAMED {
            self.names.push(name());
        }
    }

    /// As in "3 users" and "a, b, c"; `None` if there are none.
    fn told(&self) -> Option<(String, String)> {
        let more = if self.count > Self::NAMED { ", ..." } else { "" };
        let users = if self.count == 1 { "1 user".to_owned() } else { format!("{} users", self.count) };
        (self.count > 0).then(|| (users, format!("{}{more}", self.names.join(", "))))
    }
}

#[cfg(test)]
mod tests;
