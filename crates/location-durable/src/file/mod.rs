//! The file: groups of changes, one after another, and snapshots of all that there is.
//!
//! ```text
//!  location.redb   first page   what the file is, and the mark: how far it has come for certain   front.rs
//!                  meta         0 → what counts; n → the clock of run n                           state.rs
//!                  journal      sequence → blob                                                   blob.rs
//!                  snapshot     (generation, part) → blob                                         entry.rs
//! ```
//!
//! The tables are those of a [`redb`] file behind the first page. It gives transactions: a commit is there as a whole or
//! not at all, whenever the power fails. All that a commit writes is one transaction, and one call to sync the disk.
//!
//! The state of the file is that of the snapshot that counts, and of the journal from the sequence on at which its
//! writing began. A crash leaves it whole at any time: the parts of a snapshot are written beside everything else, under
//! a generation that nobody has used; one transaction makes it count; and only what does not count any more is deleted,
//! later and bit by bit.

mod ahead;
mod blob;
mod commit;
mod disk;
mod entry;
mod error;
mod front;
mod gate;
mod open;
mod read;
mod state;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use redb::{Database, TableDefinition};

pub(crate) use ahead::ReadAhead;
pub(crate) use blob::Blob;
pub(crate) use commit::{Commit, SnapshotStep};
pub(crate) use disk::Directory;
pub(crate) use entry::Entry;
pub use error::{Damage, OpenError, WriteError};
pub(crate) use open::Opened;
pub(crate) use read::Summary;
pub(crate) use state::RunClock;

use commit::Writing;
use error::{Fault, guarded};
use front::Mark;
use gate::Gate;
use state::State;

const META: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("meta");
const JOURNAL: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("journal");
const SNAPSHOT: TableDefinition<'_, (u32, u32), &[u8]> = TableDefinition::new("snapshot");

/// The open file. Nothing is written to it before the first commit.
pub(crate) struct File {
    database: Database,
    gate: Arc<Gate>,
    mark: Mark,
    state: State,
    /// The clocks of the runs that have written something.
    runs: BTreeMap<u32, RunClock>,
    run: u32,
    /// The snapshot that is being written.
    writing: Option<Writing>,
    /// One that no part in the file has.
    next_generation: u32,
    /// Whether there may be something to sweep.
    leftovers: bool,
    /// What it is called in errors.
    name: PathBuf,
    /// Let go when the file is closed.
    _directory: Option<Directory>,
}

impl File {
    /// The clocks of the runs that have written something, as they were last seen.
    pub(crate) fn runs(&self) -> &BTreeMap<u32, RunClock> {
        &self.runs
    }

    /// Bytes of the journal that counts.
    pub(crate) fn journal_bytes(&self) -> u64 {
        self.state.journal_bytes
    }

    /// Bytes of the snapshot that counts.
    pub(crate) fn snapshot_bytes(&self) -> u64 {
        self.state.snapshot_bytes
    }

    /// Bytes of the file.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.gate.disk().len().unwrap_or_default()
    }

    /// Whether something is left that does not count. Each commit, an empty one too, deletes some of it.
    pub(crate) fn has_leftovers(&self) -> bool {
        self.leftovers
    }

    /// Deletes all that does not count, and makes the file as small as it can be.
    pub(crate) fn compact(&mut self) -> Result<(), WriteError> {
        while self.leftovers {
            self.sweep()?;
        }
        self.wake()?;
        guarded(|| self.database.compact().map(drop).map_err(Fault::from))?;
        Ok(())
    }

    /// Closes it, so that the next open need not ask what was lost.
    pub(crate) fn close(mut self) -> Result<(), WriteError> {
        if self.gate.is_closed() && self.mark.closed {
            return Ok(());
        }
        self.wake()?;
        let Self { database, gate, mark, state, .. } = self;
        guarded(|| database.close().map_err(Fault::from))?;
        mark.next(gate.disk(), state.commits, true).map_err(WriteError::Io)?;
        gate.disk().sync_data().map_err(WriteError::Io)
    }

    /// Lets what was held back since the file was opened be done: from now on, it is changed.
    fn wake(&mut self) -> Result<(), WriteError> {
        if self.mark.closed {
            self.mark = self.mark.next(self.gate.disk(), self.state.commits, false).map_err(WriteError::Io)?;
        }
        if self.gate.is_closed() { self.gate.let_go().map_err(WriteError::Io) } else { Ok(()) }
    }
}
