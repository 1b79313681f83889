//! The first page of the file: what it is, and how far it is known to have come.
//!
//! The storage engine's own file begins after it. So a file is known before the engine, which changes what it opens, has
//! touched it.
//!
//! The *mark* tells a torn end from a lost one. When a commit is on disk, its number is noted here, and that is on disk
//! with the next commit at the latest. The engine itself, if the pages of its last commit are not whole, takes the
//! commit before and says nothing: that is right if the power failed while the last one was written. But if the mark
//! knows it, it was finished, it may have been answered for, and the file is damaged. (What is left: if the power fails
//! after a commit, before its mark is on disk, and a page of that commit is damaged as well, it is taken for torn.)

use std::cmp;
use std::io;

use redb::StorageBackend;
use twox_hash::XxHash3_64;

use super::error::{Damage, Fault};

/// Bytes before those of the storage engine: one page of it, so that its pages stay aligned.
pub(super) const LENGTH: u64 = 4096;

/// The format that is written and read.
pub(super) const FORMAT: u32 = 1;

const MAGIC: &[u8; 16] = b"SIP bindings\r\n\x1a\n";

/// There are two places for the mark, written in turn, each in a sector of its own: one of them is always whole.
const SLOTS: [u64; 2] = [512, 1024];
const SLOT_BYTES: usize = 32;

/// What a first page says.
#[derive(Debug)]
pub(super) enum Front {
    Ours(Mark),
    NotOurs,
    OtherFormat(u32),
}

/// How far the file is known to have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// How many marks were made before.
    turn: u64,
    /// How many commits are on disk at least.
    pub(super) commits: u64,
    /// Whether the last who wrote has closed the file.
    pub(super) closed: bool,
}

/// Writes the first page of a new file.
pub(super) fn write(disk: &dyn StorageBackend) -> io::Result<Mark> {
    let mut page = MAGIC.to_vec();
    page.extend_from_slice(&FORMAT.to_le_bytes());
    page.resize(usize::try_from(LENGTH).map_err(io::Error::other)?, 0);
    disk.set_len(LENGTH)?;
    disk.write(0, &page)?;
    let mark = Mark { turn: 0, commits: 0, closed: false };
    mark.write(disk)?;
    Ok(mark)
}

/// Reads the first page of a file.
pub(super) fn read(disk: &dyn StorageBackend) -> Result<Front, Fault> {
    let mut start = [0; MAGIC.len() + 4];
    if disk.len().map_err(Fault::Io)? < start.len() as u64 {
        return Ok(Front::NotOurs);
    }
    disk.read(0, &mut start).map_err(Fault::Io)?;
    match start.split_first_chunk() {
        Some((MAGIC, format)) => match format.first_chunk().map(|format| u32::from_le_bytes(*format)) {
            Some(FORMAT) => {}
            format => return Ok(Front::OtherFormat(format.unwrap_or_default())),
        },
        _ => return Ok(Front::NotOurs),
    }
    if disk.len().map_err(Fault::Io)? < LENGTH {
        return Err(Fault::Damage(Damage::Front));
    }
    let mut last = None;
    for slot in SLOTS {
        let mut bytes = [0; SLOT_BYTES];
        disk.read(slot, &mut bytes).map_err(Fault::Io)?;
        last = cmp::max_by_key(last, Mark::of_slot(&bytes), |mark| mark.map(|mark| mark.turn));
    }
    last.map(Front::Ours).ok_or(Fault::Damage(Damage::Front))
}

impl Mark {
    /// Notes that so many commits are on disk, in place of the mark before this one.
    pub(super) fn next(self, disk: &dyn StorageBackend, commits: u64, closed: bool) -> io::Result<Self> {
        let mark = Self { turn: self.turn + 1, commits, closed };
        mark.write(disk)?;
        Ok(mark)
    }

    fn write(self, disk: &dyn StorageBackend) -> io::Result<()> {
        let [even, odd] = SLOTS;
        let mut slot = Vec::with_capacity(SLOT_BYTES);
        slot.extend_from_slice(&self.turn.to_le_bytes());
        slot.extend_from_slice(&self.commits.to_le_bytes());
        slot.extend_from_slice(&u64::from(self.closed).to_le_bytes());
        let check = XxHash3_64::oneshot(&slot);
        slot.extend_from_slice(&check.to_le_bytes());
        disk.write(if self.turn.is_multiple_of(2) { even } else { odd }, &slot)
    }

    fn of_slot(bytes: &[u8; SLOT_BYTES]) -> Option<Self> {
        let (fields, check) = bytes.split_last_chunk()?;
        let (turn, rest) = fields.split_first_chunk()?;
        let (commits, closed) = rest.split_first_chunk()?;
        (XxHash3_64::oneshot(fields) == u64::from_le_bytes(*check)).then_some(Self {
            turn: u64::from_le_bytes(*turn),
            commits: u64::from_le_bytes(*commits),
            closed: u64::from_le_bytes(*closed.first_chunk()?) == 1,
        })
    }
}
