//! How the last requests ended: for each address, and the refusals of all.

mod kept;
mod recent;
mod story;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use parking_lot::Mutex;
use registrar_api as api;
use sip_dispatch::{Outcome, Reason};
use sip_message::header::To;
use sip_registrar::{Aor, Observer, Record, reason};
use sip_transport::Now;

use crate::changes::{self, Change};
use kept::{Kept, Seen};
use recent::Recent;
use story::Story;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryConfig {
    /// Addresses that have registered since they are known, at most.
    pub addresses: usize,
    /// Addresses that were only refused, at most: strangers cannot push phones out.
    pub strangers: usize,
}

impl Default for HistoryConfig {
    /// 100,000 addresses, and 10,000 strangers.
    fn default() -> Self {
        Self { addresses: 100_000, strangers: 10_000 }
    }
}

/// Refusals of all together.
const REFUSALS: usize = 1000;

/// Parts, each with a lock of its own, so that workers seldom meet.
const SHARDS: usize = 16;

/// What becomes of bindings without a request of their phones.
const WITHOUT_REQUEST: [Reason; 5] =
    [reason::EXPIRED, reason::SUSPECT, reason::LOST, reason::ADDED_BY_OPERATOR, reason::REMOVED_BY_OPERATOR];

/// How the last requests, and bindings, ended. All that is kept is bounded.
pub struct History {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    refusals: Mutex<VecDeque<Kept>>,
}

struct Shard {
    phones: Recent<Story>,
    strangers: Recent<Story>,
}

impl History {
    /// An empty one.
    #[must_use]
    pub fn new(config: HistoryConfig) -> Self {
        let shard = |_| {
            Mutex::new(Shard {
                phones: Recent::new(config.addresses / SHARDS),
                strangers: Recent::new(config.strangers / SHARDS),
            })
        };
        let shards = (0..SHARDS).map(shard).collect();
        Self { shards, hasher: RandomState::new(), refusals: Mutex::default() }
    }

    /// Takes up how a request ended. What ended like the one before is counted with it.
    pub fn outcome(&self, outcome: &Outcome<'_>) {
        let seen = Seen::of(outcome);
        with_buffer(|buffer| {
            let to = outcome.message.header::<To<'_>>().ok().flatten();
            let aor = to.and_then(|to| Aor::from_uri(&to.0.uri, buffer).ok());
            if is_refusal(outcome) {
                self.refuse(&seen, aor.as_ref());
            }
            if let Some(aor) = aor {
                let registers = outcome.status.is_some_and(|status| (200..300).contains(&status.code()))
                    && outcome.method == sip_message::Method::Register;
                self.of_address(&aor, &seen, registers);
            }
        });
    }

    fn of_address(&self, aor: &Aor<'_>, seen: &Seen<'_>, registers: bool) {
        let (Some((shard, hash)), key) = (self.shard(aor), aor.as_bytes()) else { return };
        let Shard { phones, strangers } = &mut *shard.lock();
        if let Some(story) = phones.get(hash, key) {
            return if registers { story.succeed(seen) } else { story.add(seen) };
        }
        if registers {
            let story = strangers.remove(hash, key).map(|mut story| {
                story.succeed(seen);
                story
            });
            phones.insert(hash, key, story.unwrap_or_else(|| Story::of(seen)));
        } else {
            match strangers.get(hash, key) {
                Some(story) => story.add(seen),
                None => strangers.insert(hash, key, Story::of(seen)),
            }
        }
    }

    fn refuse(&self, seen: &Seen<'_>, aor: Option<&Aor<'_>>) {
        let mut refusals = self.refusals.lock();
        if let Some(before) = refusals.front_mut()
            && before.is_like(seen, aor)
        {
            before.again(seen, aor);
            return;
        }
        if refusals.len() >= REFUSALS {
            refusals.pop_back();
        }
        refusals.push_front(Kept::new(seen, aor));
    }

    /// How the last requests for an address ended, the newest first.
    #[must_use]
    pub fn of(&self, aor: &Aor<'_>) -> Vec<api::Outcome> {
        let (Some((shard, hash)), key) = (self.shard(aor), aor.as_bytes()) else { return Vec::new() };
        let Shard { phones, strangers } = &mut *shard.lock();
        let story = phones.get(hash, key).or_else(|| strangers.get(hash, key));
        story.map(|story| story.iter().map(|kept| kept.tell(Some(aor))).collect()).unwrap_or_default()
    }

    /// The last refusals of all, the newest first.
    #[must_use]
    pub fn refusals(&self) -> Vec<api::Outcome> {
        self.refusals.lock().iter().map(|kept| kept.tell(None)).collect()
    }

