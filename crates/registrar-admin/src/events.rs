//! What happens, for those who watch.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use registrar_api::{Event, EventKind};
use sip_dispatch::{Outcome, Reason};
use sip_message::HeaderId;
use sip_message::header::To;
use sip_registrar::{Aor, Binding, Observer, Record};
use sip_transport::Now;
use tokio::sync::Notify;

use crate::changes::{self, Change};
use crate::convert::{cut, lossy};
use crate::history::is_refusal;
use crate::time::rfc3339;

/// How many events are kept for readers that are behind.
const KEPT: usize = 65_536;

/// How many a reader is given at once.
const AT_ONCE: usize = 256;

/// Events, in a ring that every reader has a place of its own in. While nobody reads nothing is made.
#[derive(Debug, Default)]
pub struct EventLog {
    ring: Mutex<Ring>,
    readers: AtomicUsize,
    more: Notify,
}

#[derive(Debug, Default)]
struct Ring {
    /// The number of the first that is kept.
    first: u64,
    events: VecDeque<Arc<Event>>,
}

/// One who reads, from where the log was when it began.
#[derive(Debug)]
pub(crate) struct Reader {
    log: Arc<EventLog>,
    next: u64,
}

/// What a reader is given.
pub(crate) struct Batch {
    /// Events that were made and are no longer there.
    pub(crate) missed: u64,
    pub(crate) events: Vec<Arc<Event>>,
}

impl EventLog {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up how a request ended, if it was refused.
    pub fn outcome(&self, outcome: &Outcome<'_>) {
        if !self.is_read() || !is_refusal(outcome) {
            return;
        }
        let mut buffer = Vec::new();
        let to = outcome.message.header::<To<'_>>().ok().flatten();
        let aor = to.and_then(|to| Aor::from_uri(&to.0.uri, &mut buffer).ok());
        let text = |id| outcome.message.value(id).map(|text| cut(text, 64));
        self.push(Event {
            aor: aor.map(|aor| lossy(aor.as_bytes())),
            source: Some(outcome.peer.remote.to_string()),
            transport: Some(outcome.peer.transport.scheme().to_owned()),
            call_id: text(HeaderId::CallId),
            user_agent: text(HeaderId::UserAgent),
            status: outcome.status.map(|status| status.code()),
            ..event(EventKind::Refused, outcome.reason, outcome.now)
        });
    }

    /// One who reads from now on.
    pub(crate) fn reader(self: &Arc<Self>) -> Reader {
        self.readers.fetch_add(1, Ordering::SeqCst);
        let ring = self.ring.lock();
        Reader { log: Arc::clone(self), next: ring.next() }
    }

    /// How many read.
    pub(crate) fn readers(&self) -> usize {
        self.readers.load(Ordering::Relaxed)
    }

    fn is_read(&self) -> bool {
        self.readers() > 0
    }

    fn push(&self, mut event: Event) {
        let mut ring = self.ring.lock();
        event.id = ring.next();
        if ring.events.len() == KEPT {
            ring.events.pop_front();
            ring.first += 1;
        }
        ring.events.push_back(Arc::new(event));
        drop(ring);
        self.more.notify_waiters();
    }
}

impl Ring {
    fn next(&self) -> u64 {
        self.first + u64::try_from(self.events.len()).unwrap_or_default()
    }
}

impl Reader {
    /// What has happened since; waits until something has.
    pub(crate) async fn next(&mut self) -> Batch {
        let log = Arc::clone(&self.log);
        loop {
            let more = log.more.notified();
            tokio::pin!(more);
            // From here on nothing that is pushed is missed.
            more.as_mut().enable();
            if let Some(batch) = self.take() {
                return batch;
            }
            more.await;
        }
    }

    fn take(&mut self) -> Option<Batch> {
        let ring = self.log.ring.lock();
        let missed = ring.first.saturating_sub(self.next);
        let from = usize::try_from((self.next + missed).saturating_sub(ring.first)).unwrap_or(usize::MAX);
        let events: Vec<_> = ring.events.iter().skip(from).take(AT_ONCE).cloned().collect();
        self.next += missed + u64::try_from(events.len()).unwrap_or_default();
        (missed > 0 || !events.is_empty()).then_some(Batch { missed, events })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.log.readers.fetch_sub(1, Ordering::SeqCst) == 1 {
            // Nobody is left to be told; whoever comes begins at the end.
            let mut ring = self.log.ring.lock();
            ring.first = ring.next();
            ring.events = VecDeque::new();
        }
    }
}

impl Observer for EventLog {
    fn changed(&self, aor: &Aor<'_>, before: Option<&Record>, after: Option<&Record>, why: Reason, now: Now) {
        if !self.is_read() {
            return;
        }
        let address = lossy(aor.as_bytes());
        changes::each(before, after, why, now, |Change { kind, why, binding }| {
            self.push(of_binding(kind, why, &address, binding, now));
        });
    }
}

fn of_binding(kind: EventKind, why: Reason, aor: &str, binding: &Binding<'_>, now: Now) -> Event {
    let is_granted = matches!(kind, EventKind::Registered | EventKind::Refreshed);
    Event {
        aor: Some(aor.to_owned()),
        contact: Some(lossy(binding.contact)),
        expires: is_granted.then_some(binding.granted),
        source: Some(binding.source.to_string()),
        transport: Some(binding.transport.scheme().to_owned()),
        call_id: Some(lossy(binding.call_id)),
        user_agent: (!binding.user_agent.is_empty()).then(|| lossy(binding.user_agent)),
        ..event(kind, why, now)
    }
}

/// One that has no more to say. Its number comes with its place in the ring.
fn event(kind: EventKind, why: Reason, now: Now) -> Event {
    Event {
        id: 0,
        at: rfc3339(now.wall),
        kind,
        reason: why.code().to_owned(),
        aor: None,
        contact: None,
        expires: None,
        source: None,
        transport: None,
        call_id: None,
        user_agent: None,
        status: None,
        backend: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_registrar::reason;

    fn one() -> Event {
        event(EventKind::BackendUp, reason::REGISTERED, Now::from_millis(0))
    }

    #[test]
    fn each_reader_has_its_place_and_is_told_what_it_missed() {
        let log = Arc::new(EventLog::new());
        assert!(!log.is_read());
        let mut slow = log.reader();
        (0..3).for_each(|_| log.push(one()));
        let mut late = log.reader();
        assert!(late.take().is_none());
        let ids = |batch: &Batch| batch.events.iter().map(|event| event.id).collect::<Vec<_>>();
        assert_eq!(ids(&slow.take().unwrap()), [0, 1, 2]);
        (0..=KEPT).for_each(|_| log.push(one()));
        let batch = slow.take().unwrap();
        assert_eq!((batch.missed, batch.events.len(), batch.events[0].id), (1, AT_ONCE, 4));
        drop((slow, late));
        assert!(!log.is_read() && log.ring.lock().events.is_empty());
        assert!(log.reader().take().is_none());
    }
}
