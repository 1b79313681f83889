//! Users that are read again while the registrar runs.

use std::hash::RandomState;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use sip_dispatch::{Answer, Coming};
use sip_registrar::auth::{Algorithms, Credentials, Found, HashFunction, UserTable, Wanted};

use super::changes::{Changes, Marks};
use super::load::{Challenge, LoadError, Loaded, load};
use crate::Failure;
use crate::reread::{Occasion, Reread, Stamped, Watch};

/// The users of the last good reading.
#[derive(Debug)]
pub(crate) struct ReloadedUsers(ArcSwap<UserTable>);

impl Credentials for ReloadedUsers {
    fn find(&self, wanted: &Wanted<'_>) -> Answer<Found> {
        self.0.load().find(wanted)
    }

    fn find_hashed(&self, function: HashFunction, userhash: &[u8; 32], domain: &[u8], realm: &[u8]) -> Answer<Found> {
        self.0.load().find_hashed(function, userhash, domain, realm)
    }

    fn prepare(&self, coming: &Coming<'_>) {
        self.0.load().prepare(coming);
    }

    fn algorithms(&self, wanted: &Wanted<'_>, offered: Algorithms) -> Algorithms {
        self.0.load().algorithms(wanted, offered)
    }
}

/// A users file and what was read from it last.
pub(crate) struct UsersFile {
    path: PathBuf,
    challenge: Challenge,
    current: Arc<ReloadedUsers>,
    marks: Marks,
    marks_key: RandomState,
    warnings: Vec<String>,
    watch: Watch,
    /// What the log said last of a reading that failed.
    failure: Option<String>,
    /// Tables that a worker may still be looking into: the last one to let go of a table frees a million users, which
    /// must not be a worker.
    old: Vec<Arc<UserTable>>,
}

impl UsersFile {
    /// Reads it for the first time.
    ///
    /// # Errors
    /// It is not there, or wrong.
    pub(crate) fn open(path: &Path, challenge: Challenge) -> Result<Self, Failure> {
        let marks_key = RandomState::new();
        let (loaded, stamp) = read_with_stamp(path, &challenge, &marks_key);
        let loaded = loaded.map_err(|error| cannot_start(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            challenge,
            current: Arc::new(ReloadedUsers(ArcSwap::from_pointee(loaded.table))),
            marks: loaded.marks,
            marks_key,
            warnings: loaded.warnings,
            watch: Watch::new(stamp),
            failure: None,
            old: Vec::new(),
        })
    }

    /// What the registrar asks; the same for as long as it runs.
    pub(crate) fn credentials(&self) -> Arc<ReloadedUsers> {
        Arc::clone(&self.current)
    }

    /// How many users there are and where, for people.
    pub(crate) fn says(&self) -> String {
        let users = match self.current.0.load().len() {
            1 => "1 user".to_owned(),
            n => format!("{n} users"),
        };
        format!("{users} in {}", self.path.display())
    }

    /// What should not stay as it is.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Reads it again whenever it has changed or somebody asks for it, in a thread of its own.
    pub(crate) fn watch(mut self) -> io::Result<Reread> {
        Reread::spawn("users", move |occasion| self.look(occasion))
    }
}

impl UsersFile {
    fn look(&mut self, occasion: Occasion) {
        match occasion {
            Occasion::Asked => self.read_again(true),
            Occasion::Look if self.watch.look(&[&self.path]) => self.read_again(false),
            Occasion::Look => {}
        }
        self.free_old();
    }

    fn free_old(&mut self) {
        self.old.retain(|table| Arc::strong_count(table) > 1);
    }

