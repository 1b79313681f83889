use std::hash::{BuildHasher, RandomState};

use proptest::prelude::*;

use super::*;
use crate::lines::Fetch;
use crate::location::sample::record;

/// Nothing to ask for.
impl Fetch for u64 {
    fn fetch_key(&self) {}
    fn fetch(&self) {}
}

const START: u64 = 1_700_000_000;

fn at(second: u64) -> Timestamp {
    Timestamp((START + second) * 1000)
}

/// A shard, and how often it has looked at a record.
struct Counted {
    shard: Shard,
    keys: RandomState,
    looks: usize,
}

impl Counted {
    fn new() -> Self {
        Self { shard: Shard::new(), keys: RandomState::new(), looks: 0 }
    }

    /// Registers `name` at one time until another.
    fn put(&mut self, name: &str, now: Timestamp, expires_at: Option<Timestamp>) {
        let aor = Aor::from_canonical(name.as_bytes());
        let hash_of = |aor: &Aor<'_>| self.keys.hash_one(aor.as_bytes());
        let record = expires_at.map(|expires_at| record(&aor, 1, expires_at));
        self.shard.replace(hash_of(&aor), &aor, record, now, hash_of);
    }

    /// Sweeps, and gives the names of those that went.
    fn sweep(&mut self, now: Timestamp) -> Vec<String> {
        let mut gone = Vec::new();
        let hash_of = |aor: &Aor<'_>| self.keys.hash_one(aor.as_bytes());
        while let Due::Record(hash) = self.shard.due(now) {
            self.looks += 1;
            self.shard.expire(hash, now, hash_of, |_| None, |before, _| gone.push(before.aor().to_string()));
        }
        gone.sort();
        gone
    }
}

#[test]
fn a_record_goes_in_the_second_in_which_it_expires() {
    let mut shard = Counted::new();
    shard.put("a", at(0), Some(Timestamp(at(60).0 + 1)));
    shard.put("b", at(0), Some(at(60)));
    assert!(shard.sweep(at(59)).is_empty());
    assert_eq!(shard.sweep(at(60)), ["b"]);
    assert_eq!(shard.sweep(at(61)), ["a"]);
    assert!(shard.shard.table.is_empty() && shard.shard.wheel.entries == 0);
}

#[test]
fn far_expiries_cost_one_look_in_a_turn() {
    const RECORDS: usize = 100_000;
    let mut shard = Counted::new();
    for n in 0..RECORDS {
        shard.put(&n.to_string(), at(0), Some(at(86_400)));
    }
    for second in 0..=3600 {
        assert!(shard.sweep(at(second)).is_empty());
    }
    // An hour is seven turns.
    assert!(shard.looks <= RECORDS * 3600 / (WHEEL as usize - 2), "{}", shard.looks);
    // Of records that the wheel cannot tell apart there is one: two in so many, or none.
    assert!((RECORDS - 20..=RECORDS).contains(&shard.shard.wheel.entries), "{}", shard.shard.wheel.entries);
}

#[test]
fn a_refresh_adds_nothing_to_the_wheel() {
    let mut shard = Counted::new();
    for second in 0..200 {
        shard.put("a", at(second), Some(at(second + 300)));
        assert_eq!(shard.shard.wheel.entries, 1);
        assert!(shard.sweep(at(second)).is_empty());
    }
    assert_eq!(shard.looks, 0);
    assert!(shard.sweep(at(498)).is_empty());
    assert_eq!(shard.looks, 1);
    assert_eq!(shard.sweep(at(499)), ["a"]);
}

#[test]
fn an_expiry_may_come_earlier_and_go_later_again() {
    let mut shard = Counted::new();
    shard.put("a", at(0), Some(at(300)));
    shard.put("a", at(1), Some(at(30)));
    shard.put("a", at(2), Some(at(400)));
    assert!(shard.sweep(at(399)).is_empty());
    assert_eq!(shard.sweep(at(400)), ["a"]);
    shard.put("a", at(401), Some(at(700)));
    shard.put("a", at(401), Some(at(430)));
    assert_eq!(shard.sweep(at(430)), ["a"]);
}

