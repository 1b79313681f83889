//! One outcome.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

use registrar_api as api;
use sip_dispatch::{Outcome, Reason};
use sip_message::HeaderId;
use sip_registrar::{Aor, Binding, reason};
use sip_transport::{Now, Transport};

use crate::convert::lossy;
use crate::time::rfc3339;

/// What is kept of texts that strangers send.
const TEXT: usize = 64;

/// What is looked at of an outcome, or of a binding that no request has ended.
pub(super) struct Seen<'a> {
    at: u64,
    /// Empty: there was no request.
    method: &'a [u8],
    status: Option<u16>,
    reason: Reason,
    source: SocketAddr,
    transport: Transport,
    call_id: &'a [u8],
    user_agent: &'a [u8],
}

/// What is kept of outcomes that are alike.
pub(super) struct Kept {
    at: u64,
    since: u64,
    count: u64,
    status: Option<u16>,
    reason: Reason,
    source: SocketAddr,
    transport: Transport,
    texts: Texts,
}

/// The texts of an outcome as they came, in one piece of memory: hundreds of thousands of outcomes come and go.
struct Texts {
    /// Method, Call-ID and User-Agent, none of more than [`TEXT`] bytes, and the address, where that is not known otherwise.
    bytes: Box<[u8]>,
    /// Where the first three end.
    ends: [u8; 3],
    /// Tells Call-IDs apart without a look at the bytes, which are elsewhere.
    call: u64,
}

impl Texts {
    fn new(seen: &Seen<'_>, aor: Option<&Aor<'_>>) -> Self {
        let [method, call_id, user_agent] = [seen.method, seen.call_id, seen.user_agent].map(cut);
        let mut end = 0;
        let ends = [method, call_id, user_agent].map(|text| {
            end += text.len() as u8;
            end
        });
        let aor = aor.map_or(b"".as_slice(), Aor::as_bytes);
        Self { bytes: [method, call_id, user_agent, aor].concat().into_boxed_slice(), ends, call: print(call_id) }
    }

    fn part(&self, from: u8, to: u8) -> &[u8] {
        self.bytes.get(usize::from(from)..usize::from(to)).unwrap_or_default()
    }

    fn method(&self) -> &[u8] {
        self.part(0, self.ends[0])
    }

    fn call_id(&self) -> &[u8] {
        self.part(self.ends[0], self.ends[1])
    }

    fn user_agent(&self) -> &[u8] {
        self.part(self.ends[1], self.ends[2])
    }

    /// Empty: it is known otherwise, or could not be read.
    fn aor(&self) -> &[u8] {
        self.bytes.get(usize::from(self.ends[2])..).unwrap_or_default()
    }
}

/// What hardly any other text has. Whoever makes one with the same is shown with the Call-ID of before.
fn print(text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The beginning of a text.
fn cut(text: &[u8]) -> &[u8] {
    text.get(..TEXT).unwrap_or(text)
}

impl<'a> Seen<'a> {
    pub(super) fn of(outcome: &Outcome<'a>) -> Self {
        Self {
            at: outcome.now.wall,
            method: outcome.method.name(),
            status: outcome.status.map(|status| status.code()),
            reason: outcome.reason,
            source: outcome.peer.remote,
            transport: outcome.peer.transport,
            call_id: outcome.message.value(HeaderId::CallId).unwrap_or_default(),
            user_agent: outcome.message.value(HeaderId::UserAgent).unwrap_or_default(),
        }
    }

    /// A binding of which something else than a request has made this.
    pub(super) fn of_binding(binding: &Binding<'a>, why: Reason, now: Now) -> Self {
        Self {
            at: now.wall,
            method: b"",
            status: None,
            reason: why,
            source: binding.source,
            transport: binding.transport,
            call_id: binding.call_id,
            user_agent: binding.user_agent,
        }
    }
}

impl Kept {
    pub(super) fn new(seen: &Seen<'_>, aor: Option<&Aor<'_>>) -> Self {
        Self {
            at: seen.at,
            since: seen.at,
            count: 1,
            status: seen.status,
            reason: seen.reason,
            source: seen.source,
            transport: seen.transport,
            texts: Texts::new(seen, aor),
        }
    }

    /// Whether it ended for the same reason and came from the same address over the same transport.
    pub(super) fn is_like(&self, seen: &Seen<'_>, aor: Option<&Aor<'_>>) -> bool {
        (self.reason, self.status, self.source, self.transport)
            == (seen.reason, seen.status, seen.source, seen.transport)
            && self.texts.aor() == aor.map_or(b"".as_slice(), Aor::as_bytes)
    }

    /// One more of them.
    pub(super) fn again(&mut self, seen: &Seen<'_>, aor: Option<&Aor<'_>>) {
        self.at = seen.at;
        self.count += 1;
        // A phone's registrations have one Call-ID, so that this is rare.
        if self.texts.call != print(cut(seen.call_id)) {
            self.texts = Texts::new(seen, aor);
        }
    }

    /// Whether this is the challenge that a phone has answered.
    pub(super) fn is_challenge_to(&self, seen: &Seen<'_>) -> bool {
        (self.reason == reason::NO_CREDENTIALS || self.reason == reason::STALE_NONCE) && self.source == seen.source
    }

    /// `aor`: whose it is, if that is known otherwise.
    pub(super) fn tell(&self, aor: Option<&Aor<'_>>) -> api::Outcome {
        let some = |text: &[u8]| (!text.is_empty()).then(|| lossy(text));
        api::Outcome {
            at: rfc3339(self.at),
            since: (self.count > 1).then(|| rfc3339(self.since)),
            count: self.count,
            method: some(self.texts.method()),
            aor: some(aor.map_or(self.texts.aor(), Aor::as_bytes)),
            status: self.status,
            reason: self.reason.code().to_owned(),
            says: self.reason.says().to_owned(),
            source: self.source.to_string(),
            transport: self.transport.scheme().to_owned(),
            call_id: some(self.texts.call_id()),
            user_agent: some(self.texts.user_agent()),
        }
    }
}
