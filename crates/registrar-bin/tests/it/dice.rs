//! Random numbers that can be had again: SplitMix64.

use std::ops::Range;
use std::sync::mpsc::channel;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) struct Dice(u64);

impl Dice {
    /// From the environment's `SEED`, else from the clock. The seed is printed, which a failing test shows.
    pub(crate) fn new() -> Self {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
        let seed = std::env::var("SEED").map_or_else(|_| now(), |seed| seed.parse().expect("SEED is a number"));
        println!("SEED={seed}");
        Self(seed)
    }

    pub(crate) fn roll(&mut self, range: Range<u64>) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        range.start + (mixed ^ (mixed >> 31)) % (range.end - range.start)
    }

    /// So many milliseconds from now, at random.
    pub(crate) fn moment(&mut self, millis: Range<u64>) -> Moment {
        Moment(Duration::from_millis(self.roll(millis)))
    }

    /// Others, which follow from these.
    pub(crate) fn split(&mut self) -> Self {
        Self(self.roll(0..u64::MAX))
    }
}

/// A time to wait for. What happens then shall happen at any time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(Duration);

impl Moment {
    pub(crate) fn come(self) {
        // Nobody ever sends anything.
        let (_sender, silence) = channel::<()>();
        silence.recv_timeout(self.0).unwrap_err();
    }
}