#[test]
fn phones_that_come_and_go_do_not_fill_the_wheel() {
    let mut shard = Counted::new();
    shard.put("stays", at(0), Some(at(500)));
    for _ in 0..100_000 {
        shard.put("a", at(0), Some(at(400)));
        shard.put("a", at(0), None);
        assert!(shard.shard.wheel.entries <= WHEEL as usize + 4);
    }
    assert_eq!(shard.sweep(at(500)), ["stays"]);
}

#[test]
fn a_phone_that_asks_for_more_and_less_in_turn_does_not_fill_the_wheel() {
    let mut shard = Counted::new();
    for n in 0..100_000 {
        shard.put("a", at(0), Some(at(if n % 2 == 0 { 400 } else { 300 })));
        assert!(shard.shard.wheel.entries <= WHEEL as usize + 2);
    }
    assert!(shard.sweep(at(299)).is_empty());
    assert_eq!(shard.sweep(at(300)), ["a"]);
}

#[test]
fn hours_without_a_sweep_are_made_up_for() {
    let mut shard = Counted::new();
    for n in 0..1000 {
        shard.put(&n.to_string(), at(0), Some(at(n * 10)));
    }
    assert_eq!(shard.sweep(at(7200)).len(), 721);
    assert_eq!(shard.shard.table.len(), 279);
    assert_eq!(shard.sweep(at(9989)).len(), 278);
    assert_eq!(shard.sweep(at(100_000)), ["999"]);
}

#[test]
fn an_empty_shard_has_nothing_due_at_any_time() {
    let mut shard = Counted::new();
    for now in [at(0), at(1), at(1_000_000), Timestamp(0)] {
        assert!(shard.sweep(now).is_empty());
    }
    shard.put("a", at(1_000_001), None);
    shard.put("a", at(1_000_001), Some(at(1_000_002)));
    assert_eq!(shard.sweep(at(1_000_002)), ["a"]);
}

proptest! {
    /// Whatever comes, goes and changes in whatever order: swept is exactly what has expired.
    #[test]
    fn what_has_expired_goes_and_nothing_else(
        steps in proptest::collection::vec((0u64..2000, proptest::option::weighted(0.9, 1u64..3000), 0usize..40), 1..120),
    ) {
        let mut shard = Counted::new();
        let mut model = std::collections::BTreeMap::new();
        let mut now = 0;
        for (wait, expires, name) in steps {
            // Names come again, and now and then nothing is swept for long.
            if wait % 3 == 0 {
                now += wait / 3;
                let gone = shard.sweep(at(now));
                let mut expected: Vec<String> =
                    model.iter().filter(|(_, expiry)| **expiry <= now).map(|(name, _): (&String, _)| name.clone()).collect();
                expected.sort();
                prop_assert_eq!(gone, expected);
                model.retain(|_, expiry| *expiry > now);
            }
            let name = name.to_string();
            shard.put(&name, at(now), expires.map(|expires| at(now + expires)));
            match expires {
                Some(expires) => drop(model.insert(name, now + expires)),
                None => drop(model.remove(&name)),
            }
            prop_assert_eq!(shard.shard.table.len(), model.len());
        }
    }
}

/// The wheel keeps 32 bits of a hash, and relies on the table looking at no others.
#[test]
fn a_table_finds_by_a_mark_what_stands_by_its_hash() {
    let mut table = Lines::default();
    let hashes: Vec<u64> = (1..100_000u64).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
    for &hash in &hashes {
        table.insert(hash, hash, |hash| *hash);
    }
    for hash in hashes {
        let mark = Mark::of(hash);
        assert_eq!(Mark::of(mark.hash()), mark);
        assert!(table.find(mark.hash(), |other| *other == hash).is_some());
    }
}
