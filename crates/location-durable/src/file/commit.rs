//! What is written at one time.

use super::blob::{self, Place};
use super::entry::{Piece, cut};
use super::error::{Damage, Fault, WriteError, guarded};
use super::state::{RunClock, STATE, State};
use super::sweep::sweep;
use super::{File, JOURNAL, META, SNAPSHOT};

/// What is written at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commit<'a> {
    /// Changes, one after another, as [`Entry::write`](super::Entry::write) makes them.
    pub(crate) entries: &'a [u8],
    /// This moment, as the clocks of this run show it.
    pub(crate) clock: RunClock,
    pub(crate) snapshot: Option<SnapshotStep<'a>>,
}

/// A step of a snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SnapshotStep<'a> {
    /// It will hold all that was changed by earlier commits; the changes of this one, and of those after it, are applied
    /// over it. One that is being written is given up.
    Begin,
    /// Entries of it.
    Part(&'a [u8]),
    /// It is complete, and counts instead of the one before.
    Finish,
}

/// What a commit has cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Bytes that were written to the file, those of its structure included.
    pub(crate) bytes: u64,
}

/// A snapshot that is being written.
#[derive(Clone, Debug)]
pub(super) struct Writing {
    pub(super) generation: u32,
    parts: u32,
    bytes: u64,
    /// Where the journal begins that is to be applied over it.
    from: u64,
    /// Bytes of the journal before that.
    journal_before: u64,
}

/// What the file will be after a commit.
pub(super) struct Draft {
    pub(super) state: State,
    pub(super) writing: Option<Writing>,
    next_generation: u32,
    leftovers: bool,
}

impl File {
    /// Writes all of it, or nothing. It is on disk when this returns. If it fails, that is not known, and the file must
    /// be opened anew.
    pub(crate) fn commit(&mut self, commit: &Commit<'_>) -> Result<Written, WriteError> {
        let entries = cut(commit.entries, fit).ok_or(WriteError::Malformed)?;
        let parts = match commit.snapshot {
            Some(SnapshotStep::Part(part)) => cut(part, fit).ok_or(WriteError::Malformed)?,
            _ => Vec::new(),
        };
        let mut draft = self.draft();
        draft.step(commit.snapshot, self.run)?;
        self.write(draft, Some(commit.clock), &entries, &parts)
    }

    /// Deletes something of what does not count any more.
    pub(super) fn sweep(&mut self) -> Result<Written, WriteError> {
        self.write(self.draft(), None, &[], &[])
    }

    fn draft(&self) -> Draft {
        Draft {
            state: State { commits: self.state.commits + 1, ..self.state.clone() },
            writing: self.writing.clone(),
            next_generation: self.next_generation,
            leftovers: self.leftovers,
        }
    }

