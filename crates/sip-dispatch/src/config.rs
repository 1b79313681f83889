//! What a dispatcher may be told.

use std::num::NonZeroU8;
use std::sync::Arc;

use crate::RouteConfig;
use crate::links::Throttle;

/// The settings of a [`Dispatcher`](crate::Dispatcher).
#[derive(Clone, Debug)]
pub struct Config {
    /// Where answers go.
    pub route: RouteConfig,
    /// The Server header of every answer, if there shall be one. A text without control characters.
    pub server: Option<String>,
    /// Budgets that all workers share. A source is charged for every message before it is read, so that repetitions
    /// and malformed messages count as well; what is beyond its budget is dropped.
    pub throttle: Option<Arc<Throttle>>,
    /// How many times as long as its request an answer to a datagram may be, as long as nobody has proved to have sent
    /// it and no link has vouched for the sender, whose address may be forged. Longer ones are not sent, and the
    /// headers for which there is no room are left out where a link can do without. `None`: as long as they are.
    pub answer_ratio: Option<NonZeroU8>,
    /// Memory of each worker for answers that may have to be repeated, in bytes, of which it uses 4 GiB at most. 4 MiB hold some
    /// 8,000.
    pub absorb_bytes: usize,
    /// How many requests of a worker may wait for a store; more are answered 503.
    pub max_pending: usize,
    /// After how many milliseconds a waiting request is answered 500. Clients give up after 32 s.
    pub pending_deadline_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            route: RouteConfig::default(),
            server: None,
            throttle: None,
            answer_ratio: None,
            absorb_bytes: 4 << 20,
            max_pending: 10_000,
            pending_deadline_ms: 20_000,
        }
    }
}
