//! The location service.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use sip_dispatch::{Answer, Coming, Hold, Share};
use sip_registrar::location::{Done, Table, TableConfig};
use sip_registrar::{Aor, LocationService, Page, Plan, Record, RegisterError, Registered, Removal, StoreError, reason};
use sip_transport::{Flow, Now, Timestamp};

use crate::clock::{Clock, Clocks, now};
use crate::config::{DurableConfig, Mode};
use crate::desk::Desk;
use crate::file::{Directory, File, OpenError, Opened, ReadAhead, WriteError};
use crate::group::Group;
use crate::load::{LoadError, load};
use crate::stats::{Counters, DurableStats};
use crate::writer::{Pace, Reopen, Writer};

/// A table in memory whose changes are written to disk, in groups, before they are answered or soon after.
///
/// Reading is as quick as memory. [`lookup`](LocationService::lookup) shows a change from the moment it is decided, a
/// group's time before its REGISTER is answered: where somebody is, is true whether it is on disk or not. An answer to
/// a REGISTER, also to one that only asks, shows nothing that is not on disk in [`Mode::Synced`].
#[derive(Debug)]
pub struct DurableLocation {
    table: Arc<Table<Arc<Desk>>>,
    mode: Mode,
    counters: Arc<Counters>,
    writer: Mutex<Option<JoinHandle<Result<(), WriteError>>>>,
}

/// How far loading has come, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Read so far.
    pub done: u64,
    /// To read.
    pub of: u64,
}

/// What was found when a table was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// The bindings that have not expired.
    pub bindings: usize,
    /// Those that had.
    pub expired: usize,
    /// There was no file.
    pub is_new: bool,
    /// The file was not closed: the process before was killed, or the power was lost. What it was writing was cut off.
    pub was_cut: bool,
}

