//! Opening the file, or making it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use redb::{Builder, Database, ReadableDatabase, ReadableTable, StorageBackend};

use super::disk::{Directory, Disk, parent_of};
use super::error::{Damage, Fault, OpenError, guarded};
use super::front::{self, FORMAT, Front, Mark};
use super::gate::{Behind, Gate};
use super::state::{RunClock, STATE, State};
use super::{File, JOURNAL, META, SNAPSHOT};

/// What the engine may keep of the file in memory: everything is read once, and never again.
const CACHE_BYTES: usize = 16 << 20;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// There was none before.
    pub(crate) is_new: bool,
    /// Nobody has closed it: what was being written then, and was not finished, is cut off.
    pub(crate) unclean: bool,
}

impl File {
    /// Opens the file, or makes it if it is not there, and its directory too.
    pub(crate) fn open(path: &Path) -> Result<(Self, Opened), OpenError> {
        Self::open_in(Directory::of(path)?, path)
    }

    /// The same in a directory that is locked already, and stays so if whoever calls keeps a clone.
    pub(crate) fn open_in(lock: Directory, path: &Path) -> Result<(Self, Opened), OpenError> {
        match Disk::open(path, true) {
            Ok(disk) => Self::open_on(Arc::new(disk), path, Some(lock)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path, lock),
            Err(source) => Err(OpenError::Io { path: path.to_owned(), source }),
        }
    }

    /// Opens the file to read it: it is never changed.
    pub(crate) fn look(path: &Path) -> Result<(Self, Opened), OpenError> {
        let missing = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => OpenError::Missing { file: path.to_owned() },
            _ => OpenError::Io { path: path.to_owned(), source },
        };
        let disk = Disk::open(path, false).map_err(missing)?;
        let lock = Directory::lock(parent_of(path))?;
        Self::open_on(Arc::new(disk), path, Some(lock))
    }

    /// Makes the file under another name, so that it is there as a whole or not at all.
    fn create(path: &Path, lock: Directory) -> Result<(Self, Opened), OpenError> {
        let failed = |source| OpenError::Io { path: path.to_owned(), source };
        let unfinished = path.with_extension("new");
        let disk = Arc::new(Disk::create(&unfinished).map_err(failed)?);
        let mut file = Self::create_on(disk, path).map_err(|fault| fault.of(path))?;
        std::fs::rename(&unfinished, path).and_then(|()| lock.sync()).map_err(failed)?;
        file._directory = Some(lock);
        Ok((file, Opened { is_new: true, unclean: false }))
    }

    /// Opens what is on a disk, or makes it.
    #[cfg(test)]
    pub(crate) fn on(disk: impl StorageBackend) -> Result<(Self, Opened), OpenError> {
        let name = Path::new("test.redb");
        if disk.len().is_ok_and(|length| length > 0) {
            return Self::open_on(Arc::new(disk), name, None);
        }
        let file = Self::create_on(Arc::new(disk), name).map_err(|fault| fault.of(name))?;
        Ok((file, Opened { is_new: true, unclean: false }))
    }

    /// Makes the file where nothing is.
    pub(super) fn create_on(disk: Arc<dyn StorageBackend>, name: &Path) -> Result<Self, Fault> {
        let mark = front::write(&*disk).map_err(Fault::Io)?;
        let gate = Gate::open(disk);
        let state = State { commits: 1, ..State::new() };
        let database = guarded(|| {
            let database = Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(Behind(Arc::clone(&gate)))?;
            let transaction = database.begin_write()?;
            transaction.open_table(META)?.insert(STATE, state.row().as_slice())?;
            transaction.open_table(JOURNAL)?;
            transaction.open_table(SNAPSHOT)?;
            transaction.commit()?;
            Ok::<_, Fault>(database)
        })?;
        let mark = mark.next(gate.disk(), state.commits, true).map_err(Fault::Io)?;
        gate.disk().sync_data().map_err(Fault::Io)?;
        let contents = Contents { state, runs: BTreeMap::new(), next_generation: 1 };
        Ok(Self::new(database, gate, mark, contents, name))
    }

    /// Opens the file that lies there.
    pub(super) fn open_on(
        disk: Arc<dyn StorageBackend>,
        name: &Path,
        lock: Option<Directory>,
    ) -> Result<(Self, Opened), OpenError> {
        let mark = match front::read(&*disk).map_err(|fault| fault.of(name))? {
            Front::Ours(mark) => mark,
            Front::NotOurs => return Err(OpenError::NotOurs { file: name.to_owned() }),
            Front::OtherFormat(found) => {
                return Err(OpenError::OtherFormat { file: name.to_owned(), found, known: FORMAT });
            }
        };
        let gate = Gate::closed(disk);
        let open = || -> Result<_, Fault> {
            let database = Builder::new()
                .set_cache_size(CACHE_BYTES)
                // Of every page, not only after a crash: what the engine has not checked it trusts, also when it
                // decides where there is room to write.
                .set_check_integrity_on_open(true)
                .create_with_backend(Behind(Arc::clone(&gate)))?;
            let contents = Contents::read(&database)?;
            Ok((database, contents))
        };
        let (database, contents) = guarded(open).map_err(|fault| fault.of(name))?;
        if contents.state.commits < mark.commits {
            let what = Damage::Older { kept: mark.commits, found: contents.state.commits };
            return Err(Fault::Damage(what).of(name));
        }
        let opened = Opened { is_new: false, unclean: !mark.closed };
        let file = Self::new(database, gate, mark, contents, name);
        Ok((Self { _directory: lock, ..file }, opened))
    }

    fn new(database: Database, gate: Arc<Gate>, mark: Mark, contents: Contents, name: &Path) -> Self {
        let Contents { state, runs, next_generation } = contents;
        // A run that has written nothing has left nothing that needs its clock.
        let run = runs.keys().next_back().map_or(1, |run| run.saturating_add(1));
        Self {
            database,
            gate,
            mark,
            state,
            runs,
            run,
            writing: None,
            next_generation,
            leftovers: true,
            name: name.to_owned(),
            _directory: None,
        }
    }
}

/// What the tables hold besides entries.
struct Contents {
    state: State,
    runs: BTreeMap<u32, RunClock>,
    next_generation: u32,
}

impl Contents {
    fn read(database: &Database) -> Result<Self, Fault> {
        let transaction = database.begin_read()?;
        let mut state = None;
        let mut runs = BTreeMap::new();
        for row in transaction.open_table(META)?.iter()? {
            let (key, row) = row?;
            match key.value() {
                STATE => state = State::of_row(row.value()),
                run => {
                    let clock = RunClock::of_row(run, row.value()).ok_or(Fault::Damage(Damage::Contents))?;
                    runs.insert(run, clock);
                }
            }
        }
        let state = state.ok_or(Fault::Damage(Damage::Contents))?;
        // A snapshot that was never finished may have left parts.
        let last = transaction.open_table(SNAPSHOT)?.last()?.map_or(0, |(key, _)| key.value().0);
        let next_generation = last.max(state.generation).saturating_add(1);
        Ok(Self { state, runs, next_generation })
    }
}
