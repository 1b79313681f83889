//! Retransmissions, absorbed without timers.
//!
//! Over UDP the only duty of a non-INVITE server transaction after its answer is to repeat it for Timer J = 32 s (RFC
//! 3261 §17.2.2). All lifetimes are equal, so a ring of answers in the order in which they were given is the whole
//! state: the oldest make room for the newest, whether their time is up or not.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use prefetch_index::prefetch_index;
use sip_transport::Timestamp;

use crate::fetch::fetch_bytes;
use crate::transaction::TransactionKey;

/// Timer J: 64 × T1.
const TIMER_J_MS: u64 = 32_000;

/// The ring has a slot for so many bytes: a 200 to a REGISTER is about as long, a 401 a little shorter.
const BYTES_PER_SLOT: usize = 512;

/// Chains for each slot: most have none, so that for a request which comes for the first time no slot has to be read.
const CHAINS_PER_SLOT: usize = 8;

/// What is known of a transaction.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen<'a> {
    /// Nothing.
    Never,
    /// It is being worked on.
    InFlight,
    /// It was answered with these bytes.
    Answered(&'a [u8]),
}

/// Where an answer stands in the ring.
#[derive(Clone, Copy, Debug)]
struct Slot {
    key: TransactionKey,
    offset: u32,
    length: u32,
    /// The one before it in its chain.
    before: Number,
    deadline: Timestamp,
}

/// The place of an answer in the sequence of all answers, without its upper half. The number of one that was dropped long
/// ago may come again, and leads to another answer then: whoever follows a chain compares keys, and goes only backwards.
#[derive(Clone, Copy, Debug)]
struct Number(u32);

/// The transactions of one worker. All memory for answers is taken at the beginning.
#[derive(Debug)]
pub(crate) struct Absorber {
    in_flight: HashSet<TransactionKey, BuildHasherDefault<KeyIsHash>>,
    ring: Box<[u8]>,
    /// The oldest answer first.
    slots: VecDeque<Slot>,
    most_slots: usize,
    /// The newest answer of each chain; a key belongs to one. Nothing is taken out of a chain: where the numbers of dropped
    /// answers begin, it ends.
    chains: Box<[Number]>,
    /// The number of the oldest.
    first: Number,
    /// Where the next answer is written.
    next: usize,
}

impl Absorber {
    /// Room for `bytes` of answers.
    pub(crate) fn new(bytes: usize) -> Self {
        // Places in it have 32 bits.
        let bytes = bytes.min(u32::MAX as usize);
        let most_slots = bytes.div_ceil(BYTES_PER_SLOT);
        let chains = (CHAINS_PER_SLOT * most_slots).next_power_of_two();
        Self {
            in_flight: HashSet::default(),
            ring: vec![0; bytes].into_boxed_slice(),
            slots: VecDeque::with_capacity(most_slots),
            most_slots,
            chains: vec![Number(u32::MAX); chains].into_boxed_slice(),
            first: Number(0),
            next: 0,
        }
    }

    /// Asks memory for what [`find`](Self::find) will read.
    pub(crate) fn fetch(&self, key: TransactionKey) {
        prefetch_index(&self.chains, self.chain(key));
    }

    /// Asks memory for what the next [`answered`](Self::answered) will write, and for the oldest, which make room for it.
    fn fetch_next(&self) {
        fetch_bytes(&self.ring, self.next, BYTES_PER_SLOT);
        let (oldest, _) = self.slots.as_slices();
        [0, 2].into_iter().for_each(|at| prefetch_index(oldest, at));
    }

