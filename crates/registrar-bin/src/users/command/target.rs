//! The users file that a command is about.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::locked::{Locked, unreadable};
use crate::Failure;
use crate::cli::UsersFileArgs;
use crate::config::{self, Settings, UsersSource, check_realm, is_near};
use crate::say::wrong;
use crate::users::Address;
use crate::users::load::TextFile;
use crate::users::masked::masked;
use crate::users::read::{Place, read};
use crate::users::user::{Secrets, User};

pub(super) struct Target {
    pub(super) path: PathBuf,
    /// If the configuration is known.
    settings: Option<Settings>,
}

/// What a command does where there is no users file.
pub(super) enum IfMissing {
    Make,
    Fail,
}

/// A users file in which nothing is wrong.
pub(super) struct UsersText {
    pub(super) text: Zeroizing<String>,
    entries: HashMap<Address, Entry>,
}

pub(super) struct Entry {
    pub(super) place: Place,
    /// If it says one.
    pub(super) realm: Option<String>,
}

impl Target {
    pub(super) fn of(args: &UsersFileArgs) -> Result<Self, Failure> {
        if let Some(path) = &args.file {
            return Ok(Self { path: path.clone(), settings: None });
        }
        // The parser demands one of the two.
        let config = args.config.as_deref().unwrap_or(Path::new(""));
        let settings = config::from_file(config)?;
        match settings.users.clone() {
            Some(UsersSource::File(path)) => Ok(Self { path, settings: Some(settings) }),
            Some(UsersSource::Remote { .. }) => Err(wrong(&format!(
                "{} has users in a database or behind a web service\nhelp: change them there, or name a users file with --file",
                config.display()
            ))),
            None => Err(wrong(&format!(
                "{} names no users file\nhelp: write into it: users.file = \"users.toml\"",
                config.display()
            ))),
        }
    }

    /// The realm for which a password is hashed: as asked for, or what the configuration says, or what the entry of the
    /// user has said so far, or the domain.
    pub(super) fn realm(&self, asked: Option<&str>, own: Option<&str>, user: &Address) -> Result<String, Failure> {
        if let Some(realm) = asked {
            check_realm(realm).map_err(|wanted| wrong(&format!("--realm {wanted}")))?;
            return Ok(realm.to_owned());
        }
        let configured = self.settings.as_ref().map(|settings| settings.auth.realm_of(user.domain()));
        Ok(configured.or_else(|| own.map(str::to_owned)).unwrap_or_else(|| user.domain().to_owned()))
    }

    /// # Errors
    /// It is not there, cannot be read, or something in it is wrong.
    pub(super) fn read(&self) -> Result<UsersText, Failure> {
        let file = TextFile::read(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        self.understand(file.text)
    }

    /// Every user in the order of the file, for one who wants more than their names.
    pub(super) fn read_users(&self, each: impl FnMut(User)) -> Result<(), Failure> {
        let file = TextFile::read(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        let mut each = each;
        read(&file.text, |user, _| each(user)).map_err(|problems| self.wrong_file(&file.text, &problems))
    }

    /// The same; one that is not there yet has no users.
    pub(super) fn read_or_new(&self) -> Result<UsersText, Failure> {
        match TextFile::read(&self.path) {
            Ok(file) => self.understand(file.text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.understand(Zeroizing::default()),
            Err(error) => Err(unreadable(&self.path, &error)),
        }
    }

    /// Writes what `change` makes of the text. Nobody else changes it meanwhile, and nothing is written that could not
    /// be read again.
    pub(super) fn change(
        &self,
        if_missing: IfMissing,
        change: impl FnOnce(&UsersText) -> Result<Zeroizing<String>, Failure>,
    ) -> Result<(), Failure> {
        let locked = Locked::open(&self.path)?;
        let before = match if_missing {
            IfMissing::Make => self.read_or_new()?,
            IfMissing::Fail => self.read()?,
        };
        let text = change(&before)?;
        if let Err(problems) = read(&text, |_, _| {}) {
            let wrong = problems.render(&self.to_string(), &masked(&text));
            return Err(Failure::Settings(format!("{wrong}help: this is how it would be; nothing was changed")));
        }
        locked.write(&text)
    }

    fn understand(&self, text: Zeroizing<String>) -> Result<UsersText, Failure> {
        let mut entries = HashMap::new();
        let read = read(&text, |user, place| {
            let realm = if let Secrets::Hashes { realm, .. } = user.secrets { realm } else { None };
            entries.insert(user.address, Entry { place, realm });
        });
        match read {
            Ok(()) => Ok(UsersText { text, entries }),
            Err(problems) => Err(self.wrong_file(&text, &problems)),
        }
    }

    fn wrong_file(&self, text: &str, problems: &config::Problems) -> Failure {
        Failure::Settings(problems.render(&self.to_string(), &masked(text)))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

impl UsersText {
    pub(super) fn get(&self, address: &Address) -> Option<&Entry> {
        self.entries.get(address)
    }

    /// # Errors
    /// There is no such user; the message names those that are spelled nearly so.
    pub(super) fn must_have(&self, address: &Address, file: &Target) -> Result<&Entry, Failure> {
        self.get(address).ok_or_else(|| {
            let known = self.entries.keys().map(Address::as_str);
            let mut near: Vec<_> = known.filter(|known| is_near(address.as_str(), known)).collect();
            near.sort_unstable();
            near.truncate(3);
            let help = if near.is_empty() { String::new() } else { format!("\nhelp: there is {}", near.join(", ")) };
            wrong(&format!("{address} is not in {file}{help}"))
        })
    }

    /// # Errors
    /// There is one.
    pub(super) fn must_not_have(&self, address: &Address, file: &Target) -> Result<(), Failure> {
        match self.get(address) {
            Some(_) => {
                Err(wrong(&format!("{address} is in {file} already: registrar user passwd changes its password")))
            }
            None => Ok(()),
        }
    }

    /// The text with another block in place of this one.
    pub(super) fn with_block(
        &self,
        block: Range<usize>,
        change: impl FnOnce(&str) -> Option<Zeroizing<String>>,
    ) -> Result<Zeroizing<String>, Failure> {
        let parts = (self.text.get(..block.start), self.text.get(block.clone()), self.text.get(block.end..));
        let (Some(before), Some(block), Some(after)) = parts else { return Err(lost()) };
        let block = change(block).ok_or_else(lost)?;
        Ok(Zeroizing::new([before, &block, after].concat()))
    }
}

/// What was read a moment ago is not there.
pub(super) fn lost() -> Failure {
    Failure::Fault("error: an entry was read and cannot be found again: report this".to_owned())
}
