//! One request on its way through the chain.

use std::cell::OnceCell;
use std::fmt;

use sip_message::header::{CSeq, CallId, DigestCredentials, NameAddr, Via};
use sip_message::{HeaderId, Message, Method, ParseError, Request, ResponseWriter, Uri, WriteError};
use sip_transport::{Now, Outbox, Peer};

use crate::identity::Carried;
use crate::parts::{FirstDigest, Parts};
use crate::route::response_route;
use crate::told::Told;
use crate::transaction::{Keys, TransactionKey};
use crate::{Answer, Config, Deferred, Hold, Identity, Reason, Status, Verdict, reason};

/// The longest UDP datagram over IPv4: 65,535 bytes less the headers of IP and UDP.
const MAX_DATAGRAM: usize = 65_507;

/// A request, where it came from, and the one chance to answer it.
///
/// A link reads the request and passes, or ends the exchange with [`reply`](Exchange::reply) or
/// [`ignore`](Exchange::ignore).
pub struct Exchange<'e> {
    pub(crate) message: Message<'e>,
    /// Empty if the request line cannot be read; no link sees such a request.
    pub(crate) request: Request<'e>,
    /// If they have been read; else they are when one is asked for.
    pub(crate) parts: Option<&'e Parts<'e>>,
    pub(crate) late_parts: OnceCell<Parts<'e>>,
    pub(crate) digest: FirstDigest<'e>,
    pub(crate) via: &'e Via<'e>,
    pub(crate) peer: &'e Peer,
    pub(crate) now: Now,
    pub(crate) key: TransactionKey,
    pub(crate) keys: &'e Keys,
    pub(crate) config: &'e Config,
    pub(crate) out: &'e mut Outbox,
    pub(crate) carried: Carried<'e>,
    pub(crate) sealed: Option<Sealed>,
    /// The answer is not kept for repetitions.
    pub(crate) stateless: bool,
    /// A link has tried to answer a second time.
    pub(crate) contradicted: bool,
    /// Until when the answer must not leave.
    pub(crate) hold: Option<Hold>,
    /// What is to be done when it may.
    pub(crate) told: Told,
}

/// The proof that a request was answered, or ignored on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    status: Option<Status>,
    reason: Reason,
}

impl Sealed {
    /// The status that was sent; `None` if nothing was.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.status
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }
}

