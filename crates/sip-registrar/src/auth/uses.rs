//! How far each nonce has been used, so that nothing that was captured can be sent again (RFC 7616 §3.4, §5.12).
//!
//! Only right answers to fresh nonces get here, so nobody fills the table without a password. It has two generations:
//! the older is forgotten as a whole when all its nonces are too old, or earlier if the younger is full. In the second
//! case what was forgotten is still not believed: the table keeps the time of the newest nonce it has forgotten, and
//! takes no unknown nonce that is as old. So it is bounded, and nothing passes twice.

use std::hash::RandomState;
use std::sync::OnceLock;

use hashbrown::HashMap;
use parking_lot::Mutex;
use sip_transport::Timestamp;

use super::nonce::{Nonce, SKEW, seconds};

const SHARDS: usize = 64;

/// How an answer uses its nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// With a count, which must rise from request to request.
    Counted(u32),
    /// Without one: for this and for nothing else.
    For(u64),
}

/// The nonces in use.
pub(crate) struct Uses {
    shards: Box<[Mutex<Shard>]>,
    /// Seconds after which a generation is old.
    period: u32,
    /// Entries of a generation of a shard.
    most: usize,
    /// Others' nonces that were made then or before are not believed, in seconds.
    began: OnceLock<u32>,
}

#[derive(Default)]
struct Shard {
    young: Generation,
    old: Generation,
    /// When the young generation began, in seconds.
    began: u32,
    /// Unknown nonces that were made then or before are not believed; 0: all are.
    floor: u32,
}

#[derive(Default)]
struct Generation {
    uses: HashMap<u64, Use, RandomState>,
    /// When its newest nonce was made.
    newest: u32,
}

impl Uses {
    /// Room for some `entries` nonces, each of which lives for `life` seconds. Where others share the secret of the
    /// nonces, or a process before this one had it, those that others made before the first is used here, or in the
    /// same second, are not believed: they may have been used elsewhere.
    pub(crate) fn new(entries: usize, life: u32, shared: bool) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let most = (entries / SHARDS / 2).max(1);
        let began = if shared { OnceLock::new() } else { OnceLock::from(0) };
        Self { shards, period: life.saturating_add(SKEW).saturating_add(1), most, began }
    }

    /// Uses a nonce, and says whether it may be used so.
    pub(crate) fn admit(&self, nonce: Nonce, wanted: Use, now: Timestamp) -> bool {
        let Some(shard) = self.shards.get(nonce.serial as usize % SHARDS) else { return false };
        let began = *self.began.get_or_init(|| seconds(now));
        let mut shard = shard.lock();
        shard.age(seconds(now), self.period);
        if let Some(known) = shard.young.uses.get_mut(&nonce.serial) {
            let admitted = follows(*known, wanted);
            if admitted {
                *known = wanted;
            }
            return admitted;
        }
        let admitted = match shard.old.uses.get(&nonce.serial) {
            Some(known) => follows(*known, wanted),
            None => nonce.made > shard.floor && (nonce.own || nonce.made > began),
        };
        if !admitted {
            return false;
        }
        if shard.young.uses.len() >= self.most {
            let forgotten = shard.turn(seconds(now));
            shard.floor = shard.floor.max(forgotten);
        }
        shard.young.uses.insert(nonce.serial, wanted);
        shard.young.newest = shard.young.newest.max(nonce.made);
        true
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock()).map(|shard| shard.young.uses.len() + shard.old.uses.len()).sum()
    }
}

/// Whether a nonce that was used as `known` may be used as `wanted`.
fn follows(known: Use, wanted: Use) -> bool {
    match (known, wanted) {
        (Use::Counted(last), Use::Counted(count)) => count > last,
        (Use::For(before), Use::For(now)) => before == now,
        _ => false,
    }
}

impl Shard {
    /// Forgets what nobody can use any more.
    fn age(&mut self, now: u32, period: u32) {
        match now.saturating_sub(self.began) / period {
            0 => {}
            1 => drop(self.turn(now)),
            _ => {
                self.turn(now);
                self.turn(now);
            }
        }
    }

    /// Makes the young generation the old one, and says when the newest of the nonces was made that were forgotten.
    fn turn(&mut self, now: u32) -> u32 {
        self.began = now;
        std::mem::replace(&mut self.old, std::mem::take(&mut self.young)).newest
    }
}

