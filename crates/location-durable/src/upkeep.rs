//! What is done with a table that nobody serves from.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use sip_dispatch::Share;
use sip_registrar::location::{Table, TableConfig};
use sip_transport::Now;

use crate::clock::Clocks;
use crate::config::FILE_NAME;
use crate::file::{Commit, File, OpenError, RunClock, WriteError};
use crate::load::load;
use crate::location::Progress;
use crate::snapshot::{Snapshot, Step};

/// What a table on disk holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Addresses of record with a binding that has not expired.
    pub addresses: usize,
    /// Bindings that have not expired.
    pub bindings: usize,
    /// Bindings that have.
    pub expired: usize,
    /// Groups of changes since the last snapshot, and pieces of that snapshot.
    pub blobs: u64,
    /// Bytes of the last snapshot.
    pub snapshot_bytes: u64,
    /// Bytes of the changes since.
    pub journal_bytes: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// The file was not closed: its process was killed, or the power was lost.
    pub was_cut: bool,
}

/// What compacting has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compacted {
    /// Bytes of the file before.
    pub before: u64,
    /// And now.
    pub after: u64,
}

/// Reads and checks everything, as when a table is opened, and changes nothing.
///
/// # Errors
/// What is wrong.
pub fn verify(directory: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Verified, OpenError> {
    let path = directory.join(FILE_NAME);
    let (file, opened) = File::look(&path)?;
    let clock = this_moment();
    let (table, expired, blobs) = read(&file, &path, &clock, progress)?;
    Ok(Verified {
        addresses: (0..table.parts()).map(|place| table.part(place).len()).sum(),
        bindings: table.bindings(),
        expired,
        blobs,
        snapshot_bytes: file.snapshot_bytes(),
        journal_bytes: file.journal_bytes(),
        file_bytes: file.file_bytes(),
        was_cut: opened.unclean,
    })
}

/// Writes what has not expired as one snapshot, deletes everything else, and makes the file as small as it can be.
///
/// Whenever it is interrupted, nothing is lost. Meanwhile the file takes up to twice its room.
///
/// # Errors
/// The table cannot be opened, or the disk is full.
pub fn compact(directory: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Compacted, OpenError> {
    let path = directory.join(FILE_NAME);
    // What is not there is not made.
    drop(File::look(&path)?);
    let (mut file, _) = File::open(&path)?;
    let before = file.file_bytes();
    let clock = this_moment();
    let (table, ..) = read(&file, &path, &clock, progress)?;
    let failed = |error: WriteError| OpenError::Io { path: path.clone(), source: std::io::Error::other(error) };
    let mut snapshot = Snapshot::Idle;
    loop {
        let step = snapshot.step(&table, true);
        let commit = Commit { entries: &[], clock, snapshot: snapshot.written(step) };
        file.commit(&commit).map_err(failed)?;
        if step == Step::Finish {
            break;
        }
    }
    file.compact().map_err(failed)?;
    file.close().map_err(failed)?;
    let after = path.metadata().map_err(|source| OpenError::Io { path: path.clone(), source })?.len();
    Ok(Compacted { before, after })
}

/// All that a file holds and that has not expired; how many bindings have, and in how many blobs it was.
fn read(
    file: &File,
    path: &Path,
    clock: &RunClock,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Table<()>, usize, u64), OpenError> {
    let table = Table::new(TableConfig::default(), ());
    let now = crate::clock::now(clock);
    let summary = load(file, &table, now, None, clock, progress).map_err(|error| error.of(path))?;
    let stored = table.bindings();
    table.sweep(now, Share::WHOLE, usize::MAX, &mut |_, _| {});
    let expired = stored - table.bindings();
    Ok((table, expired, summary.blobs))
}

/// As a run that begins now sees it.
fn this_moment() -> RunClock {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Clocks::new().read(Now::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
}
