//! What an operator wants to hear of a store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::source::{SourceError, User};

/// Something that belongs in a log. Rare: not more than a line for each change, and for each user with unusable data
/// one in the time that names without a user are kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreEvent<'a> {
    /// A lookup failed, and the one before had not.
    Failed(&'a SourceError),
    /// So many failed in a row that the store is left alone for a while; this is the last error.
    Down(&'a SourceError),
    /// The store answers again, after this time.
    Up(Duration),
    /// What is stored for this user makes no account.
    Unusable(&'a User, &'a SourceError),
}

/// What a [`Remote`](crate::Remote) gets from its surroundings.
#[derive(Clone)]
pub struct Hooks {
    /// Told what happens to the store, on the thread that asks it: it must not block.
    pub on_event: Arc<dyn Fn(StoreEvent<'_>) + Send + Sync>,
    /// The time by which cached users age. Deadlines of lookups go by the real clock.
    pub clock: Arc<dyn Fn() -> Instant + Send + Sync>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { on_event: Arc::new(|_| ()), clock: Arc::new(Instant::now) }
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hooks")
    }
}
