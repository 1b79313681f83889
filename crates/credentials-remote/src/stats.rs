//! What is counted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What was counted since the start, and how things are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteStats {
    /// Users found in the cache.
    pub hits: u64,
    /// Names the cache knew to have no user.
    pub negative_hits: u64,
    /// Users whose time in the cache was over, used because the store could not be asked.
    pub stale: u64,
    /// Requests that began a lookup.
    pub misses: u64,
    /// Requests that joined a lookup which somebody else had begun.
    pub joined: u64,
    /// Lookups the store answered.
    pub answered: u64,
    /// How long these took together, in microseconds.
    pub answered_us: u64,
    /// How long the last of them took; zero before the first.
    pub last_answer: Duration,
    /// Lookups the store did not answer, or not in time.
    pub failures: u64,
    /// Users whom the store has, with data that make no account.
    pub unusable: u64,
    /// Requests that found the queue full, or waited in it for too long.
    pub rejected: u64,
    /// Requests that were told to come again later, for whichever reason.
    pub unavailable: u64,
    /// How long the store has been left alone because it did not answer; `None` while it answers.
    pub down_for: Option<Duration>,
    /// Requests that are waiting now.
    pub waiting: usize,
    /// Users in the cache.
    pub known: usize,
    /// Names without a user in the cache.
    pub unknown: usize,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) hits: Counter,
    pub(crate) negative_hits: Counter,
    pub(crate) stale: Counter,
    pub(crate) misses: Counter,
    pub(crate) joined: Counter,
    pub(crate) answered: Counter,
    pub(crate) answered_us: Counter,
    pub(crate) last_answer_us: Counter,
    pub(crate) failures: Counter,
    pub(crate) unusable: Counter,
    pub(crate) rejected: Counter,
    pub(crate) unavailable: Counter,
}

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Relaxed);
    }
    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Counters {
    /// The store answered, after so many microseconds.
    pub(crate) fn answered_in(&self, micros: usize) {
        self.answered.add(1);
        self.answered_us.add(micros);
        self.last_answer_us.0.store(u64::try_from(micros).unwrap_or(u64::MAX), Relaxed);
    }

    /// The counters; what is not counted is left at its default.
    pub(crate) fn read(&self) -> RemoteStats {
        RemoteStats {
            hits: self.hits.get(),
            negative_hits: self.negative_hits.get(),
            stale: self.stale.get(),
            misses: self.misses.get(),
            joined: self.joined.get(),
            answered: self.answered.get(),
            answered_us: self.answered_us.get(),
            last_answer: Duration::from_micros(self.last_answer_us.get()),
            failures: self.failures.get(),
            unusable: self.unusable.get(),
            rejected: self.rejected.get(),
            unavailable: self.unavailable.get(),
            ..RemoteStats::default()
        }
    }
}