impl std::fmt::Debug for Uses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Uses").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const START: u32 = 1_700_000_000;
    const LIFE: u32 = 60;

    fn at(seconds: u32) -> Timestamp {
        Timestamp(u64::from(seconds) * 1000)
    }

    fn nonce(serial: u64, made: u32) -> Nonce {
        Nonce { made, serial, own: false }
    }

    #[test]
    fn a_count_may_only_rise() {
        let uses = Uses::new(1000, LIFE, false);
        let admit = |count| uses.admit(nonce(7, START), Use::Counted(count), at(START));
        assert_eq!([1, 1, 2, 5, 4, 5, 6].map(admit), [true, false, true, true, false, false, true]);
        assert!(!uses.admit(nonce(7, START), Use::For(1), at(START)));
    }

    #[test]
    fn without_a_count_it_serves_one_purpose() {
        let uses = Uses::new(1000, LIFE, false);
        let admit = |purpose| uses.admit(nonce(7, START), purpose, at(START));
        assert!(admit(Use::For(1)) && admit(Use::For(1)));
        assert!(!admit(Use::For(2)) && !admit(Use::Counted(1)));
        assert!(admit(Use::For(1)));
    }

    #[test]
    fn what_is_too_old_is_forgotten() {
        let uses = Uses::new(1000, LIFE, false);
        for serial in 0..100 {
            assert!(uses.admit(nonce(serial, START), Use::Counted(1), at(START)));
        }
        // Each shard is tidied when it is used next.
        for serial in 1000..1064 {
            assert!(uses.admit(nonce(serial, START + 300), Use::Counted(1), at(START + 300)));
        }
        assert_eq!(uses.len(), 64);
    }

    #[test]
    fn nonces_of_a_shared_secret_from_before_the_start_are_not_believed() {
        let uses = Uses::new(1000, LIFE, true);
        assert!(!uses.admit(nonce(1, START - 1), Use::Counted(1), at(START)));
        assert!(!uses.admit(nonce(2, START), Use::Counted(1), at(START)));
        assert!(uses.admit(nonce(3, START + 1), Use::Counted(1), at(START + 1)));
        assert!(uses.admit(Nonce { own: true, ..nonce(4, START) }, Use::Counted(1), at(START)));
    }

    proptest! {
        /// However small the table and whatever the clock, no count of a nonce that may still be used passes twice,
        /// and none that is lower than one that has passed; and the table keeps to its bound.
        #[test]
        fn nothing_passes_twice(
            steps in proptest::collection::vec((0u64..200, 1u32..5, 0u32..40), 1..800),
            entries in 128usize..600,
        ) {
            let uses = Uses::new(entries, LIFE, false);
            let mut now = START;
            let mut highest: HashMap<(u64, u32), u32> = HashMap::new();
            for (serial, count, pause) in steps {
                now += pause.saturating_sub(30);
                // A serial is used for one nonce in each span of time, by nodes whose clocks differ a little.
                let made = now - now % 50 + (serial % 40) as u32;
                if now.saturating_sub(made) > LIFE || made.saturating_sub(now) > SKEW {
                    continue;
                }
                let serial = serial + u64::from(made) * 1000;
                let admitted = uses.admit(nonce(serial, made), Use::Counted(count), at(now));
                let last = highest.entry((serial, made)).or_default();
                prop_assert!(!admitted || count > *last, "{serial} {count} after {last}");
                if admitted {
                    *last = count;
                }
                prop_assert!(uses.len() <= entries.max(2 * SHARDS));
            }
        }

        /// A table that is large enough refuses nothing that rises.
        #[test]
        fn what_rises_passes(steps in proptest::collection::vec((0u64..20, 0u32..3), 1..300)) {
            let uses = Uses::new(100_000, LIFE, false);
            let mut now = START;
            let mut counts: HashMap<u64, u32> = HashMap::new();
            for (serial, pause) in steps {
                now += pause;
                let made = now - now % LIFE;
                let serial = serial + u64::from(made) * 1000;
                let count = counts.entry(serial).or_default();
                *count += 1;
                prop_assert!(uses.admit(nonce(serial, made), Use::Counted(*count), at(now)));
            }
        }
    }
}
