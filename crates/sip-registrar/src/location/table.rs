//! Records in memory: the table behind every location service that keeps all of them there.

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use sip_dispatch::{Coming, Share};
use sip_message::glance::Address;
use sip_message::uri::equivalent;
use sip_transport::{Flow, Now, Timestamp};
use smallvec::SmallVec;

use super::shard::{Due, Shard};
use super::{Effect, Journal, Loader, Page, RegisterError, Registered, Removal, StoreError};
use crate::decide::decide;
use crate::lines::{FEW, Spot};
use crate::record::{Binding, Record, RecordBuilder};
use crate::{Aor, Plan};

/// How the table is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableConfig {
    /// How many bindings it may hold; beyond that new ones are answered 503.
    pub max_bindings: usize,
    /// Parts with a lock of their own; rounded up to a power of two.
    pub shards: usize,
}

impl Default for TableConfig {
    fn default() -> Self {
        Self { max_bindings: 10_000_000, shards: 256 }
    }
}

/// Records, their expiries, and a [`Journal`] of their changes.
///
/// Parts and places are chosen by a keyed hash (SipHash), so that nobody can choose addresses that meet in one place.
/// A lock is held for [`decide`], while the new record is made and while it is noted; never while something is rendered,
/// sent or told.
#[derive(Debug)]
pub struct Table<J> {
    shards: Box<[Mutex<Shard>]>,
    keys: RandomState,
    bindings: AtomicUsize,
    max_bindings: AtomicUsize,
    journal: J,
}

thread_local! {
    /// Where records are put together. Taken while in use.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn with_scratch<T>(work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut scratch = SCRATCH.take();
    let result = work(&mut scratch);
    SCRATCH.replace(scratch);
    result
}

impl Default for Table<()> {
    fn default() -> Self {
        Self::new(TableConfig::default(), ())
    }
}

/// What was done, and how its entry in the journal is called if something was changed.
pub type Done<J> = (Registered, Option<<J as Journal>::Entry>);

impl<J: Journal> Table<J> {
    /// An empty table.
    #[must_use]
    pub fn new(config: TableConfig, journal: J) -> Self {
        let shards = (0..config.shards.clamp(1, 1 << 16).next_power_of_two()).map(|_| Mutex::new(Shard::new()));
        Self {
            shards: shards.collect(),
            keys: RandomState::new(),
            bindings: AtomicUsize::new(0),
            max_bindings: config.max_bindings.into(),
            journal,
        }
    }

    /// Where changes are noted.
    #[must_use]
    pub fn journal(&self) -> &J {
        &self.journal
    }

    /// How many bindings there are, those included that have expired and were not swept yet.
    #[must_use]
    pub fn bindings(&self) -> usize {
        self.bindings.load(Ordering::Relaxed)
    }

    /// The memory that it takes, in bytes, but for what the allocator adds. Each part is locked for a moment.
    #[must_use]
    pub fn memory(&self) -> usize {
        let parts: usize = self.shards.iter().map(|shard| shard.lock().memory()).sum();
        parts + size_of_val(&*self.shards)
    }

    /// How many bindings it may hold from now on. None is removed for it.
    pub fn limit(&self, max_bindings: usize) {
        self.max_bindings.store(max_bindings, Ordering::Relaxed);
    }

    /// Puts a record in place of the one of its address.
    ///
    /// # Errors
    /// The table is full, or the journal can note nothing.
    pub fn put(&self, record: Record, now: Now) -> Result<J::Entry, StoreError> {
        let hash = self.hash(&record.aor());
        let mut shard = self.shard(hash).lock();
        let key = record.clone();
        let spot = shard.spot(hash, &key.aor());
        self.replace(&mut shard, spot, hash, &key.aor(), Some(record), now).map(|(noted, _)| noted)
    }

    /// Makes `record` that of an address again, as when a change is taken back: it is not noted, and not refused however many
    /// bindings there are.
    pub fn restore(&self, aor: &Aor<'_>, record: Option<Record>, now: Now) {
        let hash = self.hash(aor);
        let mut shard = self.shard(hash).lock();
        let after = record.as_ref().map_or(0, Record::len);
        let before = shard.replace(hash, aor, record, now.at, |aor| self.hash(aor)).map_or(0, |before| before.len());
        self.recount(before, after);
    }

