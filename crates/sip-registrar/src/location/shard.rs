//! A part of the table with its own lock, and its wheel of expiries.

use sip_transport::Timestamp;

use crate::lines::{Lines, Spot};
use crate::{Aor, Record};

/// Buckets of one second each. What expires later than the wheel reaches is looked at once in every turn.
pub(super) const WHEEL: u64 = 512;

/// Records, and when to look at each.
///
/// Of every record there is an entry in the bucket of its earliest expiry, or in an earlier one. A refresh, which moves the
/// expiry later, does not touch the wheel: the record is filed again when its bucket's time comes. So each second costs as
/// much as it has entries, and a record whose expiry is far away costs one look in a turn of the wheel. An expiry that
/// comes earlier has one entry more; there are never more than two for each record, and a few.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) table: Lines<Record>,
    wheel: Wheel,
    /// What all records take.
    bytes: usize,
}

/// What is due in a shard.
pub(super) enum Due {
    /// A record with this hash has to be looked at, or with one that the table cannot tell from it.
    Record(u64),
    /// Nothing more until the next second.
    Nothing,
}

impl Shard {
    pub(super) fn new() -> Self {
        Self { table: Lines::default(), wheel: Wheel::new(), bytes: 0 }
    }

    /// The memory that it takes, but for what the allocator adds.
    pub(super) fn memory(&self) -> usize {
        let entries = self.wheel.buckets.iter().map(|bucket| bucket.capacity() * size_of::<Mark>());
        self.bytes + self.table.memory() + entries.sum::<usize>() + size_of_val(&*self.wheel.buckets)
    }

