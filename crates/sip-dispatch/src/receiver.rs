//! The links of a receive chain.

use sip_transport::{Now, Tick};

use crate::{BoxFuture, Exchange, Sealed};

/// One link of a [`ReceiveChain`](crate::ReceiveChain).
pub trait Receiver: Send + Sync {
    /// Looks at a request.
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict;

    /// Called about every 100 ms by every worker, for work that is spread over time: `share` says which part of it is
    /// this worker's.
    fn tick(&self, now: Now, share: Share) -> Tick {
        let _ = (now, share);
        Tick::Done
    }
}

/// What a link made of a request.
#[must_use]
#[derive(Debug)]
pub enum Verdict {
    /// Not mine: the next link sees the same request.
    Pass,
    /// Answered, or ignored on purpose. Only [`Exchange::reply`] and [`Exchange::ignore`] make a [`Sealed`].
    Handled(Sealed),
    /// Somebody has to be asked first; see [`Exchange::when`].
    Pending(Deferred),
}

/// One worker's part of work that all share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// This part, from 0.
    pub index: usize,
    /// How many parts there are, from 1.
    pub of: usize,
}

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, of: 1 };
}

/// What is done with an answer when it has come.
pub(crate) type Continuation = Box<dyn FnOnce(&mut Exchange<'_>) -> Verdict + Send>;

/// A request that waits: a future, and what to do with its result.
#[must_use]
pub struct Deferred {
    pub(crate) future: BoxFuture<'static, Continuation>,
}

impl Deferred {
    /// Waits for `future` and goes on with `then`.
    pub fn new<T: Send + 'static>(
        future: BoxFuture<'static, T>,
        then: impl FnOnce(&mut Exchange<'_>, T) -> Verdict + Send + 'static,
    ) -> Self {
        let future = Box::pin(async move {
            let value = future.await;
            Box::new(move |ex: &mut Exchange<'_>| then(ex, value)) as Continuation
        });
        Self { future }
    }

    /// The same, going on with `more` once this part has come to a verdict.
    pub(crate) fn and_then(self, more: impl FnOnce(&mut Exchange<'_>, Verdict) -> Verdict + Send + 'static) -> Self {
        let first = self.future;
        let future = Box::pin(async move {
            let first = first.await;
            Box::new(move |ex: &mut Exchange<'_>| {
                let verdict = first(ex);
                more(ex, verdict)
            }) as Continuation
        });
        Self { future }
    }
}

impl std::fmt::Debug for Deferred {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Deferred")
    }
}

impl<R: Receiver + ?Sized> Receiver for std::sync::Arc<R> {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        (**self).receive(ex)
    }
    fn tick(&self, now: Now, share: Share) -> Tick {
        (**self).tick(now, share)
    }
}
