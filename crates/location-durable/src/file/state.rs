//! The rows that say what counts in the file.

use twox_hash::XxHash3_64;

/// The key of the state; those above are of the runs.
pub(super) const STATE: u32 = 0;

/// What counts, and how much of it there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// How many commits have been made.
    pub(super) commits: u64,
    /// The last number of the journal.
    pub(super) last: u64,
    /// The first one that counts: what is older is in the snapshot.
    pub(super) from: u64,
    /// Bytes of the blobs from there on.
    pub(super) journal_bytes: u64,
    /// The snapshot that counts, if it has any parts.
    pub(super) generation: u32,
    pub(super) parts: u32,
    /// Bytes of its blobs.
    pub(super) snapshot_bytes: u64,
    /// The run that made it: nothing that counts is of an older one.
    pub(super) first_run: u32,
}

impl State {
    /// That of a new file.
    pub(super) fn new() -> Self {
        Self {
            commits: 0,
            last: 0,
            from: 1,
            journal_bytes: 0,
            generation: 0,
            parts: 0,
            snapshot_bytes: 0,
            first_run: 1,
        }
    }

    pub(super) fn row(&self) -> Vec<u8> {
        let mut row = Vec::new();
        for number in [self.commits, self.last, self.from, self.journal_bytes, self.snapshot_bytes] {
            row.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.generation, self.parts, self.first_run] {
            row.extend_from_slice(&number.to_le_bytes());
        }
        seal(STATE, row)
    }

    pub(super) fn of_row(row: &[u8]) -> Option<Self> {
        let rest = &mut unseal(STATE, row)?;
        let state = Self {
            commits: long(rest)?,
            last: long(rest)?,
            from: long(rest)?,
            journal_bytes: long(rest)?,
            snapshot_bytes: long(rest)?,
            generation: short(rest)?,
            parts: short(rest)?,
            first_run: short(rest)?,
        };
        rest.is_empty().then_some(state)
    }
}

/// What several clocks showed at one moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunClock {
    /// The clock that the times in records are on, in milliseconds.
    pub(crate) steady: u64,
    /// Milliseconds since 1970.
    pub(crate) wall: u64,
    /// Which boot of the machine it was, and milliseconds since then.
    pub(crate) boot: Option<([u8; 16], u64)>,
}

impl RunClock {
    pub(super) fn row(&self, run: u32) -> Vec<u8> {
        let (boot, since) = self.boot.unwrap_or_default();
        let mut row = Vec::new();
        row.extend_from_slice(&self.steady.to_le_bytes());
        row.extend_from_slice(&self.wall.to_le_bytes());
        row.push(self.boot.is_some().into());
        row.extend_from_slice(&boot);
        row.extend_from_slice(&since.to_le_bytes());
        seal(run, row)
    }

    pub(super) fn of_row(run: u32, row: &[u8]) -> Option<Self> {
        let rest = &mut unseal(run, row)?;
        let (steady, wall) = (long(rest)?, long(rest)?);
        let (&is_known, after) = rest.split_first()?;
        let (&id, after) = after.split_first_chunk()?;
        *rest = after;
        let boot = (id, long(rest)?);
        rest.is_empty().then_some(Self { steady, wall, boot: (is_known == 1).then_some(boot) })
    }
}

/// Appends a checksum of the row and its key.
fn seal(key: u32, mut row: Vec<u8>) -> Vec<u8> {
    let check = XxHash3_64::oneshot_with_seed(key.into(), &row);
    row.extend_from_slice(&check.to_le_bytes());
    row
}

/// What was sealed, if it is as it was.
fn unseal(key: u32, row: &[u8]) -> Option<&[u8]> {
    let (row, check) = row.split_last_chunk()?;
    (XxHash3_64::oneshot_with_seed(key.into(), row) == u64::from_le_bytes(*check)).then_some(row)
}

fn long(rest: &mut &[u8]) -> Option<u64> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u64::from_le_bytes(*number))
}

fn short(rest: &mut &[u8]) -> Option<u32> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u32::from_le_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_were_written_and_no_other_way() {
        let state = State { commits: 1, last: 9, parts: 3, generation: 2, first_run: 5, ..State::new() };
        let clock = RunClock { steady: 1, wall: 2, boot: Some(([7; 16], 3)) };
        assert_eq!(State::of_row(&state.row()), Some(state.clone()));
        assert_eq!(RunClock::of_row(4, &clock.row(4)), Some(clock));
        assert_eq!(RunClock::of_row(5, &clock.row(4)), None, "that of another run");
        let unknown = RunClock { boot: None, ..clock };
        assert_eq!(RunClock::of_row(4, &unknown.row(4)), Some(unknown));
        for at in 0..state.row().len() {
            let mut row = state.row();
            row[at] ^= 1;
            assert_eq!(State::of_row(&row), None, "byte {at}");
            assert_eq!(State::of_row(&row[..at]), None, "cut at {at}");
        }
    }
}
