//! Filling a table with what was kept of it.

use sip_dispatch::Share;
use sip_transport::Now;

use super::table::Table;
use super::{Journal, shard::Shard};
use crate::{Aor, Record};

/// Fills the parts of a [`Table`] that a [`Share`] names: takes up changes that concern them, in order, and makes many at
/// once. They are not noted, and not refused however many bindings there are.
///
/// A record that is put in its place as it comes finds that place in no cache, and a part that grows reads all its records
/// again each time. So changes are sorted by their parts first: each part is at hand while it is filled, and has its size
/// from the beginning.
#[must_use = "nothing is in the table until it is made"]
#[derive(Debug)]
pub struct Loader<'t, J> {
    table: &'t Table<J>,
    share: Share,
    changes: Vec<(Place, Change)>,
}

/// Where an address is in a table, known before anything is read or made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u64);

#[derive(Debug)]
enum Change {
    Put(Record),
    Remove(Box<[u8]>),
}

impl<'t, J: Journal> Loader<'t, J> {
    pub(super) fn new(table: &'t Table<J>, share: Share) -> Self {
        Self { table, share, changes: Vec::new() }
    }

    /// The place of an address; `None`: it is another loader's.
    #[must_use]
    pub fn place(&self, aor: &Aor<'_>) -> Option<Place> {
        let hash = self.table.hash(aor);
        (self.table.place(hash) % self.share.of.max(1) == self.share.index).then_some(Place(hash))
    }

    /// The record of the address at `place`, instead of any before.
    pub fn put(&mut self, place: Place, record: Record) {
        self.changes.push((place, Change::Put(record)));
    }

    /// The address at `place` has no record any more.
    pub fn remove(&mut self, place: Place, aor: &Aor<'_>) {
        self.changes.push((place, Change::Remove(aor.as_bytes().into())));
    }

    /// How many changes were taken up and not made yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.changes.len()
    }

    /// Makes the changes that were taken up.
    pub fn make(&mut self, now: Now) {
        let Self { table, changes, .. } = self;
        // Those of one address stay in order.
        changes.sort_by_key(|(Place(hash), _)| (table.place(*hash), *hash));
        let part_of = |change: &(Place, Change)| table.place(change.0.0);
        let parts: Vec<Part> = changes.chunk_by(|a, b| part_of(a) == part_of(b)).filter_map(Part::of).collect();
        let mut changes = changes.drain(..);
        for Part { hash, changes: count, addresses } in parts {
            let mut shard = table.shard(hash).lock();
            // Later most are known.
            if shard.table.is_empty() {
                shard.reserve(addresses, |aor| table.hash(aor));
            }
            let (mut more, mut fewer) = (0, 0);
            for (Place(hash), change) in changes.by_ref().take(count) {
                let (after, before) = change.make(&mut shard, table, hash, now);
                more += after;
                fewer += before;
            }
            table.recount(fewer, more);
        }
    }
}

/// What concerns one part.
struct Part {
    /// Of any of its addresses.
    hash: u64,
    changes: usize,
    addresses: usize,
}

impl Part {
    fn of(changes: &[(Place, Change)]) -> Option<Self> {
        let hash = changes.first()?.0.0;
        let addresses = changes.chunk_by(|a, b| a.0 == b.0).count();
        Some(Self { hash, changes: changes.len(), addresses })
    }
}

impl Change {
    /// Gives how many bindings its address has now, and had before.
    fn make<J: Journal>(self, shard: &mut Shard, table: &Table<J>, hash: u64, now: Now) -> (usize, usize) {
        let hash_of = |aor: &Aor<'_>| table.hash(aor);
        let (after, before) = match self {
            Self::Put(record) => {
                let key = record.clone();
                (key.len(), shard.replace(hash, &key.aor(), Some(record), now.at, hash_of))
            }
            Self::Remove(aor) => (0, shard.replace(hash, &Aor::from_canonical(&aor), None, now.at, hash_of)),
        };
        (after, before.map_or(0, |before| before.len()))
    }
}

#[cfg(test)]
mod tests;
