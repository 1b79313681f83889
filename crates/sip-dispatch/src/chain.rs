//! The receive chain: links in order, each with the methods and requests it wants to see. A chain is itself a link.

use std::fmt;
use std::sync::Arc;

use sip_message::Method;
use sip_transport::{FlowEvent, Now, Peer, Tick};

use crate::{Coming, Deferred, Exchange, Receiver, Share, Verdict};

type Filter = Box<dyn Fn(&Exchange<'_>) -> bool + Send + Sync>;

/// A receiver and what it is shown.
pub struct Link {
    receiver: Box<dyn Receiver>,
    methods: Option<Box<[Box<[u8]>]>>,
    filter: Option<Filter>,
}

impl Link {
    /// A link that sees every request.
    pub fn new(receiver: impl Receiver + 'static) -> Self {
        Self { receiver: Box::new(receiver), methods: None, filter: None }
    }

    /// Shows it only requests with one of these methods.
    #[must_use]
    pub fn methods(mut self, methods: &[Method<'_>]) -> Self {
        self.methods = Some(methods.iter().map(|method| method.name().into()).collect());
        self
    }

    /// Shows it only requests of which `filter` says yes; a method set is asked first.
    #[must_use]
    pub fn filter(mut self, filter: impl Fn(&Exchange<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Some(Box::new(filter));
        self
    }

    fn wants(&self, ex: &Exchange<'_>) -> bool {
        let method = ex.method();
        self.methods.as_ref().is_none_or(|methods| methods.iter().any(|name| **name == *method.name()))
            && self.filter.as_ref().is_none_or(|filter| filter(ex))
    }
}

impl<R: Receiver + 'static> From<R> for Link {
    fn from(receiver: R) -> Self {
        Self::new(receiver)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("filtered", &self.filter.is_some()).finish_non_exhaustive()
    }
}

/// Links in order. Cheap to clone: the clones share their links.
#[derive(Clone, Debug, Default)]
pub struct ReceiveChain {
    links: Arc<[Link]>,
}

impl ReceiveChain {
    /// A chain of these links.
    #[must_use]
    pub fn new(links: impl IntoIterator<Item = Link>) -> Self {
        Self { links: links.into_iter().collect() }
    }

    /// Shows the request to the links from `from` on until one of them handles it.
    fn walk(&self, ex: &mut Exchange<'_>, from: usize) -> Verdict {
        for (at, link) in self.links.iter().enumerate().skip(from) {
            if !link.wants(ex) {
                continue;
            }
            let verdict = link.receiver.receive(ex);
            match settled(ex, verdict) {
                Verdict::Pass => {}
                Verdict::Pending(deferred) => return self.clone().wait(deferred, at),
                handled @ Verdict::Handled(_) => return handled,
            }
        }
        Verdict::Pass
    }

    /// Goes on once the link at `at` has come to a verdict.
    fn wait(self, deferred: Deferred, at: usize) -> Verdict {
        Verdict::Pending(deferred.and_then(move |ex, verdict| match settled(ex, verdict) {
            Verdict::Pass => self.walk(ex, at + 1),
            Verdict::Pending(again) => self.wait(again, at),
            handled @ Verdict::Handled(_) => handled,
        }))
    }
}

/// What has been answered is answered, whatever the link says.
fn settled(ex: &Exchange<'_>, verdict: Verdict) -> Verdict {
    ex.sealed().map_or(verdict, Verdict::Handled)
}

impl Receiver for ReceiveChain {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        self.walk(ex, 0)
    }

    fn prepare(&self, coming: &Coming<'_>) {
        self.links.iter().for_each(|link| link.receiver.prepare(coming));
    }

    fn tick(&self, now: Now, share: Share) -> Tick {
        let more = self.links.iter().filter(|link| link.receiver.tick(now, share) == Tick::More).count();
        if more > 0 { Tick::More } else { Tick::Done }
    }

    fn flow(&self, peer: &Peer, event: FlowEvent, now: Now) {
        self.links.iter().for_each(|link| link.receiver.flow(peer, event, now));
    }
}
