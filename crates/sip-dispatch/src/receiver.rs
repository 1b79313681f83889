//! The links of a receive chain.

use std::task::{Context, Poll};

use sip_transport::{FlowEvent, Now, Peer, Tick};

use crate::{BoxFuture, Coming, Exchange, Sealed};

/// One link of a [`ReceiveChain`](crate::ReceiveChain).
pub trait Receiver: Send + Sync {
    /// Looks at a request.
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict;

    /// Requests that may reach this link soon: a chance to ask memory for what they will need. Nothing depends on it.
    fn prepare(&self, coming: &Coming<'_>) {
        let _ = coming;
    }

    /// Called about every 100 ms by every worker, for work that is spread over time: `share` says which part of it is
    /// this worker's.
    fn tick(&self, now: Now, share: Share) -> Tick {
        let _ = (now, share);
        Tick::Done
    }

    /// Called when something has become of a connection, by the worker that has it.
    fn flow(&self, peer: &Peer, event: FlowEvent, now: Now) {
        let _ = (peer, event, now);
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

/// A request that waits: a future, and what to do with its result.
#[must_use]
pub struct Deferred {
    step: Box<dyn Step>,
}

impl Deferred {
    /// Waits for `future` and goes on with `then`.
    pub fn new<T: Send + 'static>(
        future: BoxFuture<'static, T>,
        then: impl FnOnce(&mut Exchange<'_>, T) -> Verdict + Send + 'static,
    ) -> Self {
        Self { step: Box::new(Asked { future, value: None, then }) }
    }

    /// The same, going on with `more` once this part has come to a verdict.
    pub(crate) fn and_then(self, more: impl FnOnce(&mut Exchange<'_>, Verdict) -> Verdict + Send + 'static) -> Self {
        Self { step: Box::new(Followed { first: self.step, more }) }
    }

    /// Waits for the result; not again once it is there.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.step.poll(cx)
    }

    /// Goes on with the result; without one the request passes.
    pub(crate) fn go_on(self, ex: &mut Exchange<'_>) -> Verdict {
        self.step.go_on(ex)
    }
}

/// What a [`Deferred`] is made of: one box for each link that has a part in it.
trait Step: Send {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;
    fn go_on(self: Box<Self>, ex: &mut Exchange<'_>) -> Verdict;
}

/// A link has asked somebody.
struct Asked<T, F> {
    future: BoxFuture<'static, T>,
    value: Option<T>,
    then: F,
}

impl<T: Send, F: FnOnce(&mut Exchange<'_>, T) -> Verdict + Send> Step for Asked<T, F> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.future.as_mut().poll(cx).map(|value| self.value = Some(value))
    }
    fn go_on(self: Box<Self>, ex: &mut Exchange<'_>) -> Verdict {
        let Self { value, then, .. } = *self;
        value.map_or(Verdict::Pass, |value| then(ex, value))
    }
}

/// A chain goes on behind it.
struct Followed<F> {
    first: Box<dyn Step>,
    more: F,
}

impl<F: FnOnce(&mut Exchange<'_>, Verdict) -> Verdict + Send> Step for Followed<F> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.first.poll(cx)
    }
    fn go_on(self: Box<Self>, ex: &mut Exchange<'_>) -> Verdict {
        let verdict = self.first.go_on(ex);
        (self.more)(ex, verdict)
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
    fn prepare(&self, coming: &Coming<'_>) {
        (**self).prepare(coming);
    }
    fn tick(&self, now: Now, share: Share) -> Tick {
        (**self).tick(now, share)
    }
    fn flow(&self, peer: &Peer, event: FlowEvent, now: Now) {
        (**self).flow(peer, event, now);
    }
}
