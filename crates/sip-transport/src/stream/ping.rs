//! Asking a silent peer whether it is still there.
//!
//! A connection is pinged at moments of a grid of its own, so that connections that came together are not pinged together.
//! Where something was heard since the last moment there is nothing to ask.

use std::time::Duration;

use crate::clock::millis;
use crate::{Flow, Timestamp};

/// What is known of a connection's pings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pings {
    /// The next moment.
    due: Timestamp,
    /// When the last one left, as long as nothing was heard since.
    asked: Option<Timestamp>,
    unanswered: u32,
}

/// What is to be done at a moment of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Something was heard.
    Nothing,
    Ping,
    /// So many pings were in vain.
    GiveUp,
}

impl Pings {
    /// Of a new connection; `interval` lies between two moments. `None`: it is never pinged.
    pub(crate) fn new(flow: Flow, now: Timestamp, interval: Option<Duration>) -> Self {
        let due = interval.map_or(Timestamp(u64::MAX), |interval| {
            let interval = millis(interval).max(1);
            // Any spread does; the golden ratio's is even for numbers that follow each other.
            let place = u64::from(flow.generation).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            now.plus_millis(interval + ((place * interval) >> 32))
        });
        Self { due, asked: None, unanswered: 0 }
    }

    pub(crate) fn due(&self) -> Timestamp {
        self.due
    }

    /// The moment has come. `heard`: when the peer was heard last.
    pub(crate) fn next(&mut self, heard: Timestamp, now: Timestamp, interval: Duration, most: u32) -> Move {
        let interval = millis(interval).max(1);
        let late = now.millis_since(self.due) / interval;
        self.due = self.due.plus_millis((late + 1) * interval);
        if self.asked.is_none_or(|asked| heard >= asked) {
            self.unanswered = 0;
        }
        if now.millis_since(heard) < interval {
            self.asked = None;
            return Move::Nothing;
        }
        if self.unanswered >= most {
            return Move::GiveUp;
        }
        self.unanswered += 1;
        self.asked = Some(now);
        Move::Ping
    }

    /// An answer has come; gives how long it took, if it is the first to the last ping.
    pub(crate) fn answered(&mut self, now: Timestamp) -> Option<Duration> {
        self.unanswered = 0;
        self.asked.take().map(|asked| Duration::from_millis(now.millis_since(asked)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);
    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn flow(generation: u32) -> Flow {
        Flow { worker: 0, slot: 0, generation }
    }

    #[test]
    fn connections_that_came_together_are_pinged_evenly_over_the_interval() {
        let mut dues: Vec<u64> =
            (5000..6000).map(|n| Pings::new(flow(n), NOW, Some(INTERVAL)).due().millis_since(NOW)).collect();
        dues.sort_unstable();
        assert!(dues[0] >= 30_000 && dues[999] < 60_000, "{dues:?}");
        // Each tenth of the interval has a tenth of them, more or less.
        for tenth in 0..10 {
            let of = dues.iter().filter(|due| (*due - 30_000) / 3000 == tenth).count();
            assert!((90..=110).contains(&of), "{of} in the part {tenth}");
        }
        assert_eq!(Pings::new(flow(1), NOW, None).due(), Timestamp(u64::MAX));
    }

    #[test]
    fn who_is_heard_is_not_pinged_and_who_is_silent_is_given_up() {
        let mut pings = Pings::new(flow(0), NOW, Some(INTERVAL));
        let mut at = pings.due();
        let mut step = |pings: &mut Pings, heard: Timestamp| {
            assert_eq!(pings.due(), at);
            let next = pings.next(heard, at, INTERVAL, 2);
            at = at.plus_millis(30_000);
            next
        };
        let heard = pings.due().plus_millis(10_000);
        assert_eq!(step(&mut pings, NOW.plus_millis(10_000)), Move::Nothing, "20 s ago");
        assert_eq!(step(&mut pings, heard), Move::Nothing);
        assert_eq!(step(&mut pings, heard), Move::Ping);
        let took = pings.answered(pings.due().plus_millis(120)).unwrap();
        assert_eq!((took, pings.answered(pings.due())), (Duration::from_millis(30_120), None));
        let silence = pings.due();
        assert_eq!(step(&mut pings, heard), Move::Ping);
        assert_eq!(step(&mut pings, heard), Move::Ping);
        assert_eq!(step(&mut pings, heard), Move::GiveUp);
        // What was heard after a ping counts as its answer.
        assert_eq!(step(&mut pings, silence.plus_millis(30_010)), Move::Ping);
    }
}
