//! What the operator allows.

/// Bounds for one registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The shortest expiry that is granted, in seconds. What asks for less is answered 423, unless it asks for an hour
    /// or more (RFC 3261 §10.3 step 7).
    pub min_expires: u32,
    /// The longest expiry that is granted, in seconds.
    pub max_expires: u32,
    /// What a contact gets that asks for nothing, in seconds.
    pub default_expires: u32,
    /// By how much an expiry may be shortened so that phones that came together do not stay together, in percent.
    pub jitter: u8,
    /// How many bindings an address of record may have, and a request may name.
    pub max_contacts: usize,
    /// What happens when there would be more.
    pub eviction: Eviction,
}

/// What happens when an address of record has all the bindings it may have and one more comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Eviction {
    /// The binding that would expire soonest is removed: a phone that came back under another address is not shut out
    /// by its own past.
    #[default]
    SoonestToExpire,
    /// The request is refused with 403, unless suspect bindings can make room.
    Refuse,
}

impl Default for Limits {
    /// As Net::SIP has it: 30 to 300 seconds; 10 contacts.
    fn default() -> Self {
        Self {
            min_expires: 30,
            max_expires: 300,
            default_expires: 300,
            jitter: 10,
            max_contacts: 10,
            eviction: Eviction::default(),
        }
    }
}

impl Limits {
    /// An hour: what asks for so much is never too brief.
    const HOUR: u32 = 3600;

    /// Whether a wanted expiry has to be refused with 423.
    #[must_use]
    pub fn is_too_brief(&self, wanted: u32) -> bool {
        wanted > 0 && wanted < Self::HOUR && wanted < self.min_expires
    }

    /// The expiry that is granted to one who wants `wanted` seconds: never longer, never over the maximum, and
    /// shortened at random (`seed` is asked for a number) by at most the jitter, but not under the minimum. 0 for 0.
    #[must_use]
    pub fn grant(&self, wanted: u32, seed: impl FnOnce() -> u64) -> u32 {
        let granted = wanted.min(self.max_expires);
        let room = u64::from(granted) * u64::from(self.jitter.min(100)) / 100;
        if room == 0 {
            return granted;
        }
        let shortened = granted - u32::try_from(seed() % (room + 1)).unwrap_or(0);
        shortened.max(self.min_expires.min(granted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_minimum_yields_to_an_hour() {
        let limits = Limits { min_expires: 7200, max_expires: 9000, ..Limits::default() };
        assert!(!limits.is_too_brief(0));
        assert!(limits.is_too_brief(1) && limits.is_too_brief(3599));
        assert!(!limits.is_too_brief(3600));
        assert_eq!(limits.grant(3600, || 5), 3600);
    }

    proptest! {
        #[test]
        fn a_grant_is_never_longer_than_asked_nor_under_the_minimum(
            wanted in 1u32.., seed: u64, jitter in 0u8..=100, min in 1u32..5000, more in 0u32..100_000,
        ) {
            let limits = Limits { min_expires: min, max_expires: min + more, jitter, ..Limits::default() };
            prop_assume!(!limits.is_too_brief(wanted));
            let granted = limits.grant(wanted, || seed);
            prop_assert!(granted <= wanted && granted <= limits.max_expires);
            prop_assert!(granted >= min.min(wanted));
            prop_assert!(u64::from(granted) * 100 >= u64::from(wanted.min(limits.max_expires)) * u64::from(100 - jitter));
        }
    }
}
