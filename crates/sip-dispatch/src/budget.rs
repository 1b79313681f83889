//! Budgets of a rate for any number of keys, in a table of fixed size.

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};

use sip_transport::Timestamp;

/// So many a second in the long run, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Per second, from 1 to 1,000,000.
    pub per_second: u32,
    /// At once, from 1; at most what the rate gives in 50 days.
    pub burst: u32,
}

/// What counts as one source: an IPv4 address, an IPv6 /64.
#[must_use]
pub fn source_of(ip: IpAddr) -> IpAddr {
    prefix(ip.to_canonical(), 32, 64)
}

/// What counts as one network: an IPv4 /24, an IPv6 /56.
#[must_use]
pub fn network_of(ip: IpAddr) -> IpAddr {
    prefix(ip.to_canonical(), 24, 56)
}

/// The address with all but its first bits cleared.
fn prefix(ip: IpAddr, v4_bits: u32, v6_bits: u32) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() & u32::MAX.checked_shl(32 - v4_bits).unwrap_or(0)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & u128::MAX.checked_shl(128 - v6_bits).unwrap_or(0)).into(),
    }
}

/// Keys that share a cache line of the table.
const WAYS: usize = 8;
/// 4096 × 8 × 8 bytes = 256 kB for 32,768 active keys.
const SETS: usize = 4096;
/// A slot: 20 bits that tell keys of one set apart, and 44 bits of time in microseconds, which
/// begin again after 203 days.
pub(crate) const TIME_BITS: u32 = 44;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
/// How far the clocks of two workers may differ, in microseconds: each reads its own once for a batch.
const CLOCK_SLACK: u64 = 1_000_000;

/// A second in microseconds.
const ROUND: u64 = 1_000_000;

/// The generic cell rate algorithm: of each key only the time at which its budget will be whole again is kept.
///
/// Keys are hashed with a random key of the table's own, so nobody can choose two that are taken for one. The table has
/// a fixed size: when more keys are active than it holds, those that have spent least are forgotten first.
pub struct Budget {
    /// Microseconds that one costs.
    cost: u64,
    /// Microseconds that may be owed.
    depth: u64,
    /// From when on no key owes anything, in microseconds: where nobody has spent anything of late, nobody is looked for. Up
    /// to a [`ROUND`] later, so that workers that spend write it once in that time, and not for every request.
    whole_at: AtomicU64,
    sets: Box<[[AtomicU64; WAYS]]>,
    keys: RandomState,
}

impl Budget {
    /// A budget of this rate for every key.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self::with_cost(1_000_000 / u64::from(rate.per_second.clamp(1, 1_000_000)), rate.burst)
    }

    /// A budget of one every so many seconds, at least 1, and of `burst` at once, for every key.
    #[must_use]
    pub fn one_every(seconds: u32, burst: u32) -> Self {
        Self::with_cost(u64::from(seconds.max(1)) * 1_000_000, burst)
    }

    fn with_cost(cost: u64, burst: u32) -> Self {
        let depth = (cost * u64::from(burst.max(1))).min(TIME_MASK / 4);
        let sets = (0..SETS).map(|_| Default::default()).collect();
        Self { cost, depth, whole_at: AtomicU64::new(0), sets, keys: RandomState::new() }
    }

    /// Charges `key` for one, and says whether that was within its budget. What is beyond it is not charged.
    #[must_use]
    pub fn spend(&self, key: &impl Hash, at: Timestamp) -> bool {
        let Some((slot, tag, now)) = self.place(key, at) else { return true };
        let after = self.owed(slot, tag, now) + self.cost;
        if after > self.depth {
            return false;
        }
        let whole_at = (micros(at) + after).next_multiple_of(ROUND);
        if self.whole_at.load(Ordering::Relaxed) < whole_at {
            self.whole_at.fetch_max(whole_at, Ordering::Relaxed);
        }
        // Two workers may both see the old value; one too many is let through then.
        slot.store(tag << TIME_BITS | (now + after) & TIME_MASK, Ordering::Relaxed);
        true
    }

    /// Whether `key` has anything left, without a charge.
    #[must_use]
    pub fn has_left(&self, key: &impl Hash, now: Timestamp) -> bool {
        if self.whole_at.load(Ordering::Relaxed) <= micros(now) {
            return true;
        }
        self.place(key, now).is_none_or(|(slot, tag, now)| self.owed(slot, tag, now) + self.cost <= self.depth)
    }

    /// The slot of a key, its tag, and the time as slots keep it.
    fn place(&self, key: &impl Hash, now: Timestamp) -> Option<(&AtomicU64, u64, u64)> {
        let hash = self.keys.hash_one(key);
        // A tag of 0 marks a slot that was never used.
        let tag = (hash >> TIME_BITS).max(1);
        let set = self.sets.get(hash as usize % SETS)?;
        let now = micros(now) & TIME_MASK;
        Some((self.slot(set, tag, now), tag, now))
    }

    fn owed(&self, slot: &AtomicU64, tag: u64, now: u64) -> u64 {
        let stored = slot.load(Ordering::Relaxed);
        if stored >> TIME_BITS == tag { self.debt(stored, now) } else { 0 }
    }

    /// The slot of a key: its own, else the one that owes least.
    fn slot<'s>(&self, set: &'s [AtomicU64; WAYS], tag: u64, now: u64) -> &'s AtomicU64 {
        let [mut best, ..] = set.each_ref();
        let mut least = u64::MAX;
        for slot in set {
            let stored = slot.load(Ordering::Relaxed);
            if stored >> TIME_BITS == tag {
                return slot;
            }
            let owed = self.debt(stored, now);
            if owed < least {
                (best, least) = (slot, owed);
            }
        }
        best
    }

    /// Microseconds until a slot's budget is whole again. More than can be owed is a time of the past: the difference
    /// has wrapped.
    fn debt(&self, stored: u64, now: u64) -> u64 {
        let ahead = (stored & TIME_MASK).wrapping_sub(now) & TIME_MASK;
        if ahead > self.depth + CLOCK_SLACK { 0 } else { ahead }
    }
}

fn micros(at: Timestamp) -> u64 {
    at.0.wrapping_mul(1000)
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("micros", &self.cost).field("burst", &(self.depth / self.cost)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_asked_for_without_a_charge() {
        let budget = Budget::one_every(10, 2);
        let at = |seconds: u64| Timestamp(1_700_000_000_000).plus_seconds(seconds);
        assert!((0..10).all(|_| budget.has_left(&("a", 1), at(0))));
        assert!(budget.spend(&("a", 1), at(0)) && budget.spend(&("a", 1), at(0)));
        assert!(!budget.has_left(&("a", 1), at(9)) && budget.has_left(&("a", 2), at(9)));
        // What another spends later is its own.
        assert!(budget.spend(&("a", 2), at(9)) && !budget.has_left(&("a", 1), at(9)));
        assert!(budget.has_left(&("a", 1), at(10)) && budget.spend(&("a", 1), at(10)));
        assert!(!budget.spend(&("a", 1), at(10)));
    }
}
