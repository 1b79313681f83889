//! A budget for each source, so that one of them cannot take the time of all.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};

use sip_transport::Timestamp;

use crate::{Exchange, Receiver, Verdict, reason};

/// So many requests a second in the long run, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests per second, from 1 to 1,000,000.
    pub per_second: u32,
    /// Requests that may come at once, from 1; at most what the rate gives in 50 days.
    pub burst: u32,
}

/// Drops, without an answer, what a source sends beyond its budget.
///
/// In [`Config::throttle`](crate::Config::throttle) it guards a dispatcher against everything; as a link, the links
/// behind it against the requests that its [`Link`](crate::Link) is shown.
///
/// A source is an IPv4 address or an IPv6 /64; a network, whose budget is optional, an IPv4 /24 or an IPv6 /56. The
/// table has a fixed size: when more sources are active than it holds, those that have used least of their budget are
/// forgotten first.
pub struct Throttle {
    source: Option<Budget>,
    network: Option<Budget>,
}

impl Throttle {
    /// Budgets for each source and for each network.
    #[must_use]
    pub fn new(source: Option<Rate>, network: Option<Rate>) -> Self {
        Self { source: source.map(Budget::new), network: network.map(Budget::new) }
    }

    /// Charges `source` for one message, and says whether that was within its budget and its network's.
    #[must_use]
    pub fn admits(&self, source: IpAddr, now: Timestamp) -> bool {
        let ip = source.to_canonical();
        // A network is not charged for what its sources send beyond their own budgets: one cannot silence the others.
        self.source.as_ref().is_none_or(|budget| budget.admits(prefix(ip, 32, 64), now))
            && self.network.as_ref().is_none_or(|budget| budget.admits(prefix(ip, 24, 56), now))
    }
}

impl Receiver for Throttle {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        if self.admits(ex.peer().remote.ip(), ex.now().at) {
            Verdict::Pass
        } else {
            Verdict::Handled(ex.ignore(reason::THROTTLED))
        }
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |budget: &Option<Budget>| budget.as_ref().map(|budget| budget.rate);
        f.debug_struct("Throttle").field("source", &rate(&self.source)).field("network", &rate(&self.network)).finish()
    }
}

/// The address with all but its first bits cleared.
fn prefix(ip: IpAddr, v4_bits: u32, v6_bits: u32) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() & u32::MAX.checked_shl(32 - v4_bits).unwrap_or(0)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & u128::MAX.checked_shl(128 - v6_bits).unwrap_or(0)).into(),
    }
}

/// Sources that share a cache line of the table.
const WAYS: usize = 8;
/// 4096 × 8 × 8 bytes = 256 kB for 32,768 active sources.
const SETS: usize = 4096;
/// A slot: 20 bits that tell sources of one set apart, and 44 bits of time in microseconds, which
/// begin again after 203 days.
const TIME_BITS: u32 = 44;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
/// How far the clocks of two workers may differ, in microseconds: each reads its own once for a batch.
const CLOCK_SLACK: u64 = 1_000_000;

/// The generic cell rate algorithm: of each source only the time at which its budget will be whole again is kept.
struct Budget {
    rate: Rate,
    /// Microseconds that a request costs.
    cost: u64,
    /// Microseconds that may be owed.
    depth: u64,
    sets: Box<[[AtomicU64; WAYS]]>,
    keys: RandomState,
}

impl Budget {
    fn new(rate: Rate) -> Self {
        let cost = 1_000_000 / u64::from(rate.per_second.clamp(1, 1_000_000));
        let depth = (cost * u64::from(rate.burst.max(1))).min(TIME_MASK / 4);
        let sets = (0..SETS).map(|_| Default::default()).collect();
        Self { rate, cost, depth, sets, keys: RandomState::new() }
    }

    fn admits(&self, source: IpAddr, now: Timestamp) -> bool {
        let hash = self.keys.hash_one(source);
        // A tag of 0 marks a slot that was never used.
        let tag = (hash >> TIME_BITS).max(1);
        let Some(set) = self.sets.get(hash as usize % SETS) else { return true };
        let now = now.0.wrapping_mul(1000) & TIME_MASK;
        let slot = self.slot(set, tag, now);
        let stored = slot.load(Ordering::Relaxed);
        let whole_again = if stored >> TIME_BITS == tag { self.debt(stored, now) } else { 0 };
        let after = whole_again + self.cost;
        if after > self.depth {
            return false;
        }
        // Two workers may both see the old value; one request too many is let through then.
        slot.store(tag << TIME_BITS | (now + after) & TIME_MASK, Ordering::Relaxed);
        true
    }