    pub(crate) fn find(&self, key: TransactionKey, now: Timestamp) -> Seen<'_> {
        if !self.in_flight.is_empty() && self.in_flight.contains(&key) {
            return Seen::InFlight;
        }
        self.answer(key, now).map_or(Seen::Never, Seen::Answered)
    }

    fn answer(&self, key: TransactionKey, now: Timestamp) -> Option<&[u8]> {
        let mut place = self.place(*self.chains.get(self.chain(key))?);
        let slot = loop {
            let slot = self.slots.get(place)?;
            if slot.key == key {
                break slot;
            }
            place = Some(self.place(slot.before)).filter(|before| *before < place)?;
        };
        // Should its time be up, so is that of those before it.
        if slot.deadline <= now {
            return None;
        }
        self.ring.get(slot.offset as usize..)?.get(..slot.length as usize)
    }

    fn chain(&self, key: TransactionKey) -> usize {
        // There is a power of two of them, and one at least.
        key.0 as usize & (self.chains.len() - 1)
    }

    /// Where an answer stands among the slots; behind their end if it was dropped.
    fn place(&self, number: Number) -> usize {
        number.0.wrapping_sub(self.first.0) as usize
    }

    /// Marks a transaction as being worked on, until [`Absorber::answered`] or [`Absorber::forget`].
    pub(crate) fn begin(&mut self, key: TransactionKey) {
        self.in_flight.insert(key);
    }

    /// Forgets a transaction that was being worked on: it may come again.
    pub(crate) fn forget(&mut self, key: TransactionKey) {
        if !self.in_flight.is_empty() {
            self.in_flight.remove(&key);
        }
    }

    /// Keeps the answer of a transaction of which none is found. One longer than a quarter of the ring is not kept.
    pub(crate) fn answered(&mut self, key: TransactionKey, answer: &[u8], now: Timestamp) {
        self.forget(key);
        let Ok(length) = u32::try_from(answer.len()) else { return };
        if answer.len() > self.ring.len() / 4 {
            return;
        }
        let offset = self.make_room(answer.len());
        let Some(place) = self.ring.get_mut(offset..offset + answer.len()) else { return };
        place.copy_from_slice(answer);
        let number = Number(self.first.0.wrapping_add(self.slots.len() as u32));
        let chain = self.chain(key);
        let Some(newest) = self.chains.get_mut(chain) else { return };
        let before = std::mem::replace(newest, number);
        let (offset, deadline) = (offset as u32, now.plus_millis(TIMER_J_MS));
        self.slots.push_back(Slot { key, offset, length, before, deadline });
        self.next = offset as usize + answer.len();
        self.fetch_next();
    }

    /// Drops answers until a slot, and `length` bytes behind the last answer, are free; says where.
    fn make_room(&mut self, length: usize) -> usize {
        if self.slots.len() >= self.most_slots {
            self.drop_oldest();
        }
        let offset = if self.next + length > self.ring.len() {
            // Those between here and the end are the oldest; the ring goes on at its beginning.
            while self.slots.front().is_some_and(|slot| slot.offset as usize >= self.next) {
                self.drop_oldest();
            }
            0
        } else {
            self.next
        };
        while self.slots.front().is_some_and(|slot| (offset..offset + length).contains(&(slot.offset as usize))) {
            self.drop_oldest();
        }
        offset
    }

    /// Drops answers whose time is up, at most `budget`; says whether there are more.
    pub(crate) fn expire(&mut self, now: Timestamp, budget: usize) -> bool {
        let is_due = |slots: &VecDeque<Slot>| slots.front().is_some_and(|slot| slot.deadline <= now);
        for _ in 0..budget {
            if !is_due(&self.slots) {
                return false;
            }
            self.drop_oldest();
        }
        is_due(&self.slots)
    }

    fn drop_oldest(&mut self) {
        if self.slots.pop_front().is_some() {
            self.first = Number(self.first.0.wrapping_add(1));
        }
    }
}

/// Keys are hashes already.
#[derive(Default)]
struct KeyIsHash(u64);

