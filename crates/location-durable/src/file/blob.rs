//! Entries as they lie in the file: bound to their place, and with a checksum of our own.

use std::fmt;

use twox_hash::XxHash3_64;

use super::entry::{Entries, Piece};

/// Where a blob lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Journal(u64),
    Snapshot { generation: u32, part: u32 },
}

impl Place {
    fn kind(self) -> u8 {
        match self {
            Self::Journal(_) => b'J',
            Self::Snapshot { .. } => b'S',
        }
    }

    fn number(self) -> u64 {
        match self {
            Self::Journal(sequence) => sequence,
            Self::Snapshot { generation, part } => u64::from(generation) << 32 | u64::from(part),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(sequence) => write!(f, "number {sequence} of the journal"),
            Self::Snapshot { generation, part } => write!(f, "part {part} of snapshot {generation}"),
        }
    }
}

/// Before the entries: checksum 8, kind 1, nothing 3, run 4, number 8, count 4, length 4.
pub(super) const HEADER: usize = CHECKSUM + 24;
const CHECKSUM: usize = 8;

/// Writes a blob into memory of exactly its size, [`HEADER`] more than the piece.
///
/// The checksum is over everything, the place included. So what the file's engine takes for whole is still found out if
/// it is the wrong one: a page that was swapped with another, or is an old one.
pub(super) fn write(out: &mut [u8], place: Place, run: u32, piece: &Piece<'_>) -> Option<()> {
    let length = u32::try_from(piece.bytes.len()).ok()?;
    let mut header = Vec::with_capacity(HEADER);
    header.extend_from_slice(&[0; CHECKSUM]);
    header.extend_from_slice(&[place.kind(), 0, 0, 0]);
    header.extend_from_slice(&run.to_le_bytes());
    header.extend_from_slice(&place.number().to_le_bytes());
    header.extend_from_slice(&piece.count.to_le_bytes());
    header.extend_from_slice(&length.to_le_bytes());
    let (head, body) = out.split_at_mut_checked(HEADER)?;
    head.copy_from_slice(&header);
    (body.len() == piece.bytes.len()).then(|| body.copy_from_slice(piece.bytes))?;
    let (check, checked) = out.split_first_chunk_mut::<CHECKSUM>()?;
    *check = XxHash3_64::oneshot(checked).to_le_bytes();
    Some(())
}

/// A blob that is whole and in its place.
#[derive(Debug)]
pub(crate) struct Blob {
    place: Place,
    run: u32,
    bytes: Box<[u8]>,
}

impl Blob {
    /// Takes the bytes if they are those of that place.
    pub(super) fn check(place: Place, bytes: Box<[u8]>) -> Option<Self> {
        let (check, rest) = bytes.split_first_chunk::<CHECKSUM>()?;
        if XxHash3_64::oneshot(rest) != u64::from_le_bytes(*check) {
            return None;
        }
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (run, rest) = rest.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let (length, entries) = rest.split_first_chunk::<4>()?;
        let is_here = *kind == [place.kind(), 0, 0, 0] && u64::from_le_bytes(*number) == place.number();
        let is_whole = usize::try_from(u32::from_le_bytes(*length)) == Ok(entries.len())
            && Entries(entries).count() == Some(u32::from_le_bytes(*count));
        let run = u32::from_le_bytes(*run);
        (is_here && is_whole).then_some(Self { place, run, bytes })
    }

    /// The run that wrote it: the times in it are on its clock.
    pub(crate) fn run(&self) -> u32 {
        self.run
    }

    /// Whether it is of the snapshot, not of the journal.
    pub(crate) fn is_of_snapshot(&self) -> bool {
        matches!(self.place, Place::Snapshot { .. })
    }

    /// What it says.
    pub(crate) fn entries(&self) -> Entries<'_> {
        Entries(self.bytes.get(HEADER..).unwrap_or_default())
    }
}

impl fmt::Display for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Entry;
    use super::*;

    const PLACE: Place = Place::Journal(7);

    fn sample() -> Vec<u8> {
        let mut entries = Vec::new();
        Entry::Put(b"record").write(&mut entries);
        Entry::Delete(b"sip:a@b").write(&mut entries);
        let mut bytes = vec![0; HEADER + entries.len()];
        write(&mut bytes, PLACE, 3, &Piece { bytes: &entries, count: 2 }).unwrap();
        bytes
    }

    #[test]
    fn a_blob_is_read_as_it_was_written() {
        let blob = Blob::check(PLACE, sample().into()).unwrap();
        assert_eq!(blob.run(), 3);
        assert!(blob.entries().eq([Entry::Put(b"record"), Entry::Delete(b"sip:a@b")]));
    }

    #[test]
    fn a_blob_in_another_place_is_noticed() {
        for place in [Place::Journal(8), Place::Snapshot { generation: 0, part: 7 }] {
            assert!(Blob::check(place, sample().into()).is_none(), "{place}");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let whole = sample();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                assert!(Blob::check(PLACE, bytes.into()).is_none(), "bit {bit} of byte {at}");
            }
            assert!(Blob::check(PLACE, whole[..at].into()).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn what_has_a_right_checksum_and_says_nonsense_is_noticed() {
        let mut bytes = vec![0; HEADER + 6];
        write(&mut bytes, PLACE, 3, &Piece { bytes: b"\x01\x02\0\0\0a", count: 1 }).unwrap();
        assert!(Blob::check(PLACE, bytes.into()).is_none(), "an entry that is longer than the blob");
        let mut bytes = vec![0; HEADER + 6];
        write(&mut bytes, PLACE, 3, &Piece { bytes: b"\x01\x01\0\0\0a", count: 2 }).unwrap();
        assert!(Blob::check(PLACE, bytes.into()).is_none(), "one entry instead of two");
    }
}
