//! What several clocks showed at one moment, so that a later run can tell how much time has passed.

use nix::time::{ClockId, clock_gettime};
use sip_transport::{Now, Timestamp};

use crate::file::RunClock;

/// Names this boot of the machine.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Reads all clocks.
pub(crate) type Clock = Box<dyn Fn() -> RunClock + Send>;

/// Reads the clocks that a run is known by.
#[derive(Debug)]
pub(crate) struct Clocks {
    boot: Option<[u8; 16]>,
}

impl Clocks {
    pub(crate) fn new() -> Self {
        Self { boot: std::fs::read_to_string(BOOT_ID).ok().and_then(|text| boot_id(&text)) }
    }

    /// `now`, and what the clock of the machine shows.
    pub(crate) fn read(&self, now: Now) -> RunClock {
        let boot = self.boot.and_then(|id| Some((id, since_boot()?)));
        RunClock { steady: now.at.0, wall: now.wall, boot }
    }
}

/// A moment as the rest of the house knows it.
pub(crate) fn now(clock: &RunClock) -> Now {
    Now { at: Timestamp(clock.steady), wall: clock.wall }
}

/// Milliseconds since the machine was started, the time in which it slept included.
fn since_boot() -> Option<u64> {
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?;
    let seconds = u64::try_from(time.tv_sec()).ok()?;
    Some(seconds * 1000 + u64::try_from(time.tv_nsec()).ok()? / 1_000_000)
}

/// The 32 digits of a UUID.
fn boot_id(text: &str) -> Option<[u8; 16]> {
    let mut digits = text.chars().filter_map(|digit| digit.to_digit(16));
    let mut id = [0; 16];
    for byte in &mut id {
        *byte = u8::try_from(digits.next()? * 16 + digits.next()?).ok()?;
    }
    digits.next().is_none().then_some(id)
}

/// By how many milliseconds a moment on the steady clock of a run that was last seen at `then` has to be moved to stand
/// on the steady clock of this one.
///
/// Within one boot of the machine a clock that nobody can set tells how much time has passed since; else the wall clocks
/// must do.
pub(crate) fn shift(then: &RunClock, now: &RunClock) -> i64 {
    let passed = match (then.boot, now.boot) {
        (Some((boot, before)), Some((same, after))) if boot == same => difference(after, before),
        _ => difference(now.wall, then.wall),
    };
    difference(now.steady, then.steady).saturating_sub(passed)
}

/// How far apart the wall clock and the steady one are.
pub(crate) fn apart(clock: &RunClock) -> i64 {
    difference(clock.wall, clock.steady)
}

fn difference(a: u64, b: u64) -> i64 {
    i64::try_from(i128::from(a) - i128::from(b)).unwrap_or(if a > b { i64::MAX } else { i64::MIN })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn clock(steady: u64, wall: u64, boot: Option<(u8, u64)>) -> RunClock {
        RunClock { steady, wall, boot: boot.map(|(id, time)| ([id; 16], time)) }
    }

    #[test]
    fn a_restart_moves_nothing_if_the_clocks_go_right() {
        let shift_of = |then, now| shift(&then, &now);
        assert_eq!(shift_of(clock(100 * HOUR, 100 * HOUR, None), clock(103 * HOUR, 103 * HOUR, None)), 0);
        let (then, now) = (Some((1, 7 * HOUR)), Some((1, 10 * HOUR)));
        assert_eq!(shift_of(clock(100 * HOUR, 100 * HOUR, then), clock(103 * HOUR, 103 * HOUR, now)), 0);
    }

    #[test]
    fn what_the_wall_clock_jumped_while_running_is_made_good() {
        // It was an hour slow when the run began, and was set right: 3 hours pass until the next one.
        let then = clock(100 * HOUR, 101 * HOUR, None);
        assert_eq!(shift(&then, &clock(104 * HOUR, 104 * HOUR, None)), HOUR.cast_signed());
    }

    #[test]
    fn within_one_boot_a_jump_between_two_runs_does_not_matter() {
        let then = clock(100 * HOUR, 100 * HOUR, Some((1, 50 * HOUR)));
        // An hour passes; the wall clock says it were a day, or that it is yesterday.
        for wall in [124 * HOUR, 77 * HOUR] {
            let now = clock(wall, wall, Some((1, 51 * HOUR)));
            let expiry = (100 * HOUR + 2 * HOUR).saturating_add_signed(shift(&then, &now));
            assert_eq!(expiry, wall + HOUR, "one of two hours is left");
        }
        let other_boot = clock(124 * HOUR, 124 * HOUR, Some((2, HOUR)));
        assert_eq!(shift(&then, &other_boot), 0);
    }

    #[test]
    fn this_machine_says_which_boot_it_is() {
        assert_eq!(boot_id("01020304-0506-0708-090a-0b0c0d0e0fff\n").unwrap()[14..], [15, 255]);
        assert_eq!(boot_id("0102"), None);
        let clocks = Clocks::new();
        let (one, two) =
            (clocks.read(Now::from_millis(1)).boot.unwrap(), clocks.read(Now::from_millis(2)).boot.unwrap());
        assert_eq!(one.0, two.0);
        assert!(one.1 > 0 && one.1 <= two.1);
    }
}
