//! How far each nonce has been used, so that nothing that was captured can be sent again (RFC 7616 §3.4, §5.12).
//!
//! Only right answers to fresh nonces get here, so nobody fills the table without a password. It has two generations:
//! the older is forgotten as a whole when all its nonces are too old, or earlier if the younger is full. In the second
//! case what was forgotten is still not believed: the table keeps the time of the newest nonce it has forgotten, and
//! takes no unknown nonce that is as old. So it is bounded, and nothing passes twice.
//!
//! Nonces are numbered as they are made, and most are answered at once: those with neighbouring numbers are used at
//! about the same time. So they stand side by side, and of eight that are new to the table one waits for memory.

use std::hash::RandomState;
use std::sync::OnceLock;

use hashbrown::{HashMap, HashTable};
use parking_lot::Mutex;
use sip_transport::Timestamp;

use super::nonce::{Nonce, SKEW, seconds};

/// So many parts at most, each with a lock of its own.
const SHARDS: usize = 64;
/// Nonces whose numbers differ in their last digit, to this base, stand side by side.
const SIDE_BY_SIDE: usize = 8;

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
    /// Nonces of a generation of a shard.
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
    rows: HashTable<Row>,
    /// What those serve for that were used [without a count](Use::For), by their serials.
    purposes: HashMap<u64, u64, RandomState>,
    /// How many nonces it knows.
    len: usize,
    /// When its newest nonce was made.
    newest: u32,
}

/// Nonces side by side.
struct Row {
    /// Their serials without the last digit.
    number: u64,
    /// The last count of each: 0 if it is not known here, [`WITHOUT_COUNT`] if it was used without one.
    counts: [u32; SIDE_BY_SIDE],
}

/// A count that none follows.
const WITHOUT_COUNT: u32 = u32::MAX;

impl Uses {
    /// Room for some `entries` nonces, each of which lives for `life` seconds. Where others share the secret of the
    /// nonces, or a process before this one had it, those that others made before the first is used here, or in the
    /// same second, are not believed: they may have been used elsewhere.
    pub(crate) fn new(entries: usize, life: u32, shared: bool) -> Self {
        // A generation has room for some rows: a few of them side by side do not fill one part while others are empty.
        let shards: Box<[_]> = (0..(entries / SIDE_BY_SIDE / 16).clamp(1, SHARDS)).map(|_| Mutex::default()).collect();
        let most = (entries / shards.len() / 2).max(1);
        let began = if shared { OnceLock::new() } else { OnceLock::from(0) };
        Self { shards, period: life.saturating_add(SKEW).saturating_add(1), most, began }
    }

    /// Uses a nonce, and says whether it may be used so.
    pub(crate) fn admit(&self, nonce: Nonce, wanted: Use, now: Timestamp) -> bool {
        let (number, _) = Row::place(nonce.serial);
        let Some(shard) = self.shards.get(number as usize % self.shards.len()) else { return false };
        let began = *self.began.get_or_init(|| seconds(now));
        let mut shard = shard.lock();
        shard.age(seconds(now), self.period);
        if let Some(known) = shard.young.last_use(nonce.serial) {
            let admitted = follows(known, wanted);
            if admitted {
                shard.young.note(nonce.serial, wanted);
            }
            return admitted;
        }
        let admitted = match shard.old.last_use(nonce.serial) {
            Some(known) => follows(known, wanted),
            None => nonce.made > shard.floor && (nonce.own || nonce.made > began),
        };
        if !admitted {
            return false;
        }
        if shard.young.len >= self.most {
            let forgotten = shard.turn(seconds(now));
            shard.floor = shard.floor.max(forgotten);
        }
        shard.young.note(nonce.serial, wanted);
        shard.young.len += 1;
        shard.young.newest = shard.young.newest.max(nonce.made);
        true
    }

    /// Bytes that its tables take.
    #[cfg(test)]
    fn size(&self) -> usize {
        let size = |of: &Generation| of.rows.allocation_size() + of.purposes.allocation_size();
        self.shards.iter().map(|shard| shard.lock()).map(|shard| size(&shard.young) + size(&shard.old)).sum()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock()).map(|shard| shard.young.len + shard.old.len).sum()
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

impl Generation {
    /// How a nonce was used last, if it is known.
    fn last_use(&self, serial: u64) -> Option<Use> {
        let (number, at) = Row::place(serial);
        let row = self.rows.find(Row::hash(number), |row| row.number == number)?;
        match row.counts.get(at) {
            None | Some(0) => None,
            Some(&WITHOUT_COUNT) => {
                Some(self.purposes.get(&serial).map_or(Use::Counted(WITHOUT_COUNT), |p| Use::For(*p)))
            }
            Some(count) => Some(Use::Counted(*count)),
        }
    }

