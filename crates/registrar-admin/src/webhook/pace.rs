//! When it is tried again.

use std::time::Duration;

/// The pause after a first failure, and the longest of all.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);

/// A receiver may ask for more, but not for more than this.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long it is after each failure of one delivery.
#[derive(Debug, Default)]
pub(super) struct Pace {
    failures: u32,
}

impl Pace {
    /// Twice as long each time, less up to a half at random (`seed`), so that many senders do not come at once; not less
    /// than the receiver has asked for.
    pub(super) fn failed(&mut self, asked: Option<Duration>, seed: u64) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let half = whole / 2;
        let jitter = u64::try_from(half.as_millis()).map(|half| seed % (half + 1)).unwrap_or_default();
        (whole - Duration::from_millis(jitter)).max(asked.unwrap_or_default().min(PATIENCE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_are_as_long_as_the_receiver_asks_for() {
        let mut pace = Pace::default();
        let whole: Vec<_> = (0..9).map(|_| pace.failed(None, 0).as_millis()).collect();
        assert_eq!(whole, [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
        let mut pace = Pace::default();
        assert_eq!(pace.failed(None, 250), Duration::from_millis(250), "half of it may be left out");
        assert_eq!(pace.failed(Some(Duration::from_secs(9)), 0), Duration::from_secs(9));
        assert_eq!(pace.failed(Some(Duration::from_secs(9999)), 0), PATIENCE);
        (0..100).for_each(|_| assert!(pace.failed(None, u64::MAX) <= LONGEST));
    }
}