    fn write(
        &mut self,
        mut draft: Draft,
        clock: Option<RunClock>,
        entries: &[Piece<'_>],
        parts: &[Piece<'_>],
    ) -> Result<Written, WriteError> {
        let before = self.gate.written();
        self.wake()?;
        guarded(|| self.transact(&mut draft, clock, entries, parts))?;
        let commits = draft.state.commits;
        Draft {
            state: self.state,
            writing: self.writing,
            next_generation: self.next_generation,
            leftovers: self.leftovers,
        } = draft;
        self.runs.extend(clock.map(|clock| (self.run, clock)));
        // It is on disk: the mark says so, and is there itself with the next commit.
        self.mark = self.mark.next(self.gate.disk(), commits, false).map_err(WriteError::Io)?;
        Ok(Written { bytes: self.gate.written() - before })
    }

    fn transact(
        &self,
        draft: &mut Draft,
        clock: Option<RunClock>,
        entries: &[Piece<'_>],
        parts: &[Piece<'_>],
    ) -> Result<(), Fault> {
        let transaction = self.database.begin_write()?;
        {
            let mut meta = transaction.open_table(META)?;
            if let Some(clock) = clock {
                meta.insert(self.run, clock.row(self.run).as_slice())?;
            }
            if !entries.is_empty() {
                let mut journal = transaction.open_table(JOURNAL)?;
                for piece in entries {
                    let sequence = draft.state.last + 1;
                    let mut room = journal.insert_reserve(sequence, size(piece))?;
                    fill(room.as_mut(), Place::Journal(sequence), self.run, piece)?;
                    draft.state.last = sequence;
                    draft.state.journal_bytes += size(piece) as u64;
                }
            }
            if let (Some(writing), false) = (&mut draft.writing, parts.is_empty()) {
                let mut snapshot = transaction.open_table(SNAPSHOT)?;
                for piece in parts {
                    let (generation, part) = (writing.generation, writing.parts);
                    let mut room = snapshot.insert_reserve((generation, part), size(piece))?;
                    fill(room.as_mut(), Place::Snapshot { generation, part }, self.run, piece)?;
                    writing.parts += 1;
                    writing.bytes += size(piece) as u64;
                }
            }
            if draft.leftovers {
                draft.leftovers = !sweep(&transaction, &mut meta, draft)?;
            }
            meta.insert(STATE, draft.state.row().as_slice())?;
        }
        Ok(transaction.commit()?)
    }
}

impl Draft {
    fn step(&mut self, step: Option<SnapshotStep<'_>>, run: u32) -> Result<(), WriteError> {
        match step {
            None => {}
            Some(SnapshotStep::Begin) => {
                self.leftovers |= self.writing.is_some();
                self.writing = Some(Writing {
                    generation: self.next_generation,
                    parts: 0,
                    bytes: 0,
                    from: self.state.last + 1,
                    journal_before: self.state.journal_bytes,
                });
                self.next_generation = self.next_generation.saturating_add(1);
            }
            Some(SnapshotStep::Part(..)) => {
                self.writing.as_ref().ok_or(WriteError::NoSnapshot)?;
            }
            Some(SnapshotStep::Finish) => {
                let Writing { generation, parts, bytes, from, journal_before } =
                    self.writing.take().ok_or(WriteError::NoSnapshot)?;
                self.state = State {
                    generation,
                    parts,
                    snapshot_bytes: bytes,
                    from,
                    journal_bytes: self.state.journal_bytes - journal_before,
                    first_run: run,
                    ..self.state.clone()
                };
                self.leftovers = true;
            }
        }
        Ok(())
    }
}

/// Bytes of a piece as a blob.
fn size(piece: &Piece<'_>) -> usize {
    blob::HEADER + piece.bytes.len()
}

fn fill(room: &mut [u8], place: Place, run: u32, piece: &Piece<'_>) -> Result<(), Fault> {
    let malformed = || Damage::Structure { detail: format!("no room for {place}") };
    blob::write(room, place, run, piece).ok_or_else(malformed).map_err(Fault::Damage)
}

/// The largest run of pages that one blob takes.
const MOST_BYTES: usize = 1 << 20;
/// Up to here the rest of a run of pages is not worth a blob more.
const SMALL_BYTES: usize = 16 << 10;
/// What lies in a blob's pages besides its entries: its header, the engine's key, and a few numbers.
const BESIDE_BYTES: usize = blob::HEADER + 32;

/// How much of so many bytes goes into one blob.
///
/// The engine gives each blob that is larger than a page a run of pages of its own, a power of two of them, and writes
/// the whole run. So what would leave more than an eighth of it empty is cut into a run that is full and the rest.
fn fit(left: usize) -> usize {
    let needed = left.saturating_add(BESIDE_BYTES);
    if needed > MOST_BYTES {
        return MOST_BYTES - BESIDE_BYTES;
    }
    let pages = needed.next_power_of_two();
    if pages <= SMALL_BYTES || pages - needed <= pages / 8 { left } else { pages / 2 - BESIDE_BYTES }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_of_the_pages_is_left_empty() {
        for total in [300, 20_000, 30_000, 300_000, 1_000_000, 1_048_000, 2_500_000, 32 << 20] {
            let (mut left, mut pages) = (total, 0);
            while left > 0 {
                let taken = fit(left);
                pages += (taken + BESIDE_BYTES).next_power_of_two().max(4096);
                left -= taken;
            }
            assert!(pages <= total * 9 / 8 + SMALL_BYTES, "{pages} bytes of pages for {total}");
        }
    }
}
