//! When to let datagrams gather before they are read.
//!
//! A worker that sleeps is woken by the first datagram that comes, and that costs more than to serve it. Where thousands
//! come in a second, it reads again a moment after it has found a socket empty, and finds several.

use std::time::Duration;

use crate::Timestamp;

/// So many datagrams are worth a moment's patience.
const ENOUGH: usize = 4;
/// So many are read in batches anyway, and more may not fit into the socket's buffer.
const MANY: usize = 64;
/// In how many milliseconds they have to come for that.
const WINDOW: u64 = 1;
/// For how many milliseconds nothing is tried after too few have come.
const REST: u64 = 20;

/// What one socket's recent past says about its near future.
#[derive(Debug)]
pub(crate) struct Gather {
    patience: Duration,
    since: Timestamp,
    count: usize,
    gathered: bool,
    not_before: Timestamp,
}

impl Gather {
    /// `patience`: how long to wait. Zero: never.
    pub(crate) fn new(patience: Duration) -> Self {
        Self { patience, since: Timestamp(0), count: 0, gathered: false, not_before: Timestamp(0) }
    }

    /// The socket has been read empty, and gave `count`: how long to leave it alone, if at all.
    pub(crate) fn patience(&mut self, count: usize, now: Timestamp) -> Option<Duration> {
        if std::mem::take(&mut self.gathered) {
            // Was it worth it?
            if count < ENOUGH {
                self.not_before = now.plus_millis(REST);
                return None;
            }
        } else {
            if now.millis_since(self.since) > WINDOW {
                (self.since, self.count) = (now, 0);
            }
            self.count += count;
            if self.count < ENOUGH || now < self.not_before {
                return None;
            }
            self.count = 0;
        }
        if count > MANY {
            return None;
        }
        self.gathered = !self.patience.is_zero();
        self.gathered.then_some(self.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(1);

    fn at(millis: u64) -> Timestamp {
        Timestamp(1_000_000 + millis)
    }

    #[test]
    fn one_at_a_time_is_read_at_once() {
        let mut gather = Gather::new(PATIENCE);
        for millis in 0..1000 {
            assert_eq!(gather.patience(1, at(millis)), None, "{millis}");
        }
    }

    #[test]
    fn many_gather_for_as_long_as_many_come() {
        let mut gather = Gather::new(PATIENCE);
        assert_eq!([0, 0, 0].map(|millis| gather.patience(1, at(millis))), [None; 3]);
        assert_eq!(gather.patience(1, at(1)), Some(PATIENCE));
        for millis in 2..100 {
            assert_eq!(gather.patience(ENOUGH, at(millis)), Some(PATIENCE));
        }
        assert_eq!(gather.patience(ENOUGH - 1, at(100)), None, "fewer come");
        assert_eq!(gather.patience(ENOUGH, at(100 + REST - 1)), None, "for a while it does not try again");
        assert_eq!(gather.patience(ENOUGH, at(101 + REST)), Some(PATIENCE));
    }

    #[test]
    fn who_answers_each_datagram_with_the_next_soon_has_a_rest_from_it() {
        let mut gather = Gather::new(PATIENCE);
        // A closed loop of one, quick enough to look like many.
        let waits = (0..1000).filter(|n| gather.patience(1, at(n / 10)).is_some()).count();
        assert!(waits <= 1000 / 10 / 20 + 1, "{waits} times in 100 ms");
    }

    #[test]
    fn a_flood_does_not_wait() {
        assert_eq!(Gather::new(PATIENCE).patience(MANY + 1, at(0)), None);
    }

    #[test]
    fn without_patience_nothing_gathers() {
        let mut gather = Gather::new(Duration::ZERO);
        assert!((0..100).all(|_| gather.patience(32, at(0)).is_none()));
    }
}
