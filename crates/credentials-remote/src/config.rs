//! Times and bounds of a remote store.

use std::time::Duration;

/// How patiently and how often a store is asked, and how much is kept of what it said.
///
/// A bound of 0 that would let nothing through counts as 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteConfig {
    /// How long the store has for one lookup. One that has waited as long for its turn is given up, so an answer comes
    /// within twice this time.
    pub deadline: Duration,
    /// How long a user that was found is used without asking again.
    pub fresh: Duration,
    /// How long a user that was not found is taken as unknown without asking again: how long one that was just added
    /// may have to wait.
    pub negative: Duration,
    /// How long after the store last knew a user it may still be used while the store is down. 0: not beyond `fresh`.
    pub stale: Duration,
    /// How many users are kept. One takes about 600 bytes (measured with a million).
    pub cache_entries: usize,
    /// How many names without a user are kept, apart from the users: strangers can invent any number of them. One takes
    /// about 200 bytes.
    pub negative_entries: usize,
    /// How many requests may wait for a lookup; those beyond are refused at once.
    pub queue: usize,
    /// How many lookups run at once: as many connections the store sees.
    pub concurrency: usize,
    /// After so many failures in a row the store is left alone.
    pub failures: u32,
    /// How long it is left alone; then one lookup tries whether it is back.
    pub open: Duration,
}

impl Default for RemoteConfig {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(1),
            fresh: Duration::from_secs(300),
            negative: Duration::from_secs(30),
            stale: Duration::from_secs(86_400),
            cache_entries: 1_000_000,
            negative_entries: 100_000,
            queue: 1024,
            concurrency: 8,
            failures: 5,
            open: Duration::from_secs(10),
        }
    }
}
