//! One change, and many one after another.

/// What has become of one address of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    /// The bytes of its record, which stand in place of those before.
    Put(&'a [u8]),
    /// The address of record, which has no bindings any more.
    Delete(&'a [u8]),
}

const PUT: u8 = 1;
const DELETE: u8 = 2;

impl<'a> Entry<'a> {
    /// Appends the entry: what it is in one byte, the length in four, and the bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let (tag, bytes) = match self {
            Self::Put(bytes) => (PUT, bytes),
            Self::Delete(bytes) => (DELETE, bytes),
        };
        out.push(tag);
        out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(bytes);
    }

    /// The first entry, and what follows it.
    fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&tag, rest) = bytes.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        match tag {
            PUT => Some((Self::Put(value), rest)),
            DELETE => Some((Self::Delete(value), rest)),
            _ => None,
        }
    }
}

/// Entries as [`Entry::write`] makes them. It ends at the first byte that is none.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a>(pub(super) &'a [u8]);

impl Entries<'_> {
    /// How many there are, if it is nothing but entries.
    pub(super) fn count(mut self) -> Option<u32> {
        let count = self.by_ref().fold(0_u32, |count, _| count.saturating_add(1));
        self.0.is_empty().then_some(count)
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let (entry, rest) = Entry::split(self.0)?;
        self.0 = rest;
        Some(entry)
    }
}

/// Some entries that are written as one blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) count: u32,
}

/// Cuts entries into pieces. Each is as large as the limit says that a piece of so many bytes may be, and is cut between
/// two entries; an entry that is larger stands alone. Fails if it is not entries.
pub(super) fn cut(mut bytes: &[u8], limit: impl Fn(usize) -> usize) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let limit = limit(bytes.len());
        let (mut at, mut count, mut rest) = (0, 0, bytes);
        while !rest.is_empty() {
            let (_, after) = Entry::split(rest)?;
            let end = bytes.len() - after.len();
            if count > 0 && end > limit {
                break;
            }
            (at, count, rest) = (end, count + 1, after);
        }
        pieces.push(Piece { bytes: bytes.get(..at)?, count });
        bytes = rest;
    }
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(entries: &[Entry<'_>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        entries.iter().for_each(|entry| entry.write(&mut bytes));
        bytes
    }

    #[test]
    fn entries_are_read_as_they_were_written() {
        let entries = [Entry::Put(b"record"), Entry::Delete(b"sip:a@b"), Entry::Put(b"")];
        let bytes = written(&entries);
        assert!(Entries(&bytes).eq(entries));
        assert_eq!(Entries(&bytes).count(), Some(3));
        assert_eq!(Entries(b"").count(), Some(0));
    }

    #[test]
    fn what_is_no_entry_is_noticed() {
        let bytes = written(&[Entry::Put(b"record")]);
        for end in 1..bytes.len() {
            assert_eq!(Entries(&bytes[..end]).count(), None, "cut at {end}");
            assert_eq!(cut(&bytes[..end], |_| 100), None);
        }
        assert_eq!(Entries(&[3, 0, 0, 0, 0]).count(), None, "neither put nor delete");
    }

    #[test]
    fn entries_are_cut_at_their_borders() {
        let (small, large) = ([1; 10], [2; 100]);
        let bytes = written(&[Entry::Put(&small), Entry::Delete(&small), Entry::Put(&large), Entry::Put(&small)]);
        let pieces = cut(&bytes, |_| 30).unwrap();
        let shape: Vec<_> = pieces.iter().map(|piece| (piece.bytes.len(), piece.count)).collect();
        assert_eq!(shape, [(30, 2), (105, 1), (15, 1)], "the large one exceeds the limit, and stands alone");
        assert_eq!(pieces.iter().flat_map(|piece| piece.bytes).copied().collect::<Vec<_>>(), bytes);
        assert_eq!(cut(&bytes, |left| left).unwrap().len(), 1);
    }
}
