//! Where time is read.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::{Now, Timestamp};

/// The clock of a process: the wall clock as it stood at the start, and the monotonic time since.
///
/// Copies agree with each other, so one `Clock` made at the start serves every thread.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    epoch: u64,
}

impl Clock {
    /// Reads the wall clock for the one time that counts.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: Instant::now(), epoch: wall_millis() }
    }

    /// This moment.
    #[must_use]
    pub fn now(&self) -> Now {
        Now { at: self.timestamp(), wall: wall_millis() }
    }

    /// This moment, without the wall clock.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        Timestamp(self.epoch.saturating_add(millis(self.origin.elapsed())))
    }

    /// When a timer must go off that is due at `at`: never earlier than that.
    pub(crate) fn instant(&self, at: Timestamp) -> tokio::time::Instant {
        let since = Duration::from_millis(at.0.saturating_sub(self.epoch));
        // A moment that `Instant` cannot hold is as good as never; so is the same moment a century later.
        self.origin.checked_add(since).unwrap_or(self.origin).into()
    }
}

fn wall_millis() -> u64 {
    // A clock before 1970 is read as 1970.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

/// Whole milliseconds, at most `u64::MAX`.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_for_a_moment_never_goes_off_before_it() {
        let clock = Clock::start();
        let due = clock.timestamp().plus_millis(3);
        while tokio::time::Instant::now() < clock.instant(due) {
            std::hint::spin_loop();
        }
        assert!(clock.timestamp() >= due);
    }

    #[test]
    fn both_clocks_start_together() {
        let now = Clock::start().now();
        assert!(now.wall.abs_diff(now.at.0) < 1000, "{now:?}");
    }
}