    /// Makes room for so many records more.
    pub(super) fn reserve(&mut self, records: usize, hash_of: impl Fn(&Aor<'_>) -> u64) {
        self.table.reserve(records, |record| hash_of(&record.aor()));
    }

    pub(super) fn find(&self, hash: u64, aor: &Aor<'_>) -> Option<&Record> {
        self.at(self.spot(hash, aor))
    }

    /// Where the record of an address is.
    pub(super) fn spot(&self, hash: u64, aor: &Aor<'_>) -> Option<Spot> {
        self.table.find(hash, |record| record.aor() == *aor)
    }

    /// The record there.
    pub(super) fn at(&self, spot: Option<Spot>) -> Option<&Record> {
        self.table.get(spot?)
    }

    /// Asks for the place where a record with this hash is looked for first.
    pub(super) fn fetch_place(&self, hash: u64) {
        self.table.fetch_line(hash);
    }

    /// Asks for the records that may have this hash, once their place is there.
    pub(super) fn fetch_records(&self, hash: u64) {
        self.table.fetch_values(hash);
    }

    /// Puts `record` in place of the one of the same address, or takes that away, and gives the one that stood there. `hash_of`
    /// is asked when the table has to grow or the wheel to be tidied.
    pub(super) fn replace(
        &mut self,
        hash: u64,
        aor: &Aor<'_>,
        record: Option<Record>,
        now: Timestamp,
        hash_of: impl Fn(&Aor<'_>) -> u64,
    ) -> Option<Record> {
        self.replace_at(self.spot(hash, aor), hash, record, now, hash_of)
    }

    /// The same where it is known where that one stands.
    pub(super) fn replace_at(
        &mut self,
        spot: Option<Spot>,
        hash: u64,
        record: Option<Record>,
        now: Timestamp,
        hash_of: impl Fn(&Aor<'_>) -> u64,
    ) -> Option<Record> {
        self.wheel.begin(now);
        let due = record.as_ref().map(due_second);
        self.bytes += record.as_ref().map_or(0, Record::size);
        let before = match (spot, record) {
            (Some(spot), Some(record)) => self.table.get_mut(spot).map(|there| std::mem::replace(there, record)),
            (Some(spot), None) => self.table.remove(spot),
            (None, Some(record)) => {
                self.table.insert(hash, record, |record| hash_of(&record.aor()));
                None
            }
            (None, None) => None,
        };
        self.bytes -= before.as_ref().map_or(0, Record::size);
        if let Some(due) = due.filter(|due| before.as_ref().is_none_or(|before| *due < due_second(before))) {
            self.wheel.file(hash, due);
        }
        if self.wheel.entries > 2 * self.table.len() + WHEEL as usize {
            self.tidy(hash_of);
        }
        before
    }

    /// Makes the entries anew, one for each record, so that phones that come and go do not fill the wheel.
    fn tidy(&mut self, hash_of: impl Fn(&Aor<'_>) -> u64) {
        self.wheel.clear();
        for record in self.table.iter() {
            self.wheel.file(hash_of(&record.aor()), due_second(record));
        }
    }

    /// The next record to look at.
    pub(super) fn due(&mut self, now: Timestamp) -> Due {
        self.wheel.next(now.seconds()).map_or(Due::Nothing, Due::Record)
    }

    /// Looks at the records with this hash, in whose bucket an entry was found: gives those with something expired, as they
    /// were and as they are now, and files the others again.
    pub(super) fn expire(
        &mut self,
        hash: u64,
        now: Timestamp,
        hash_of: impl Fn(&Aor<'_>) -> u64,
        without_expired: impl Fn(&Record) -> Option<Record>,
        mut gone: impl FnMut(Record, Option<Record>),
    ) {
        let mark = Mark::of(hash);
        // The table asks of records with other hashes too.
        let is_meant = |record: &Record| Mark::of(hash_of(&record.aor())) == mark;
        let has_expired = |record: &Record| record.earliest_expiry().is_none_or(|expiry| expiry <= now);
        while let Some(spot) = self.table.find(hash, |record| has_expired(record) && is_meant(record))
            && let Some(record) = self.table.get_mut(spot)
        {
            let rest = without_expired(record).filter(|record| !has_expired(record));
            let before = match &rest {
                Some(rest) => Some(std::mem::replace(record, rest.clone())),
                None => self.table.remove(spot),
            };
            if let Some(before) = before {
                self.bytes = self.bytes + rest.as_ref().map_or(0, Record::size) - before.size();
                gone(before, rest);
            }
        }
        let stays = self.table.with_hash(hash).filter(|record| is_meant(record));
        if let Some(due) = stays.map(due_second).min() {
            self.wheel.file_later(hash, due);
        }
    }
}

/// Of a hash all that the table of a shard looks at: its upper seven bits, and the lower ones, of which there are enough
/// for 200 million records in a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark(u32);

impl Mark {
    const LOW: u64 = (1 << 25) - 1;

    fn of(hash: u64) -> Self {
        Self((hash >> 57 << 25 | hash & Self::LOW) as u32)
    }

    /// A hash by which the table finds the same.
    fn hash(self) -> u64 {
        let mark = u64::from(self.0);
        mark >> 25 << 57 | mark & Self::LOW
    }
}

/// Hashes of records, in buckets of a second.
#[derive(Debug)]
struct Wheel {
    buckets: Box<[Vec<Mark>]>,
    entries: usize,
    /// The second up to which, itself included, all buckets have been emptied; 0 before the first entry.
    swept: u64,
}

impl Wheel {
    fn new() -> Self {
        Self { buckets: (0..WHEEL).map(|_| Vec::new()).collect(), entries: 0, swept: 0 }
    }

    fn begin(&mut self, now: Timestamp) {
        if self.swept == 0 {
            self.swept = now.seconds().saturating_sub(1);
        }
    }

    /// The second whose bucket is emptied now, or will be next.
    fn emptying(&self) -> u64 {
        self.swept + 1
    }

    /// Makes an entry in the second that is due, but not in one that has been swept, nor in one that is more than a turn
    /// away.
    fn file(&mut self, hash: u64, due: u64) {
        self.push(hash, due.clamp(self.swept + 1, self.swept + WHEEL - 1));
    }

    /// The same while a bucket is being emptied: not into that one.
    fn file_later(&mut self, hash: u64, due: u64) {
        self.push(hash, due.clamp(self.swept + 2, self.swept + WHEEL));
    }

    fn push(&mut self, hash: u64, second: u64) {
        if let Some(bucket) = self.buckets.get_mut((second % WHEEL) as usize) {
            bucket.push(Mark::of(hash));
            self.entries += 1;
        }
    }

    /// Takes an entry that is due by `now`.
    fn next(&mut self, now: u64) -> Option<u64> {
        // Older buckets than one turn of the wheel are the same ones again.
        self.swept = self.swept.max(now.saturating_sub(WHEEL));
        while self.swept < now {
            let bucket = self.buckets.get_mut((self.emptying() % WHEEL) as usize)?;
            if let Some(mark) = bucket.pop() {
                self.entries -= 1;
                return Some(mark.hash());
            }
            // The room of a busy second is not kept for a turn.
            *bucket = Vec::new();
            self.swept += 1;
        }
        None
    }

    fn clear(&mut self) {
        self.buckets.iter_mut().for_each(|bucket| *bucket = Vec::new());
        self.entries = 0;
    }
}

/// The second after which the first binding of a record has expired.
fn due_second(record: &Record) -> u64 {
    record.earliest_expiry().map_or(0, |expiry| expiry.0.div_ceil(1000))
}

#[cfg(test)]
mod tests;