impl<'e> Exchange<'e> {
    /// The request. Its lifetime is not that of the borrow of `self`, so it can be read while replying.
    #[must_use]
    pub fn message(&self) -> Message<'e> {
        self.message
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method<'e> {
        self.request.method
    }

    /// The request line.
    #[must_use]
    pub fn request(&self) -> Request<'e> {
        self.request
    }

    fn parts(&self) -> &Parts<'e> {
        self.parts.unwrap_or_else(|| self.late_parts.get_or_init(|| Parts::read(self.message, &self.request)))
    }

    /// The Request-URI.
    ///
    /// # Errors
    /// It is malformed.
    pub fn uri(&self) -> Result<Uri<'e>, ParseError> {
        self.parts().uri
    }

    /// From; `None` if there is none.
    ///
    /// # Errors
    /// It is malformed.
    pub fn from(&self) -> Result<Option<NameAddr<'e>>, ParseError> {
        self.parts().from
    }

    /// To; `None` if there is none.
    ///
    /// # Errors
    /// It is malformed.
    pub fn to(&self) -> Result<Option<NameAddr<'e>>, ParseError> {
        self.parts().to
    }

    /// Call-ID; `None` if there is none.
    ///
    /// # Errors
    /// It is malformed.
    pub fn call_id(&self) -> Result<Option<CallId<'e>>, ParseError> {
        self.parts().call_id
    }

    /// CSeq; `None` if there is none.
    ///
    /// # Errors
    /// It is malformed.
    pub fn cseq(&self) -> Result<Option<CSeq<'e>>, ParseError> {
        self.parts().cseq
    }

    /// The digest in a line of the request's credentials; `None` if they are of another scheme.
    ///
    /// # Errors
    /// They are malformed.
    pub fn digest(&self, line: &'e [u8]) -> Result<Option<DigestCredentials<'e>>, ParseError> {
        self.digest.of(line)
    }

    /// The topmost Via.
    #[must_use]
    pub fn via(&self) -> &'e Via<'e> {
        self.via
    }

    /// Who sent it, as observed.
    #[must_use]
    pub fn peer(&self) -> &'e Peer {
        self.peer
    }

    /// When it is handled.
    #[must_use]
    pub fn now(&self) -> Now {
        self.now
    }

    /// Whether the exchange has ended, and how.
    #[must_use]
    pub fn sealed(&self) -> Option<Sealed> {
        self.sealed
    }

    /// Who has proved to have sent it; `None` until a link has asked.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity<'e>> {
        self.carried.identity.as_ref()
    }

    /// Tells the links behind who has sent it.
    pub fn identify(&mut self, identity: Identity<'e>) {
        self.carried.identity = Some(identity);
    }

    /// Tells the links behind that its sender is trusted, though nothing was proved: an address of ours, say.
    pub fn vouch(&mut self) {
        self.carried.vouched = true;
    }

    /// Whether a link has said that its sender is trusted.
    #[must_use]
    pub fn is_vouched(&self) -> bool {
        self.carried.vouched
    }

    /// Whether nobody has proved to have sent it and nobody vouches for its sender.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.carried.identity.is_none() && !self.carried.vouched
    }

    /// Adds a header to the answer, if that is one of success (2xx), whichever link gives it.
    pub fn on_success(&mut self, id: HeaderId, value: impl Into<Box<[u8]>>) {
        self.carried.on_success.push((id, value.into()));
    }

    /// Has the answer not kept: a repetition of the request is answered anew, with the same To tag (RFC 3261 §8.2.7).
    /// For what costs no more to answer again than to repeat, and would let strangers fill what is kept.
    pub fn answer_statelessly(&mut self) {
        self.stateless = true;
    }

    /// Answers with `status` and the headers that `write` adds, and ends the exchange.
    ///
    /// A request has one final answer: once the exchange has ended, nothing more is written, the first [`Sealed`] is
    /// given back, and the attempt is counted as [`second_answers`](crate::CountersSnapshot::second_answers). If the
    /// answer cannot be written, 500 is sent in its place.
    pub fn reply(&mut self, status: Status, reason: Reason, write: impl FnOnce(&mut ResponseWriter<'_>)) -> Sealed {
        if let Some(sealed) = self.sealed {
            self.contradicted = true;
            return sealed;
        }
        let sealed = match self.write(status, write) {
            Ok(()) => Sealed { status: Some(status), reason },
            Err(WriteError::TooLong) if self.limit() < MAX_DATAGRAM => {
                Sealed { status: None, reason: reason::ANSWER_TOO_LONG }
            }
            Err(_) => {
                let status = self.write(Status::INTERNAL_ERROR, |_| {}).is_ok().then_some(Status::INTERNAL_ERROR);
                Sealed { status, reason: reason::UNWRITABLE }
            }
        };
        self.sealed = Some(sealed);
        sealed
    }

    fn write(&mut self, status: Status, write: impl FnOnce(&mut ResponseWriter<'_>)) -> Result<(), WriteError> {
        let (to, top) = response_route(self.via, self.peer, self.config.route);
        let tag = self.keys.to_tag(self.key);
        let limit = self.limit();
        let line = (status.code(), status.phrase());
        let mut out = self.out.begin();
        let mut writer = ResponseWriter::answering(out.buffer(), limit, self.message, line, &top, &tag);
        write(&mut writer);
        if (200..300).contains(&status.code()) {
            for (id, value) in &self.carried.on_success {
                writer.header(*id, &**value);
            }
        }
        if let Some(server) = &self.config.server {
            writer.header_if_room(HeaderId::Server, server.as_str());
        }
        writer.finish(b"")?;
        out.send(to);
        Ok(())
    }

    /// How long an answer may be.
    fn limit(&self) -> usize {
        match self.config.answer_ratio {
            _ if self.peer.flow.is_some() => usize::from(u16::MAX),
            // Whoever is behind a forged source gets no more than the forger could have sent there.
            Some(ratio) if self.is_anonymous() => {
                usize::from(ratio.get()).saturating_mul(self.message.bytes().len()).min(MAX_DATAGRAM)
            }
            _ => MAX_DATAGRAM,
        }
    }

    /// Answers with `status` and no headers of its own.
    pub fn refuse(&mut self, status: Status, reason: Reason) -> Sealed {
        self.reply(status, reason, |_| {})
    }

    /// Ends the exchange without an answer.
    pub fn ignore(&mut self, reason: Reason) -> Sealed {
        *self.sealed.get_or_insert(Sealed { status: None, reason })
    }

    /// Goes on with `then` when the answer is there: at once and without boxing anything if it is, else when its
    /// future is ready. `context` is cloned only in the second case. With an answer that is held it goes on at once as
    /// well, and what is replied is held: see [`when_told`](Exchange::when_told).
    pub fn when<T, C>(
        &mut self,
        answer: Answer<T>,
        context: &C,
        then: fn(&C, &mut Exchange<'_>, T) -> Verdict,
    ) -> Verdict
    where
        T: Send + 'static,
        C: Clone + Send + 'static,
    {
        match answer {
            Answer::Now(value) => then(context, self, value),
            Answer::Held { value, hold, .. } if self.hold.is_none() => {
                self.hold = Some(hold);
                then(context, self, value)
            }
            // One thing is waited for at a time.
            waits => {
                let context = context.clone();
                Verdict::Pending(Deferred::new(waits.told(), move |ex, value| then(&context, ex, value)))
            }
        }
    }

    /// Calls `then` when the answer may be told, with the time that it is then: at once, unless it is held, and never, if
    /// it turns out that it must not be. For telling others of what the request has changed.
    pub fn when_told<T, C>(&mut self, context: &C, value: T, then: fn(&C, T, Now))
    where
        T: Send + 'static,
        C: Clone + Send + 'static,
    {
        if self.hold.is_none() {
            return then(context, value, self.now);
        }
        let context = context.clone();
        self.told.and(move |now| then(&context, value, now));
    }

    /// Refuses the request with 420 if it requires an extension that is not in `supported` (RFC 3261 §8.2.2.3).
    /// CANCEL and ACK are not asked for theirs.
    pub fn refuse_unsupported(&mut self, supported: &[&str]) -> Option<Sealed> {
        let message = self.message;
        message.value(HeaderId::Require)?;
        if matches!(self.method(), Method::Cancel | Method::Ack) {
            return None;
        }
        let required = || message.list::<sip_message::header::Token<'_>>(HeaderId::Require);
        if required().any(|tag| tag.is_err()) {
            return Some(self.refuse(Status::BAD_REQUEST.saying("Malformed Require"), reason::MALFORMED));
        }
        let known = |tag: &[u8]| supported.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(tag));
        let unknown = || required().flatten().map(|tag| tag.0).filter(|tag| !known(tag));
        unknown().next()?;
        Some(self.reply(Status::BAD_EXTENSION, reason::EXTENSION, |answer| {
            answer.list(HeaderId::Unsupported, unknown());
        }))
    }
}

impl fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, peer, now, key, sealed, hold, .. } = self;
        let mut shown = f.debug_struct("Exchange");
        shown.field("message", message).field("peer", peer).field("now", now).field("key", key);
        shown.field("sealed", sealed).field("hold", hold).finish_non_exhaustive()
    }
}
