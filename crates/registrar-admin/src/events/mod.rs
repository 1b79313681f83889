//! What happens, for those who watch.

mod log;

pub(crate) use log::{Batch, From, Reader};

use std::sync::Arc;

use registrar_api::{Event, EventKind};
use sip_dispatch::{Outcome, Reason};
use sip_message::HeaderId;
use sip_message::header::To;
use sip_registrar::{Aor, Binding, Observer, Record};
use sip_transport::Now;

use crate::changes::{self, Change};
use crate::convert::{cut, lossy};
use crate::history::is_refusal;
use crate::time::rfc3339;
use log::Log;

/// Events, in a ring that every reader has a place of its own in. While nobody reads, nothing is made; but when the last
/// has gone, it goes on for five minutes, so that one who lost its connection finds what happened meanwhile.
#[derive(Debug, Default)]
pub struct EventLog {
    log: Arc<Log>,
}

impl EventLog {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up how a request ended, if it was refused.
    pub fn outcome(&self, outcome: &Outcome<'_>) {
        if !self.log.is_kept(outcome.now.at) || !is_refusal(outcome) {
            return;
        }
        let mut buffer = Vec::new();
        let to = outcome.message.header::<To<'_>>().ok().flatten();
        let aor = to.and_then(|to| Aor::from_uri(&to.0.uri, &mut buffer).ok());
        let text = |id| outcome.message.value(id).map(|text| cut(text, 64));
        self.log.push(Event {
            aor: aor.map(|aor| lossy(aor.as_bytes())),
            source: Some(outcome.peer.remote.to_string()),
            transport: Some(outcome.peer.transport.scheme().to_owned()),
            call_id: text(HeaderId::CallId),
            user_agent: text(HeaderId::UserAgent),
            status: outcome.status.map(|status| status.code()),
            ..event(EventKind::Refused, outcome.reason, outcome.now)
        });
    }

    /// Takes up that a store answers again, or, with what is wrong, that it does not. `refuses`: how requests end that
    /// need it.
    pub fn backend(&self, name: &str, failure: Option<&str>, refuses: Reason, now: Now) {
        if !self.log.is_kept(now.at) {
            return;
        }
        let kind = if failure.is_some() { EventKind::BackendDown } else { EventKind::BackendUp };
        self.log.push(Event {
            backend: Some(name.to_owned()),
            failure: failure.map(str::to_owned),
            ..event(kind, refuses, now)
        });
    }

    /// One who reads.
    pub(crate) fn reader(&self, from: From) -> Reader {
        Log::reader(&self.log, from)
    }

    /// The number of the event that will be made next.
    pub(crate) fn next(&self) -> u64 {
        self.log.next()
    }

    /// How many read.
    pub(crate) fn readers(&self) -> usize {
        self.log.readers()
    }
}

impl Observer for EventLog {
    fn changed(&self, aor: &Aor<'_>, before: Option<&Record>, after: Option<&Record>, why: Reason, now: Now) {
        if !self.log.is_kept(now.at) {
            return;
        }
        let address = lossy(aor.as_bytes());
        changes::each(before, after, why, now, |Change { kind, why, binding }| {
            self.log.push(of_binding(kind, why, &address, binding, now));
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
        failure: None,
    }
}