    /// Notes how a nonce was used.
    fn note(&mut self, serial: u64, how: Use) {
        let count = match how {
            // 0 would be nothing; nobody counts from there.
            Use::Counted(count) => count.max(1),
            Use::For(purpose) => {
                self.purposes.insert(serial, purpose);
                WITHOUT_COUNT
            }
        };
        let (number, at) = Row::place(serial);
        let row = self.rows.entry(Row::hash(number), |row| row.number == number, |row| Row::hash(row.number));
        let mut row = row.or_insert_with(|| Row { number, counts: [0; SIDE_BY_SIDE] });
        if let Some(place) = row.get_mut().counts.get_mut(at) {
            *place = count;
        }
    }
}

impl Row {
    /// The number of a nonce's row, and its place there.
    fn place(serial: u64) -> (u64, usize) {
        (serial / SIDE_BY_SIDE as u64, serial as usize % SIDE_BY_SIDE)
    }

    /// Nobody chooses a serial whose nonce is signed, so no secret is needed.
    fn hash(number: u64) -> u64 {
        // The golden ratio: neighbours are far apart, and both ends of the product depend on all of the number.
        let product = u128::from(number) * 0x9e37_79b9_7f4a_7c15;
        (product >> 64) as u64 ^ product as u64
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
    fn the_highest_count_is_not_taken_for_a_use_without_one() {
        let uses = Uses::new(1000, LIFE, false);
        let admit = |serial, wanted| uses.admit(nonce(serial, START), wanted, at(START));
        assert!(admit(7, Use::Counted(u32::MAX)) && !admit(7, Use::For(0)) && !admit(7, Use::Counted(u32::MAX)));
        assert!(admit(8, Use::For(0)) && !admit(8, Use::Counted(u32::MAX)) && admit(8, Use::For(0)));
    }

    #[test]
    fn what_a_use_without_a_count_serves_for_is_known_when_it_has_grown_old() {
        let uses = Uses::new(1000, LIFE, false);
        let admit = |purpose, now| uses.admit(nonce(7, START), Use::For(purpose), at(now));
        assert!(admit(1, START));
        let later = START + LIFE + SKEW + 1;
        assert!(!admit(2, later) && admit(1, later) && !admit(2, later));
        assert_eq!(uses.len(), 2, "in both generations");
    }

    #[test]
    fn neighbours_are_told_apart() {
        let uses = Uses::new(1000, LIFE, false);
        let admit = |serial, wanted| uses.admit(nonce(serial, START), wanted, at(START));
        assert!((16..24).all(|serial| admit(serial, Use::Counted(5))));
        assert!((16..24).all(|serial| !admit(serial, Use::Counted(5)) && admit(serial, Use::Counted(6))));
        assert!((24..32).all(|serial| admit(serial, Use::For(serial))));
        assert!((24..32).all(|serial| admit(serial, Use::For(serial)) && !admit(serial, Use::For(serial + 1))));
        assert_eq!(uses.len(), 16);
    }

    #[test]
    fn those_answered_one_after_the_other_take_12_bytes_each_and_others_94_and_without_a_count_39_more() {
        let (counted, without) = (Use::Counted(1), Use::For(1));
        for (apart, how, most) in [
            (1, counted, 12),
            (SIDE_BY_SIDE as u64, counted, 94),
            (1, without, 51),
            (SIDE_BY_SIDE as u64, without, 133),
        ] {
            // A part is full with 448 rows, and has grown with one more.
            for rows in [448, 449] {
                let uses = Uses::new(10_000_000, LIFE, false);
                let nonces = (rows * SHARDS * SIDE_BY_SIDE) as u64 / apart;
                assert!((0..nonces).all(|n| uses.admit(nonce(n * apart, START), how, at(START))));
                let each = uses.size().div_ceil(uses.len());
                assert!((most / 2..=most).contains(&each), "{how:?}, {rows} rows, {apart} apart: {each} bytes each");
            }
        }
    }

    #[test]
    fn what_is_too_old_is_forgotten() {
        let uses = Uses::new(1000, LIFE, false);
        for serial in 0..100 {
            assert!(uses.admit(nonce(serial, START), Use::Counted(1), at(START)));
        }
        // Each shard is tidied when it is used next.
        for row in 1000..1000 + SHARDS as u64 {
            let serial = row * SIDE_BY_SIDE as u64;
            assert!(uses.admit(nonce(serial, START + 300), Use::Counted(1), at(START + 300)));
        }
        assert_eq!(uses.len(), SHARDS);
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
                prop_assert!(uses.len() <= entries);
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
