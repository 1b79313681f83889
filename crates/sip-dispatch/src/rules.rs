//! What all workers go by, and how it is replaced while they work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Config, ReceiveChain};

/// A chain and a configuration that dispatchers follow: each takes up new ones with its next tick, about 100 ms later at
/// most. Cheap to clone; the clones are one.
#[derive(Clone, Debug)]
pub struct Rules {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// How often they were replaced. Looked at in every tick, the rest only after it has changed.
    edition: AtomicU64,
    now: Mutex<(ReceiveChain, Config)>,
}

impl Rules {
    /// These to begin with.
    #[must_use]
    pub fn new(chain: ReceiveChain, config: Config) -> Self {
        Self { shared: Arc::new(Shared { edition: AtomicU64::new(0), now: Mutex::new((chain, config)) }) }
    }

    /// Puts others in their place. A request that waits goes on in the chain in which it began, and
    /// [`Config::absorb_bytes`] stays as it was for dispatchers that are there.
    pub fn replace(&self, chain: ReceiveChain, config: Config) {
        let mut now = self.shared.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = (chain, config);
        self.shared.edition.fetch_add(1, Ordering::Release);
    }

    /// Those that hold now, with their edition.
    pub(crate) fn current(&self) -> (u64, ReceiveChain, Config) {
        let now = self.shared.now.lock().unwrap_or_else(PoisonError::into_inner);
        let (chain, config) = now.clone();
        (self.shared.edition.load(Ordering::Acquire), chain, config)
    }

    /// Whether there are others than those of `edition`.
    pub(crate) fn are_newer_than(&self, edition: u64) -> bool {
        self.shared.edition.load(Ordering::Acquire) != edition
    }
}