/// Why the last changes are not on disk.
#[derive(Debug, thiserror::Error)]
#[error("the last changes of the location table are not on disk: {0}")]
pub struct CloseError(#[source] WriteError);

/// Why a table of an open file cannot be used.
#[derive(Debug)]
enum StartError {
    Load(LoadError),
    Thread(std::io::Error),
}

impl DurableLocation {
    /// Loads everything, or says what is wrong and changes nothing.
    ///
    /// `clock` is the one that the callers' `now` comes from. `progress` is called now and then while it loads.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong, where, and what to do about it.
    pub fn open(
        config: &DurableConfig,
        clock: impl Fn() -> Now + Send + 'static,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Self, Loaded), OpenError> {
        let path = config.file();
        // It stays locked while the file is closed because the disk has failed.
        let directory = Directory::of(&path)?;
        let _ahead = ReadAhead::of(&path);
        let (file, opened) = File::open_in(directory.clone(), &path)?;
        let again = path.clone();
        let reopen = Box::new(move || File::open_in(directory.clone(), &again).map(|(file, _)| file));
        let clocks = Clocks::new();
        let clock = Box::new(move || clocks.read(clock()));
        let pace = Pace::of(config.mode);
        let served = (config.table, config.restart_grace);
        let started = Self::start((file, opened, reopen), (config.mode, pace), served, clock, progress);
        started.map_err(|error| match error {
            StartError::Load(error) => error.of(&path),
            StartError::Thread(source) => OpenError::Io { path, source },
        })
    }

    fn start(
        (file, opened, reopen): (File, Opened, Reopen),
        (mode, pace): (Mode, Pace),
        (config, restart_grace): (TableConfig, Option<Duration>),
        clock: Clock,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Self, Loaded), StartError> {
        let table = Arc::new(Table::new(config, Arc::new(Desk::new(mode))));
        let moment = clock();
        let now = now(&moment);
        load(&file, &table, now, restart_grace, &moment, progress).map_err(StartError::Load)?;
        let stored = table.bindings();
        table.sweep(now, Share::WHOLE, usize::MAX, &mut |_, _| {});
        let bindings = table.bindings();
        let loaded = Loaded { bindings, expired: stored - bindings, is_new: opened.is_new, was_cut: opened.unclean };
        let counters = Arc::new(Counters::default());
        counters.file_is(file.file_bytes());
        let writer = Writer::new(Arc::clone(&table), mode, (file, reopen), clock, Arc::clone(&counters), pace);
        let thread =
            Builder::new().name("location".to_owned()).spawn(move || writer.run()).map_err(StartError::Thread)?;
        Ok((Self { table, mode, counters, writer: Mutex::new(Some(thread)) }, loaded))
    }

    /// Puts a record in place of that of its address, as when the table of another server is taken over. It is answered
    /// when a REGISTER would be.
    pub fn put(&self, record: Record, now: Now) -> Answer<Result<(), StoreError>> {
        match self.table.put(record, now) {
            Ok(group) => self.when_kept(Some(group), Ok(())),
            Err(error) => Answer::Now(Err(error)),
        }
    }

    /// Writes what is left and closes the file. Changes that come later are refused.
    ///
    /// # Errors
    /// The disk does not keep what is left. In [`Mode::Synced`] nobody was told that it would.
    pub fn close(&self) -> Result<(), CloseError> {
        match self.end() {
            None => Ok(()),
            Some(Ok(end)) => end.map_err(CloseError),
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }

    /// Ends the writer, if nobody has done so before.
    fn end(&self) -> Option<std::thread::Result<Result<(), WriteError>>> {
        let thread = self.writer.lock().take()?;
        self.table.journal().close();
        Some(thread.join())
    }

    /// The memory that the table takes, in bytes, but for what the allocator adds.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.table.memory()
    }

    /// How many bindings it may hold from now on. None is removed for it.
    pub fn limit(&self, max_bindings: usize) {
        self.table.limit(max_bindings);
    }

    /// How many bindings there are, those included that have expired and were not swept yet.
    #[must_use]
    pub fn bindings(&self) -> usize {
        self.table.bindings()
    }

    /// Why a write failed last, if one has.
    #[must_use]
    pub fn last_failure(&self) -> Option<String> {
        self.counters.last_failure()
    }

    /// What was counted.
    #[must_use]
    pub fn stats(&self) -> DurableStats {
        self.counters.read()
    }

    /// What was done or refused, as soon as it may be told: whoever has changed nothing may still have seen, or have been
    /// refused because of, what is not on disk yet.
    fn done<E: Send + From<StoreError> + 'static>(
        &self,
        done: Result<Done<Arc<Desk>>, E>,
    ) -> Answer<Result<Registered, E>> {
        let (noted, told) = match done {
            Ok((done, noted)) => (noted, Ok(done)),
            Err(error) => (None, Err(error)),
        };
        self.when_kept(noted.or_else(|| self.table.journal().unsettled()), told)
    }

    fn when_kept<T: Send + 'static, E: Send + From<StoreError> + 'static>(
        &self,
        group: Option<Arc<Group>>,
        told: Result<T, E>,
    ) -> Answer<Result<T, E>> {
        match group {
            Some(group) if !self.mode.answers_at_once() => Answer::Held {
                value: told,
                hold: Hold::new(group, reason::STORE_UNAVAILABLE),
                lost: || Err(StoreError::Unavailable.into()),
            },
            _ => Answer::Now(told),
        }
    }
}

impl LocationService for DurableLocation {
    fn register(&self, aor: &Aor<'_>, plan: &Plan<'_>, now: Now) -> Answer<Result<Registered, RegisterError>> {
        self.done(self.table.register(aor, plan, now))
    }

    fn prepare(&self, coming: &Coming<'_>) {
        self.table.prepare(coming);
    }

    fn lookup(&self, aor: &Aor<'_>, now: Now) -> Answer<Result<Option<Record>, StoreError>> {
        Answer::Now(Ok(self.table.lookup(aor, now)))
    }

    fn remove(&self, aor: &Aor<'_>, which: Removal<'_>, now: Now) -> Answer<Result<Registered, StoreError>> {
        self.done(self.table.remove(aor, which, now))
    }

    /// Nobody waits for it: nothing of it is written; see [`Table::flow_lost`].
    fn flow_lost(
        &self,
        aor: &Aor<'_>,
        flow: Flow,
        until: Timestamp,
        now: Now,
    ) -> Answer<Result<Registered, StoreError>> {
        Answer::Now(self.table.flow_lost(aor, flow, until, now))
    }

    fn scan(&self, after: Option<&[u8]>, limit: usize) -> Answer<Result<Page, StoreError>> {
        Answer::Now(Ok(self.table.scan(after, limit)))
    }

    fn sweep(&self, now: Now, share: Share, budget: usize, expired: &mut dyn FnMut(&Record, Option<&Record>)) -> usize {
        self.table.sweep(now, share, budget, expired)
    }
}

impl Drop for DurableLocation {
    fn drop(&mut self) {
        // Who wants to know how it ended closes it.
        drop(self.end());
    }
}

#[cfg(test)]
mod tests;
