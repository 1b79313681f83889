//! A budget for each source, so that one of them cannot take the time of all.

use std::fmt;
use std::net::IpAddr;

use sip_transport::Timestamp;

use crate::budget::{Budget, Rate, network_of, source_of};
use crate::{Exchange, Receiver, Verdict, reason};

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

    /// Charges a source for one message, and says whether that was within its budget and its network's.
    #[must_use]
    pub fn admits(&self, ip: IpAddr, now: Timestamp) -> bool {
        // A network is not charged for what its sources send beyond their own budgets: one cannot silence the others.
        self.source.as_ref().is_none_or(|budget| budget.spend(&source_of(ip), now))
            && self.network.as_ref().is_none_or(|budget| budget.spend(&network_of(ip), now))
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
        f.debug_struct("Throttle").field("source", &self.source).field("network", &self.network).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    use crate::budget::TIME_BITS;

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