    /// The slot of a source: its own, else the one that owes least.
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

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 5 };

    fn admitted(throttle: &Throttle, ip: &str, at: u64, requests: usize) -> usize {
        let ip = ip.parse().unwrap();
        (0..requests).filter(|_| throttle.admits(ip, Timestamp(at))).count()
    }

    #[test]
    fn a_source_has_a_burst_and_then_its_rate() {
        let throttle = Throttle::new(Some(RATE), None);
        let start = 1_700_000_000_000;
        assert_eq!(admitted(&throttle, "192.0.2.1", start, 100), 5);
        assert_eq!(admitted(&throttle, "192.0.2.1", start + 100, 100), 1);
        assert_eq!(admitted(&throttle, "192.0.2.1", start + 1100, 100), 5);
        let at_its_rate = (0..1000).map(|i| admitted(&throttle, "192.0.2.1", start + 10_000 + i * 100, 1));
        assert_eq!(at_its_rate.sum::<usize>(), 1000);
    }

    #[test]
    fn sources_do_not_share_but_networks_do() {
        let throttle = Throttle::new(Some(RATE), Some(Rate { per_second: 10, burst: 8 }));
        let start = 1_700_000_000_000;
        assert_eq!(admitted(&throttle, "192.0.2.1", start, 5), 5);
        assert_eq!(admitted(&throttle, "198.51.100.1", start, 5), 5);
        assert_eq!(admitted(&throttle, "192.0.2.2", start, 5), 3);
        assert_eq!(admitted(&throttle, "2001:db8::1", start, 3), 3);
        assert_eq!(admitted(&throttle, "2001:db8::2", start, 5), 2);
        assert_eq!(admitted(&throttle, "2001:db8:0:1::1", start, 5), 3);
    }

    #[test]
    fn one_source_cannot_spend_the_budget_of_its_network() {
        let throttle = Throttle::new(Some(RATE), Some(Rate { per_second: 10, burst: 8 }));
        let start = 1_700_000_000_000;
        assert_eq!(admitted(&throttle, "192.0.2.1", start, 1000), 5);
        assert_eq!(admitted(&throttle, "192.0.2.2", start, 1000), 3);
    }

    #[test]
    fn an_ipv4_address_is_the_same_source_on_an_ipv6_socket() {
        let throttle = Throttle::new(Some(RATE), None);
        assert_eq!(admitted(&throttle, "192.0.2.1", 1000, 3), 3);
        assert_eq!(admitted(&throttle, "::ffff:192.0.2.1", 1000, 3), 2);
        assert_eq!(admitted(&throttle, "::ffff:192.0.2.2", 1000, 3), 3);
    }

    #[test]
    fn a_worker_whose_clock_is_behind_gives_nothing_away() {
        let throttle = Throttle::new(Some(RATE), None);
        let start = 1_700_000_000_000;
        assert_eq!(admitted(&throttle, "192.0.2.1", start, 100), 5);
        assert_eq!(admitted(&throttle, "192.0.2.1", start - 20, 100), 0);
    }

    #[test]
    fn a_budget_is_whole_after_any_time_also_when_the_clock_of_the_table_begins_again() {
        let round = (1 << TIME_BITS) / 1000;
        let throttle = Throttle::new(Some(RATE), None);
        for (source, (at, pause)) in
            [(round - 1, 2), (round - 1, 500), (1, round / 2), (1, round - 10_000), (1, 10 * round + 7_000)]
                .into_iter()
                .enumerate()
        {
            let source = format!("192.0.2.{source}");
            assert_eq!(admitted(&throttle, &source, at, 100), 5);
            let whole = if pause < 500 { 0 } else { 5 };
            assert_eq!(admitted(&throttle, &source, at + pause, 100), whole, "{at} {pause}");
        }
    }

    #[test]
    fn rates_beyond_their_limits_are_taken_as_the_limits() {
        let throttle = |per_second, burst| Throttle::new(Some(Rate { per_second, burst }), None);
        assert_eq!(admitted(&throttle(0, 0), "192.0.2.1", 1000, 10), 1);
        let endless = throttle(u32::MAX, u32::MAX);
        assert_eq!(admitted(&endless, "192.0.2.1", 1000, 10_000), 10_000);
        let patient = throttle(1, u32::MAX);
        assert_eq!(admitted(&patient, "192.0.2.1", 1000, 10_000), 10_000);
    }

    #[test]
    fn more_sources_than_the_table_holds_do_not_free_the_busiest() {
        let throttle = Throttle::new(Some(Rate { per_second: 1, burst: 100 }), None);
        let start = 1_700_000_000_000;
        assert_eq!(admitted(&throttle, "192.0.2.1", start, 200), 100);
        for n in 0..100_000u32 {
            let _ = throttle.admits(IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 | n)), Timestamp(start));
        }
        assert_eq!(admitted(&throttle, "192.0.2.1", start, 10), 0);
    }
}
