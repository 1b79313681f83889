//! Time as an argument.

/// Milliseconds since the Unix epoch on a clock that never jumps: the wall clock read once at the start, plus the
/// monotonic time since. What is compared (expiry, deadlines, nonce ages) is compared as `Timestamp`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// This time and `seconds` more.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// This time and `millis` more.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds since `earlier`; 0 if that is later.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole seconds, rounded down.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

/// The moment at which something is handled, read once for a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For every comparison.
    pub at: Timestamp,
    /// What the wall clock shows, in milliseconds since the Unix epoch: for the Date header and for people only.
    pub wall: u64,
}

impl Now {
    /// A moment of which both clocks agree, as in tests and simulations.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self { at: Timestamp(millis), wall: millis }
    }
}