    /// What is kept of an address that has registered since it is known.
    fn add(&self, aor: &Aor<'_>, seen: &Seen<'_>) {
        let Some((shard, hash)) = self.shard(aor) else { return };
        if let Some(story) = shard.lock().phones.get(hash, aor.as_bytes()) {
            story.add(seen);
        }
    }

    fn shard(&self, aor: &Aor<'_>) -> Option<(&Mutex<Shard>, u64)> {
        let hash = self.hasher.hash_one(aor.as_bytes());
        Some((self.shards.get((hash >> 32) as usize % SHARDS)?, hash))
    }
}

/// Bindings that no request has made or ended.
impl Observer for History {
    fn changed(&self, aor: &Aor<'_>, before: Option<&Record>, after: Option<&Record>, why: Reason, now: Now) {
        // A request that has ended nothing by the way: the usual case.
        let has_expired = before.and_then(Record::earliest_expiry).is_some_and(|earliest| earliest <= now.at);
        if !has_expired && !WITHOUT_REQUEST.contains(&why) {
            return;
        }
        changes::each(before, after, why, now, |Change { why, binding, .. }| {
            if WITHOUT_REQUEST.contains(&why) {
                self.add(aor, &Seen::of_binding(binding, why, now));
            }
        });
    }
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History").finish_non_exhaustive()
    }
}

/// Whether it is worth an operator's look: a challenge is part of every registration.
pub(crate) fn is_refusal(outcome: &Outcome<'_>) -> bool {
    outcome.status.is_none_or(|status| status.code() >= 400)
        && outcome.reason != reason::NO_CREDENTIALS
        && outcome.reason != reason::STALE_NONCE
}

/// A buffer of this thread's own: what ends like the outcome before shall take no memory.
fn with_buffer<T>(use_it: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => use_it(&mut buffer),
        Err(_) => use_it(&mut Vec::new()),
    })
}

#[cfg(test)]
mod tests {
    use sip_registrar::testing::{register, wait, with_aor};
    use sip_registrar::{Limits, MemoryLocation};

    use super::*;

    fn codes(history: &History) -> Vec<String> {
        with_aor("alice", |aor| history.of(aor)).into_iter().map(|outcome| outcome.reason).collect()
    }

    #[test]
    fn a_request_tells_of_bindings_that_have_expired_meanwhile_and_of_no_others() {
        let (history, table) = (History::new(HistoryConfig::default()), MemoryLocation::default());
        let mut cseq = 0;
        let mut register = |contact: &str, expires: u32, second: u64| {
            cseq += 1;
            let (limits, now) = (Limits::default(), Now::from_millis(second * 1000));
            let done = register(&table, limits, "alice", ("call", cseq), &[(contact, expires)], now);
            let done = wait(done).unwrap();
            let after = done.after.unwrap();
            let binding = after.bindings().next().unwrap();
            with_aor("alice", |aor| {
                // What ends without a request is told of addresses that are known.
                history.of_address(aor, &Seen::of_binding(&binding, reason::REFRESHED, now), true);
                history.changed(aor, done.before.as_ref(), Some(&after), reason::REFRESHED, now);
            });
        };
        register("sip:a@h", 60, 1);
        register("sip:b@h", 3600, 2);
        register("sip:b@h", 3600, 3);
        assert_eq!(codes(&history), ["refreshed"]);
        register("sip:b@h", 3600, 100);
        assert_eq!(codes(&history), ["expired", "refreshed"]);
    }

    #[test]
    fn of_an_address_the_last_eight_are_kept_and_those_alike_are_one() {
        let (history, table) = (History::new(HistoryConfig::default()), MemoryLocation::default());
        let now = Now::from_millis(1000);
        let done = wait(register(&table, Limits::default(), "alice", ("call", 1), &[("sip:a@h", 60)], now)).unwrap();
        let after = done.after.unwrap();
        let binding = after.bindings().next().unwrap();
        let reasons = [reason::REFRESHED, reason::LOST, reason::LOST];
        for why in reasons.into_iter().cycle().take(60) {
            with_aor("alice", |aor| history.of_address(aor, &Seen::of_binding(&binding, why, now), true));
        }
        assert_eq!(codes(&history), ["lost", "refreshed"].repeat(4));
        let counts = with_aor("alice", |aor| history.of(aor)).into_iter().map(|outcome| outcome.count);
        assert_eq!(counts.collect::<Vec<_>>(), [2, 1].repeat(4));
        let aors = with_aor("alice", |aor| history.of(aor)).into_iter().map(|outcome| outcome.aor);
        assert!(aors.into_iter().all(|aor| aor.as_deref() == Some("sip:alice@example.com")));
    }
}
