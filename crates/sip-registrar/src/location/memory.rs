//! The table in memory.

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use sip_dispatch::{Answer, Share};
use sip_message::uri::equivalent;
use sip_transport::{Now, Timestamp};

use super::shard::{Due, Shard};
use super::{Effect, LocationService, Page, RegisterError, Registered, Removal, StoreError};
use crate::decide::decide;
use crate::record::{Binding, Record, RecordBuilder};
use crate::{Aor, Plan};

/// How the table is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryConfig {
    /// How many bindings it may hold; beyond that new ones are answered 503.
    pub max_bindings: usize,
    /// Parts with a lock of their own; rounded up to a power of two.
    pub shards: usize,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self { max_bindings: 10_000_000, shards: 256 }
    }
}

/// A table in memory: gone when the process is, and as fast as memory.
///
/// Parts and places are chosen by a keyed hash (SipHash), so that nobody can choose addresses that meet in one place.
/// A lock is held for [`decide`] and while the new record is made; never while something is rendered, sent or told.
#[derive(Debug)]
pub struct MemoryLocation {
    shards: Box<[Mutex<Shard>]>,
    keys: RandomState,
    bindings: AtomicUsize,
    max_bindings: usize,
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

impl Default for MemoryLocation {
    fn default() -> Self {
        Self::new(MemoryConfig::default())
    }
}

impl MemoryLocation {
    /// An empty table.
    #[must_use]
    pub fn new(config: MemoryConfig) -> Self {
        let shards = (0..config.shards.clamp(1, 1 << 16).next_power_of_two()).map(|_| Mutex::new(Shard::new()));
        Self {
            shards: shards.collect(),
            keys: RandomState::new(),
            bindings: AtomicUsize::new(0),
            max_bindings: config.max_bindings,
        }
    }

    /// How many bindings there are, those included that have expired and were not swept yet.
    #[must_use]
    pub fn bindings(&self) -> usize {
        self.bindings.load(Ordering::Relaxed)
    }

    /// Puts a record in place of the one of its address, as when a table is loaded.
    ///
    /// # Errors
    /// The table is full.
    pub fn insert(&self, record: Record, now: Now) -> Result<(), StoreError> {
        let hash = self.hash(&record.aor());
        let mut shard = self.shard(hash).lock();
        let before = shard.find(hash, &record.aor()).map_or(0, |slot| slot.record.len());
        self.count(before, record.len())?;
        let key = record.clone();
        shard.replace(hash, &key.aor(), Some(record), now.at, |aor| self.hash(aor));
        Ok(())
    }

    fn hash(&self, aor: &Aor<'_>) -> u64 {
        self.keys.hash_one(aor.as_bytes())
    }

    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        // The table within a shard uses the lowest and the highest bits.
        let place = (hash >> 32) as usize & (self.shards.len() - 1);
        #[expect(clippy::indexing_slicing, reason = "a power of two of shards, masked")]
        &self.shards[place]
    }

    /// Counts bindings that come and go; refuses those that come beyond the limit.
    fn count(&self, before: usize, after: usize) -> Result<(), StoreError> {
        if after > before {
            let more = |bindings: usize| bindings.checked_add(after - before).filter(|&sum| sum <= self.max_bindings);
            let counted = self.bindings.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
            return counted.map(drop).map_err(|_| StoreError::Full);
        }
        if before > after {
            self.bindings.fetch_sub(before - after, Ordering::Relaxed);
        }
        Ok(())
    }

    fn register_now(&self, aor: &Aor<'_>, plan: &Plan<'_>, now: Now) -> Result<Registered, RegisterError> {
        let hash = self.hash(aor);
        let mut shard = self.shard(hash).lock();
        let before = shard.find(hash, aor).map(|slot| slot.record.clone());
        let changes = decide(before.as_ref(), plan, now)?;
        if changes.is_read_only() {
            return Ok(Registered { effect: changes.effect(), after: before.clone(), before });
        }
        let after = with_scratch(|scratch| changes.apply(aor, before.as_ref(), plan, now, scratch))?;
        self.count(before.as_ref().map_or(0, Record::len), after.as_ref().map_or(0, Record::len))?;
        shard.replace(hash, aor, after.clone(), now.at, |aor| self.hash(aor));
        drop(shard);
        Ok(Registered { effect: changes.effect(), before, after })
    }

    fn remove_now(&self, aor: &Aor<'_>, which: Removal<'_>, now: Now) -> Result<Registered, StoreError> {
        let hash = self.hash(aor);
        let mut shard = self.shard(hash).lock();
        let Some(before) = shard.find(hash, aor).map(|slot| slot.record.clone()) else {
            return Ok(Registered { effect: Effect::Removed, before: None, after: None });
        };
        let stays = |binding: &Binding<'_>| match which {
            Removal::All => false,
            Removal::Contact(uri) => !binding.parsed_uri().is_some_and(|stored| equivalent(&stored, &uri)),
        };
        if before.live(now.at).all(|binding| stays(&binding)) {
            return Ok(Registered { effect: Effect::Removed, after: Some(before.clone()), before: Some(before) });
        }
        let after = filtered(&before, |binding| binding.is_live(now.at) && stays(binding))?;
        self.count(before.len(), after.as_ref().map_or(0, Record::len))?;
        shard.replace(hash, aor, after.clone(), now.at, |aor| self.hash(aor));
        drop(shard);
        Ok(Registered { effect: Effect::Removed, before: Some(before), after })
    }

    /// Part by part, and in each by the hashes of addresses. The cursor is a part and the last address seen.
    fn scan_now(&self, after: Option<&[u8]>, limit: usize) -> Page {
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
                let all = shard.table.iter().map(|slot| {
                    let aor = slot.record.aor();
                    ((self.hash(&aor), aor.as_bytes()), &slot.record)
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
    with_scratch(|scratch| {
        let mut builder = RecordBuilder::new(scratch, &record.aor(), record.version() + 1);
        let mut any = false;
        for binding in record.bindings().filter(stays) {
            builder.push(&binding);
            any = true;
        }
        if any { builder.finish().map(Some).map_err(|_| StoreError::Damaged) } else { Ok(None) }
    })
}

impl LocationService for MemoryLocation {
    fn register(&self, aor: &Aor<'_>, plan: &Plan<'_>, now: Now) -> Answer<Result<Registered, RegisterError>> {
        Answer::Now(self.register_now(aor, plan, now))
    }

    fn lookup(&self, aor: &Aor<'_>, now: Now) -> Answer<Result<Option<Record>, StoreError>> {
        let hash = self.hash(aor);
        let found = self.shard(hash).lock().find(hash, aor).map(|slot| slot.record.clone());
        Answer::Now(Ok(found.filter(|record| record.live(now.at).next().is_some())))
    }

    fn remove(&self, aor: &Aor<'_>, which: Removal<'_>, now: Now) -> Answer<Result<Registered, StoreError>> {
        Answer::Now(self.remove_now(aor, which, now))
    }

    fn scan(&self, after: Option<&[u8]>, limit: usize) -> Answer<Result<Page, StoreError>> {
        Answer::Now(Ok(self.scan_now(after, limit)))
    }

    fn sweep(&self, now: Now, share: Share, budget: usize, expired: &mut dyn FnMut(&Record, Option<&Record>)) -> usize {
        let mut used = 0;
        for shard in self.shards.iter().skip(share.index).step_by(share.of.max(1)) {
            if used >= budget {
                break;
            }
            used += self.sweep_shard(shard, now.at, budget - used, expired);
        }
        used
    }
}

#[cfg(test)]
mod tests;
