//! The thread that writes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sip_registrar::Aor;
use sip_registrar::location::Table;

use crate::Mode;
use crate::clock::{Clock, apart, now};
use crate::desk::{Desk, Taken};
use crate::file::{Commit, Entry, File, OpenError, WriteError};
use crate::group::Fate;
use crate::snapshot::{LEAST_JOURNAL, Snapshot, Step};
use crate::stats::Counters;

/// How long to wait for changes before a step of a snapshot is written without any.
const STEP: Duration = Duration::from_millis(10);
/// How often the clocks are compared when there is nothing to write.
const WATCH: Duration = Duration::from_secs(1);
/// By how many milliseconds the wall clock has jumped when that is written down though nothing else is.
const JUMP: u64 = 200;
/// How long after a failure the file is tried again, and again.
const RETRY: Duration = Duration::from_secs(1);

/// How often something is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// From the end of one write of changes to the beginning of the next.
    pub(crate) group: Duration,
    /// How many bytes of changes are in the journal at least when a snapshot is begun.
    pub(crate) least_journal: u64,
}

impl Pace {
    pub(crate) fn of(mode: Mode) -> Self {
        Self { group: mode.pace(), least_journal: LEAST_JOURNAL }
    }
}

/// Opens the file again after it has failed.
pub(crate) type Reopen = Box<dyn Fn() -> Result<File, OpenError> + Send>;

/// Writes what the workers note, and the snapshots.
pub(crate) struct Writer {
    table: Arc<Table<Arc<Desk>>>,
    mode: Mode,
    /// `None` from a failure until it could be opened again.
    file: Option<File>,
    reopen: Reopen,
    clock: Clock,
    counters: Arc<Counters>,
    snapshot: Snapshot,
    pace: Pace,
    /// How far apart the clocks were when that was written down.
    apart: i64,
}

impl Writer {
    pub(crate) fn new(
        table: Arc<Table<Arc<Desk>>>,
        mode: Mode,
        (file, reopen): (File, Reopen),
        clock: Clock,
        counters: Arc<Counters>,
        pace: Pace,
    ) -> Self {
        Self { table, mode, file: Some(file), reopen, clock, counters, snapshot: Snapshot::Idle, pace, apart: i64::MIN }
    }

    /// Writes until the desk is closed, and closes the file.
    ///
    /// # Errors
    /// The disk keeps nothing, and did not until the end.
    pub(crate) fn run(mut self) -> Result<(), WriteError> {
        let desk = Arc::clone(self.table.journal());
        let counters = Arc::clone(&self.counters);
        let _abandon = Abandon(&desk, &counters);
        let mut due = Instant::now();
        loop {
            let busy = self.snapshot.is_running() || self.file.as_ref().is_some_and(File::has_leftovers);
            let taken = desk.wait(due, if busy { STEP } else { WATCH });
            let (any, is_last) = (taken.count > 0, taken.is_last);
            match self.write(&taken) {
                Ok(()) => desk.kept(taken),
                Err(error) => {
                    self.counters.failed(&error);
                    let owed = self.take_back(taken);
                    self.recover(&owed)?;
                }
            }
            if any {
                due = Instant::now() + self.pace.group;
            }
            if is_last {
                return self.file.map_or(Ok(()), File::close);
            }
        }
    }

    /// Writes a group, and the next step of a snapshot.
    fn write(&mut self, taken: &Taken) -> Result<(), WriteError> {
        let Some(file) = &mut self.file else { return Err(WriteError::Closed) };
        let is_due = file.journal_bytes() > self.pace.least_journal.max(file.snapshot_bytes());
        let step = self.snapshot.step(&self.table, is_due);
        let clock = (self.clock)();
        let jumped = apart(&clock).abs_diff(self.apart) > JUMP;
        let idle = taken.count == 0 && !jumped && !taken.is_last;
        if idle && step == Step::None && !file.has_leftovers() {
            return Ok(());
        }
        let snapshot = self.snapshot.written(step);
        let began = Instant::now();
        self.apart = apart(&clock);
        let written = file.commit(&Commit { entries: &taken.entries, clock, snapshot })?;
        self.counters.wrote(taken.count, taken.entries.len(), written.bytes, began.elapsed());
        self.counters.file_is(file.file_bytes());
        if step == Step::Finish {
            self.snapshot = Snapshot::Idle;
            self.counters.snapshot();
        }
        Ok(())
    }

    /// Refuses what comes from now on, takes back what was not answered yet, and gives the addresses of which the file
    /// may know something else than the table.
    fn take_back(&mut self, failed: Taken) -> BTreeSet<Box<[u8]>> {
        // What is already made of a snapshot may show what is taken back.
        self.snapshot = Snapshot::Idle;
        let desk = self.table.journal();
        let after = desk.fail();
        let mut owed = BTreeSet::new();
        for change in after.undo.iter().rev().chain(failed.undo.iter().rev()) {
            let aor = change.aor();
            if !self.mode.answers_at_once() {
                self.table.restore(&aor, change.before().cloned(), now(&(self.clock)()));
                self.counters.took_back(1);
            }
            owed.insert(aor.as_bytes().into());
        }
        failed.group.settle(Fate::Lost);
        after.group.settle(Fate::Lost);
        owed
    }

    /// Tries until the file can be written, and then writes what it owes.
    ///
    /// Whether the failed write is on disk after all, nobody knows. So the first that is written is how the table stands.
    fn recover(&mut self, owed: &BTreeSet<Box<[u8]>>) -> Result<(), WriteError> {
        loop {
            self.file = None;
            let is_last = self.table.journal().pause(RETRY);
            match self.pay(owed) {
                Ok(()) => {
                    self.counters.recovered();
                    self.table.journal().reopen();
                    return Ok(());
                }
                Err(error) if is_last => return Err(error),
                Err(error) => self.counters.failed(&error),
            }
        }
    }

    fn pay(&mut self, owed: &BTreeSet<Box<[u8]>>) -> Result<(), WriteError> {
        let file = self.file.insert((self.reopen)().map_err(|error| WriteError::Reopen(error.into()))?);
        let mut entries = Vec::new();
        for aor in owed {
            match self.table.get(&Aor::from_canonical(aor)) {
                Some(record) => Entry::Put(record.as_bytes()).write(&mut entries),
                None => Entry::Delete(aor).write(&mut entries),
            }
        }
        let clock = (self.clock)();
        file.commit(&Commit { entries: &entries, clock, snapshot: None }).map(drop)
    }
}

/// Nobody waits for a writer that has panicked.
struct Abandon<'a>(&'a Desk, &'a Counters);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.1.failed(&"the thread that writes has panicked; only a restart mends that");
        }
        self.0.abandon();
    }
}