impl Hasher for KeyIsHash {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    #[test]
    fn an_answer_is_repeated_for_32_seconds() {
        let mut absorber = Absorber::new(1000);
        let key = TransactionKey(7);
        assert_eq!(absorber.find(key, NOW), Seen::Never);
        absorber.begin(key);
        assert_eq!(absorber.find(key, NOW), Seen::InFlight);
        absorber.answered(key, b"answer", NOW);
        assert_eq!(absorber.find(key, NOW.plus_millis(31_999)), Seen::Answered(b"answer"));
        assert_eq!(absorber.find(key, NOW.plus_millis(32_000)), Seen::Never);
        assert!(!absorber.expire(NOW.plus_millis(32_000), 10));
        assert_eq!((absorber.slots.len(), absorber.in_flight.len()), (0, 0));
    }

    #[test]
    fn what_was_given_up_may_come_again() {
        let mut absorber = Absorber::new(1000);
        absorber.begin(TransactionKey(7));
        absorber.forget(TransactionKey(7));
        assert_eq!(absorber.find(TransactionKey(7), NOW), Seen::Never);
    }

    #[test]
    fn expiry_keeps_to_its_budget() {
        let mut absorber = Absorber::new(10 * BYTES_PER_SLOT);
        for key in 0..10 {
            absorber.answered(TransactionKey(key), b"answer", NOW);
        }
        let later = NOW.plus_millis(TIMER_J_MS);
        assert!(absorber.expire(later, 9));
        assert_eq!(absorber.slots.len(), 1);
        assert!(!absorber.expire(later, 1));
    }

    #[test]
    fn short_answers_take_no_more_memory_than_there_was() {
        let mut absorber = Absorber::new(100 * BYTES_PER_SLOT);
        let before = absorber.slots.capacity();
        for key in 0..100_000u64 {
            absorber.answered(TransactionKey(key.wrapping_mul(0x9E37_79B9_7F4A_7C15)), b"x", NOW);
        }
        assert_eq!(absorber.slots.len(), 100);
        assert_eq!(before, absorber.slots.capacity());
    }

    proptest! {
        /// Whatever is found is what was last answered, and the last answer is always found.
        #[test]
        fn a_ring_gives_back_what_went_in(
            first in prop_oneof![Just(0), u32::MAX - 200..=u32::MAX],
            answers in proptest::collection::vec((0u64..40, 1usize..2048), 1..300),
        ) {
            const SIZE: usize = 16 * BYTES_PER_SLOT;
            // Numbers begin again at zero.
            let mut absorber = Absorber { first: Number(first), ..Absorber::new(SIZE) };
            let mut given = HashMap::new();
            for (n, (key, length)) in answers.into_iter().enumerate() {
                let answer = vec![n as u8; length];
                absorber.answered(TransactionKey(key), &answer, NOW);
                prop_assert_eq!(absorber.find(TransactionKey(key), NOW), Seen::Answered(&answer));
                given.insert(key, answer);
                for (key, answer) in &given {
                    match absorber.find(TransactionKey(*key), NOW) {
                        Seen::Answered(found) => prop_assert!(found == answer.as_slice()),
                        Seen::Never => {}
                        Seen::InFlight => prop_assert!(false),
                    }
                }
                let bytes: usize = absorber.slots.iter().map(|slot| slot.length as usize).sum();
                prop_assert!(bytes <= SIZE);
            }
        }

        /// Of answers that are all of one length, as many are kept as fit, whether their keys share a chain or not.
        #[test]
        fn a_ring_is_used_whole(length in 1usize..2048, more in 0usize..100, shift in 0u32..8) {
            const SIZE: usize = 16 * BYTES_PER_SLOT;
            let mut absorber = Absorber::new(SIZE);
            let fit = (SIZE / length).min(16);
            let key = |n: usize| TransactionKey((n as u64) << shift);
            for n in 0..fit + more {
                absorber.answered(key(n), &vec![0; length], NOW);
            }
            prop_assert_eq!(absorber.slots.len(), fit);
            prop_assert!((more..fit + more).all(|n| absorber.find(key(n), NOW) != Seen::Never));
        }
    }
}
