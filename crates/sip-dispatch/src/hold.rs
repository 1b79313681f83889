//! What answers wait for that are written already.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::Reason;

/// Something that comes to pass or does not, such as the write of a group of changes. Many wait for it together.
pub trait Gate: Send + Sync {
    /// Whether it has come to pass. While that is open the waker is kept, and woken once.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<bool>;
}

/// Until when an answer must not leave; see [`Answer::Held`](crate::Answer::Held).
#[derive(Clone)]
pub struct Hold {
    gate: Arc<dyn Gate>,
    lost: Reason,
}

impl Hold {
    /// Until `gate` says what has become of it. Requests whose answers must not leave then are refused with 503 and
    /// Retry-After, for the reason `lost`.
    #[must_use]
    pub fn new(gate: Arc<dyn Gate>, lost: Reason) -> Self {
        Self { gate, lost }
    }

    /// Why requests are refused if it does not come to pass.
    #[must_use]
    pub fn lost(&self) -> Reason {
        self.lost
    }

    /// Waits for the end; says whether what waits may be told.
    pub async fn over(&self) -> bool {
        poll_fn(|cx| self.poll(cx)).await
    }

    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<bool> {
        self.gate.poll(cx)
    }

    /// Whether both end together.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.gate, &other.gate)
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("lost", &self.lost).finish_non_exhaustive()
    }
}