    /// Fills the parts that `share` names with what was kept of them.
    pub fn loader(&self, share: Share) -> Loader<'_, J> {
        Loader::new(self, share)
    }

    /// Asks memory for the records that requests seem to be about.
    ///
    /// To find a record and to read it are two ways to memory, one after the other. Here all of them go the first together,
    /// and then the second.
    pub fn prepare(&self, coming: &Coming<'_>) {
        if self.bindings() < FEW {
            return;
        }
        // An address as it is written is canonical with most phones.
        let hash = |to: &Address<'_>| self.hash(&Aor::from_canonical(to.uri));
        let hashes: SmallVec<[u64; Coming::MANY]> = coming.addresses().iter().map(hash).collect();
        // Whoever has a part locked is about to change it; it is not worth waiting for.
        let parts = || hashes.iter().filter_map(|&hash| Some((self.shard(hash).try_lock()?, hash)));
        parts().for_each(|(part, hash)| part.fetch_place(hash));
        parts().for_each(|(part, hash)| part.fetch_records(hash));
    }

    /// The record of an address as it stands, also if everything in it has expired.
    #[must_use]
    pub fn get(&self, aor: &Aor<'_>) -> Option<Record> {
        let hash = self.hash(aor);
        self.shard(hash).lock().find(hash, aor).cloned()
    }

    /// The record of an address; `None` if it has no binding that has not expired.
    #[must_use]
    pub fn lookup(&self, aor: &Aor<'_>, now: Now) -> Option<Record> {
        self.get(aor).filter(|record| record.live(now.at).next().is_some())
    }

    /// How many parts there are, each with a lock of its own.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.shards.len()
    }

    /// All records of a part, as they stand at one moment.
    #[must_use]
    pub fn part(&self, place: usize) -> Vec<Record> {
        self.shards.get(place).map_or_else(Vec::new, |shard| shard.lock().table.iter().cloned().collect())
    }

    pub(super) fn hash(&self, aor: &Aor<'_>) -> u64 {
        self.keys.hash_one(aor.as_bytes())
    }

    /// The part of addresses with this hash.
    pub(super) fn place(&self, hash: u64) -> usize {
        // The table within a shard uses the lowest and the highest bits.
        (hash >> 32) as usize & (self.shards.len() - 1)
    }

    pub(super) fn shard(&self, hash: u64) -> &Mutex<Shard> {
        #[expect(clippy::indexing_slicing, reason = "a power of two of shards, masked")]
        &self.shards[self.place(hash)]
    }

    /// Counts bindings that come and go, however many there are then.
    pub(super) fn recount(&self, before: usize, after: usize) {
        if after > before {
            self.bindings.fetch_add(after - before, Ordering::Relaxed);
        } else if before > after {
            self.bindings.fetch_sub(before - after, Ordering::Relaxed);
        }
    }

    /// Counts bindings that come and go; refuses those that come beyond the limit.
    fn count(&self, before: usize, after: usize) -> Result<(), StoreError> {
        if after > before {
            let most = self.max_bindings.load(Ordering::Relaxed);
            let more = |bindings: usize| bindings.checked_add(after - before).filter(|&sum| sum <= most);
            let counted = self.bindings.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
            return counted.map(drop).map_err(|_| StoreError::Full);
        }
        self.recount(before, after);
        Ok(())
    }

    /// Notes and makes a change, and gives the record that stood at the spot.
    fn replace(
        &self,
        shard: &mut Shard,
        spot: Option<Spot>,
        hash: u64,
        aor: &Aor<'_>,
        after: Option<Record>,
        now: Now,
    ) -> Result<(J::Entry, Option<Record>), StoreError> {
        let before = shard.at(spot);
        let (from, to) = (before.map_or(0, Record::len), after.as_ref().map_or(0, Record::len));
        self.count(from, to)?;
        let noted = self.journal.note(aor, before, after.as_ref()).inspect_err(|_| {
            self.bindings.fetch_add(from, Ordering::Relaxed);
            self.bindings.fetch_sub(to, Ordering::Relaxed);
        })?;
        Ok((noted, shard.replace_at(spot, hash, after, now.at, |aor| self.hash(aor))))
    }

    /// Carries out a request; see [`LocationService::register`](super::LocationService::register).
    ///
    /// # Errors
    /// Why it was not carried out. Nothing was changed.
    pub fn register(&self, aor: &Aor<'_>, plan: &Plan<'_>, now: Now) -> Result<Done<J>, RegisterError> {
        let hash = self.hash(aor);
        let mut shard = self.shard(hash).lock();
        let spot = shard.spot(hash, aor);
        let current = shard.at(spot);
        let changes = decide(current, plan, now)?;
        if changes.is_read_only() {
            let before = current.cloned();
            return Ok((Registered { effect: changes.effect(), after: before.clone(), before }, None));
        }
        let after = with_scratch(|scratch| changes.apply(aor, current, plan, now, scratch))?;
        let (noted, before) = self.replace(&mut shard, spot, hash, aor, after.clone(), now)?;
        drop(shard);
        Ok((Registered { effect: changes.effect(), before, after }, Some(noted)))
    }

    /// Removes bindings on behalf of the operator.
    ///
    /// # Errors
    /// The journal can note nothing. Nothing was changed.
    pub fn remove(&self, aor: &Aor<'_>, which: Removal<'_>, now: Now) -> Result<Done<J>, StoreError> {
        let hash = self.hash(aor);
        let mut shard = self.shard(hash).lock();
        let spot = shard.spot(hash, aor);
        let Some(before) = shard.at(spot) else {
            return Ok((Registered { effect: Effect::Removed, before: None, after: None }, None));
        };
        let stays = |binding: &Binding<'_>| match which {
            Removal::All => false,
            Removal::Contact(uri) => !binding.parsed_uri().is_some_and(|stored| equivalent(&stored, &uri)),
        };
        if before.live(now.at).all(|binding| stays(&binding)) {
            let before = Some(before.clone());
            return Ok((Registered { effect: Effect::Removed, after: before.clone(), before }, None));
        }
        let after = filtered(before, |binding| binding.is_live(now.at) && stays(binding))?;
        let (noted, before) = self.replace(&mut shard, spot, hash, aor, after.clone(), now)?;
        drop(shard);
        Ok((Registered { effect: Effect::Removed, before, after }, Some(noted)))
    }

    /// Makes suspect what lived by a connection; see [`LocationService::flow_lost`](super::LocationService::flow_lost).
    ///
    /// Like an expiry it is not noted: after a restart no connection is there, whatever was written down. So a thousand
    /// connections that end together cost the disk nothing, and a disk that is full hides no end.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn flow_lost(&self, aor: &Aor<'_>, flow: Flow, until: Timestamp, now: Now) -> Result<Registered, StoreError> {
        let hash = self.hash(aor);
        let mut shard = self.shard(hash).lock();
        let spot = shard.spot(hash, aor);
        let current = shard.at(spot);
        let lives_by_it = |record: &Record| record.live(now.at).any(|binding| binding.lives_by() == Some(flow));
        let Some(current) = current.filter(|record| lives_by_it(record)) else {
            let before = current.cloned();
            return Ok(Registered { effect: Effect::Lost, after: before.clone(), before });
        };
        let after = Some(without_flow(current, flow, until)?);
        let before = shard.replace_at(spot, hash, after.clone(), now.at, |aor| self.hash(aor));
        drop(shard);
        Ok(Registered { effect: Effect::Lost, before, after })
    }

    /// A part of all records; see [`LocationService::scan`](super::LocationService::scan).
    ///
    /// Part by part, and in each by the hashes of addresses. The cursor is a part and the last address seen.
    #[must_use]
    pub fn scan(&self, after: Option<&[u8]>, limit: usize) -> Page {
        let limit = limit.max(1);
        let (mut place, mut above) = match after.and_then(|cursor| cursor.split_first_chunk::<4>()) {
            Some((place, aor)) => (u32::from_be_bytes(*place), Some((self.hash(&Aor::from_canonical(aor)), aor))),
            None => (0, None),
        };
        let mut records: Vec<Record> = Vec::new();
        while let Some(shard) = self.shards.get(place as usize) {
            let room = limit - records.len();
            {
                let shard = shard.lock();
                let all = shard.table.iter().map(|record| {
                    let aor = record.aor();
                    ((self.hash(&aor), aor.as_bytes()), record)
                });
                let mut found: Vec<_> = all.filter(|(key, _)| above.is_none_or(|above| *key > above)).collect();
                if found.len() > room {
                    found.select_nth_unstable_by_key(room, |(key, _)| *key);
                    found.truncate(room);
                }
                found.sort_unstable_by_key(|(key, _)| *key);
                records.extend(found.into_iter().map(|(_, record)| record.clone()));
            }
            if let Some(last) = records.last().filter(|_| records.len() >= limit) {
                let next = Some([&place.to_be_bytes(), last.aor().as_bytes()].concat());
                return Page { records, next };
            }
            (place, above) = (place + 1, None);
        }
        Page { records, next: None }
    }

    /// Removes what has expired; see [`LocationService::sweep`](super::LocationService::sweep).
    pub fn sweep(
        &self,
        now: Now,
        share: Share,
        budget: usize,
        expired: &mut dyn FnMut(&Record, Option<&Record>),
    ) -> usize {
        let mut used = 0;
        for shard in self.shards.iter().skip(share.index).step_by(share.of.max(1)) {
            if used >= budget {
                break;
            }
            used += self.sweep_shard(shard, now.at, budget - used, expired);
        }
        used
    }

    /// Works on one shard until the budget is used up or nothing is due.
    fn sweep_shard(
        &self,
        shard: &Mutex<Shard>,
        now: Timestamp,
        budget: usize,
        expired: &mut dyn FnMut(&Record, Option<&Record>),
    ) -> usize {
        /// Looked at in one go under the lock.
        const AT_ONCE: usize = 64;
        let mut looked_at = 0;
        let mut gone: Vec<(Record, Option<Record>)> = Vec::new();
        loop {
            let mut more = true;
            {
                let mut shard = shard.lock();
                for _ in 0..AT_ONCE {
                    if looked_at >= budget {
                        more = false;
                        break;
                    }
                    let Due::Record(hash) = shard.due(now) else {
                        more = false;
                        break;
                    };
                    looked_at += 1;
                    let rest = |record: &Record| filtered(record, |binding| binding.is_live(now)).ok().flatten();
                    shard.expire(hash, now, |aor| self.hash(aor), rest, |before, after| gone.push((before, after)));
                }
            }
            // Told and freed without the lock.
            for (before, after) in gone.drain(..) {
                let fewer = before.len() - after.as_ref().map_or(0, Record::len);
                self.bindings.fetch_sub(fewer, Ordering::Relaxed);
                expired(&before, after.as_ref());
            }
            if !more {
                return looked_at;
            }
        }
    }
}

/// The record with only the bindings of which `stays` says yes; `None` if there is none.
fn filtered(record: &Record, stays: impl Fn(&Binding<'_>) -> bool) -> Result<Option<Record>, StoreError> {
    with_scratch(|scratch| record.only(stays, scratch)).map_err(|_| StoreError::Damaged)
}

/// The next version of the record, in which what lived by `flow` is suspect, and ends at `until` at the latest.
fn without_flow(record: &Record, flow: Flow, until: Timestamp) -> Result<Record, StoreError> {
    with_scratch(|scratch| {
        let mut builder = RecordBuilder::new(scratch, &record.aor(), record.version() + 1);
        for binding in record.bindings() {
            builder.push(&if binding.lives_by() == Some(flow) { binding.lost(until) } else { binding });
        }
        builder.finish().map_err(|_| StoreError::Damaged)
    })
}

#[cfg(test)]
mod tests;
