//! Whether a store is worth asking.

use std::time::{Duration, Instant};

/// After some failures in a row a store is left alone for a while; then one lookup tries whether it is back.
pub(crate) struct Breaker {
    failures: u32,
    open_for: Duration,
    state: State,
}

enum State {
    /// So many failures in a row.
    Closed(u32),
    Open {
        since: Instant,
        until: Instant,
    },
    /// One lookup is on its way.
    Trying {
        since: Instant,
    },
}

/// What a failure changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// The first one in a row.
    First,
    /// One more, and the store is left alone from now on.
    Opened,
    /// Nothing that was not known.
    Again,
}

impl Breaker {
    pub(crate) fn new(failures: u32, open_for: Duration) -> Self {
        Self { failures: failures.max(1), open_for, state: State::Closed(0) }
    }

    /// How long it is until the store will be asked again; `None` if it may be asked now.
    pub(crate) fn wait(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Closed(_) => None,
            State::Open { until, .. } => until.checked_duration_since(now).filter(|wait| !wait.is_zero()),
            State::Trying { .. } => Some(Duration::ZERO),
        }
    }

    /// Whether the store may be asked now. Whoever is let through reports how it went.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        if let Some(wait) = self.wait(now) {
            return Err(wait);
        }
        if let State::Open { since, .. } = self.state {
            self.state = State::Trying { since };
        }
        Ok(())
    }

    /// The store answered. Gives how long it had been down, if it was.
    pub(crate) fn succeeded(&mut self, now: Instant) -> Option<Duration> {
        let down = self.down_since();
        self.state = State::Closed(0);
        down.map(|since| now.saturating_duration_since(since))
    }

    /// The store did not answer.
    pub(crate) fn failed(&mut self, now: Instant) -> Failed {
        let open = |since| State::Open { since, until: now + self.open_for };
        let (state, failed) = match self.state {
            State::Closed(before) if before + 1 >= self.failures => (open(now), Failed::Opened),
            State::Closed(before) => {
                (State::Closed(before + 1), if before == 0 { Failed::First } else { Failed::Again })
            }
            State::Trying { since } => (open(since), Failed::Again),
            // A lookup that had begun before: no reason to wait longer.
            State::Open { .. } => return Failed::Again,
        };
        self.state = state;
        failed
    }

    pub(crate) fn down_since(&self) -> Option<Instant> {
        match self.state {
            State::Closed(_) => None,
            State::Open { since, .. } | State::Trying { since } => Some(since),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Duration = Duration::from_secs(10);

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(3, OPEN);
        let failed: Vec<_> = (0..3).map(|_| breaker.failed(now)).collect();
        assert_eq!(failed, [Failed::First, Failed::Again, Failed::Opened]);
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_not_after_others() {
        let now = Instant::now();
        let mut breaker = Breaker::new(3, OPEN);
        for _ in 0..5 {
            assert_eq!(breaker.failed(now), Failed::First);
            assert_eq!(breaker.failed(now), Failed::Again);
            assert_eq!(breaker.admit(now), Ok(()));
            assert_eq!(breaker.succeeded(now), None);
        }
        let mut breaker = opened(now);
        assert_eq!(breaker.admit(now + OPEN / 2), Err(OPEN / 2));
        assert_eq!(breaker.wait(now + OPEN / 2), Some(OPEN / 2));
    }

    #[test]
    fn one_lookup_tries_and_the_others_wait_for_it() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let due = now + OPEN;
        assert_eq!(breaker.wait(due), None);
        assert_eq!(breaker.admit(due), Ok(()));
        assert_eq!(breaker.admit(due), Err(Duration::ZERO));
        assert_eq!(breaker.wait(due), Some(Duration::ZERO));
        assert_eq!(breaker.failed(due), Failed::Again);
        assert_eq!(breaker.wait(due), Some(OPEN));
        assert_eq!(breaker.admit(due + OPEN), Ok(()));
        assert_eq!(breaker.succeeded(due + OPEN), Some(2 * OPEN));
        assert_eq!(breaker.wait(due + OPEN), None);
        assert_eq!(breaker.admit(due + OPEN), Ok(()));
        assert_eq!(breaker.admit(due + OPEN), Ok(()));
    }

    #[test]
    fn lookups_that_had_begun_before_do_not_keep_it_open() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert_eq!(breaker.failed(now + OPEN / 2), Failed::Again);
        assert_eq!(breaker.wait(now + OPEN), None);
        assert_eq!(breaker.down_since(), Some(now));
        assert_eq!(breaker.succeeded(now + OPEN / 2), Some(OPEN / 2));
        assert_eq!(breaker.wait(now), None);
    }
}