    /// Takes what the file says now if all of it is good. `asked`: somebody waits for an answer in the log.
    fn read_again(&mut self, asked: bool) {
        let file = self.path.display();
        let (loaded, stamp) = read_with_stamp(&self.path, &self.challenge, &self.marks_key);
        let moving = stamp == Stamped::Moving;
        self.watch = Watch::new(stamp);
        if moving {
            tracing::info!(%file, "users not read again yet: the file is just being written");
            return;
        }
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => return self.say_failure(&error, asked),
        };
        self.failure = None;
        let changes = loaded.marks.since(&self.marks);
        if changes != Changes::default() {
            let users = loaded.table.len();
            self.old.push(self.current.0.swap(Arc::new(loaded.table)));
            self.marks = loaded.marks;
            let Changes { added, removed, changed } = changes;
            tracing::info!(users, added, removed, changed, %file, "users read again");
        } else if asked {
            tracing::info!(users = loaded.table.len(), %file, "users read again: nothing has changed");
        }
        if loaded.warnings != self.warnings {
            self.warnings = loaded.warnings;
            for warning in &self.warnings {
                tracing::warn!("{warning}");
            }
        }
    }

    /// Once for each failure, however often it is met.
    fn say_failure(&mut self, error: &LoadError, asked: bool) {
        let file = self.path.display();
        let mut lines = Vec::new();
        match error {
            LoadError::Unreadable(error) => lines.push((None, error.to_string())),
            LoadError::Wrong { text, problems } => {
                lines.extend(problems.by_line(text).map(|(line, what)| (Some(line), what)));
            }
        }
        let failure = format!("{lines:?}");
        if !asked && self.failure.as_ref() == Some(&failure) {
            return;
        }
        for (line, what) in lines {
            tracing::error!(%file, line, "users file: {what}");
        }
        tracing::error!(%file, "users not read again: those of before stay until the file is good");
        self.failure = Some(failure);
    }
}

fn read_with_stamp(
    path: &Path,
    challenge: &Challenge,
    marks_key: &RandomState,
) -> (Result<Loaded, LoadError>, Stamped) {
    Stamped::while_reading(&[path], || load(path, challenge, marks_key))
}

/// Why it does not start, and how to mend it.
fn cannot_start(path: &Path, error: &LoadError) -> Failure {
    let mut text = error.render(path);
    if error.is_missing() {
        let path = path.display();
        text.push_str(&format!("help: registrar user add --file {path} alice@example.com makes one\n"));
    }
    Failure::Settings(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::testing::Temporary;

    fn open(file: &Temporary, realm_of: impl Fn(&str) -> String + Send + Sync + 'static) -> UsersFile {
        let challenge = Challenge { realm_of: Box::new(realm_of), userhash: Vec::new() };
        UsersFile::open(file.path(), challenge).ok().unwrap()
    }

    fn is_known(users: &UsersFile, name: &str) -> bool {
        let wanted = Wanted { name: name.as_bytes(), domain: b"x", realm: b"x" };
        matches!(users.current.find(&wanted), Answer::Now(Ok(Some(_))))
    }

    fn entry(name: &str) -> String {
        format!("[user.'{name}@x']\npassword = 'p'\n")
    }

    #[test]
    fn the_registrar_has_the_users_of_the_last_good_reading() {
        let file = Temporary::new(&entry("a"), 0o600);
        let mut users = open(&file, str::to_owned);
        assert!(is_known(&users, "a") && !is_known(&users, "b"));
        std::fs::write(file.path(), entry("b")).unwrap();
        users.read_again(true);
        assert!(!is_known(&users, "a") && is_known(&users, "b"));
        for broken in [entry("c") + "[user.'d@x']", entry("c") + &entry("c"), "\0".to_owned()] {
            std::fs::write(file.path(), broken).unwrap();
            users.read_again(true);
            assert!(is_known(&users, "b") && !is_known(&users, "c"));
        }
        std::fs::remove_file(file.path()).unwrap();
        users.read_again(true);
        assert!(is_known(&users, "b"));
        std::fs::write(file.path(), entry("e")).unwrap();
        users.read_again(true);
        assert!(is_known(&users, "e") && !is_known(&users, "b"));
    }

    #[test]
    fn what_is_being_written_is_not_taken() {
        let file = Temporary::new("", 0o600);
        let path = file.path().to_owned();
        // The realm is asked for while the file is read.
        let mut users = open(&file, move |domain| {
            std::fs::write(&path, entry("late")).unwrap();
            domain.to_owned()
        });
        std::fs::write(file.path(), entry("early") + &entry("other")).unwrap();
        users.read_again(true);
        assert!(!is_known(&users, "early") && !is_known(&users, "late"));
    }

    #[test]
    fn a_table_that_is_being_looked_into_is_freed_later_and_not_by_who_looks() {
        let file = Temporary::new(&entry("a"), 0o600);
        let mut users = open(&file, str::to_owned);
        let looking = users.current.0.load_full();
        std::fs::write(file.path(), entry("b")).unwrap();
        users.read_again(true);
        users.free_old();
        assert_eq!(users.old.len(), 1);
        drop(looking);
        users.free_old();
        assert!(users.old.is_empty());
    }
}
