//! What a load sends, and what came of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::digest::Login;
use super::pace::Pace;
use super::requests::Kind;

/// What to send.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) proof: Proof,
    /// The first user and how many take turns.
    pub(crate) users: (u32, u32),
    /// Requests in all, or pairs of them.
    pub(crate) count: u64,
    pub(crate) pace: Pace,
    /// Ends earlier at this moment.
    pub(crate) until: Option<Instant>,
}

/// How the senders prove who they are.
#[derive(Clone, Copy)]
pub(crate) enum Proof {
    /// Nobody asks them to.
    NotAsked,
    /// Not at all: a challenge is the answer that is wanted.
    Missing,
    /// By the answer to a challenge, in the same request sent again. The two count as one.
    Pair(Login),
    /// By the next use of the nonce that each had from the last pair.
    Again(Login),
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) answered: u64,
    /// Answers other than the one that is wanted, by status code.
    pub(crate) unwanted: BTreeMap<u16, u64>,
    pub(crate) lost: u64,
    pub(crate) took: Duration,
    /// Nanoseconds, in order of size when all have come.
    pub(super) latencies: Vec<u32>,
}

impl Outcome {
    /// The latency that this share of the requests did not exceed.
    pub(crate) fn latency(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        Duration::from_nanos(self.latencies.get(at).copied().unwrap_or(0).into())
    }

    /// How many requests took longer.
    pub(crate) fn longer_than(&self, limit: Duration) -> usize {
        self.latencies.iter().filter(|nanos| Duration::from_nanos(u64::from(**nanos)) > limit).count()
    }

    /// Answers in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }
}
