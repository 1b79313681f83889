//! Where a user can be reached, told to whoever asks (RFC 3261 §8.3, §13.3.1.2, §21.3).

use sip_dispatch::{Exchange, Receiver, Status, Verdict};
use sip_message::uri::{SipUri, equivalent};
use sip_message::{HeaderId, Method, Uri};
use smallvec::SmallVec;

use crate::location::StoreError;
use crate::record::{Binding, Record};
use crate::refusal::Refusal;
use crate::scratch::with_scratch;
use crate::{Aor, AorError, Registrar, reason};

/// A link that answers requests for users of a registrar with 302 and all their contacts, the preferred first; with
/// 480 if they have none, and 404 if their domain is not served.
///
/// What has expired, or has lost its connection, is told to nobody, swept or not. A request inside a dialog, with a To tag, is passed on: it is
/// meant for one phone, not for the user.
///
/// It tells every asker where users are. Put a link in front that decides who may ask, or leave it out. It cannot tell
/// by which Path or connection a phone is reached; behind those a proxy is needed.
#[derive(Clone, Debug)]
pub struct Redirect {
    registrar: Registrar,
}

impl Redirect {
    /// Redirects to the contacts that `registrar` knows.
    #[must_use]
    pub fn new(registrar: Registrar) -> Self {
        Self { registrar }
    }

    fn found(&self, ex: &mut Exchange<'_>, found: Result<Option<Record>, StoreError>) -> Verdict {
        let record = match found {
            Ok(record) => record,
            Err(error) => return Verdict::Handled(Refusal::from(error).answer(ex)),
        };
        let now = ex.now();
        let target = ex.uri().ok();
        let is_secure = |uri: &Uri<'_>| uri.sip().is_some_and(SipUri::is_secure);
        let secure = target.as_ref().is_some_and(is_secure);
        let suits = |binding: &Binding<'_>| {
            binding.parsed_uri().is_some_and(|uri| {
                // A sips request goes to sips contacts only (RFC 5630 §5.4), and none back to where it came from
                // (RFC 3261 §8.3).
                (!secure || is_secure(&uri)) && !target.as_ref().is_some_and(|target| equivalent(target, &uri))
            })
        };
        let bindings = record.iter().flat_map(|record| record.reachable(now.at)).filter(suits);
        let mut contacts: SmallVec<[Binding<'_>; 10]> = bindings.collect();
        if contacts.is_empty() {
            return Verdict::Handled(ex.refuse(Status::TEMPORARILY_UNAVAILABLE, reason::NOT_REGISTERED));
        }
        // Among equals the one that registered last is the likeliest to be there.
        contacts.sort_by_key(|binding| std::cmp::Reverse((binding.q, binding.registered_at())));
        Verdict::Handled(ex.reply(Status::MOVED_TEMPORARILY, reason::REDIRECTED, |answer| {
            for binding in &contacts {
                let left = binding.seconds_left(now.at);
                let q = QText(binding.q.thousandths());
                answer.header(HeaderId::Contact, ("<", binding.uri, ">;q=", q, ";expires=", left));
            }
        }))
    }
}

impl Receiver for Redirect {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        if matches!(ex.method(), Method::Register | Method::Ack | Method::Cancel | Method::Bye) {
            return Verdict::Pass;
        }
        if ex.to().ok().flatten().is_some_and(|to| to.tag.is_some()) {
            return Verdict::Pass;
        }
        let Ok(uri @ Uri::Sip(sip)) = ex.uri() else { return Verdict::Pass };
        // A request without a user is for the server itself.
        if sip.user().is_none() {
            return Verdict::Pass;
        }
        if !self.registrar.serves(&sip.host()) {
            return Verdict::Handled(ex.refuse(Status::NOT_FOUND, reason::FOREIGN_DOMAIN));
        }
        let found = with_scratch(|scratch| {
            let aor = Aor::from_uri(&uri, &mut scratch.aor)?;
            Ok::<_, AorError>(self.registrar.query(&aor, ex.now()))
        });
        match found {
            Ok(answer) => ex.when(answer, self, Self::found),
            Err(_) => Verdict::Handled(ex.refuse(Status::NOT_FOUND, reason::NOT_AN_AOR)),
        }
    }
}

/// Thousandths as a qvalue.
struct QText(u16);

impl sip_message::Put for QText {
    fn put(&self, sink: &mut sip_message::Sink<'_>) {
        if self.0 >= 1000 {
            return sink.text(b"1");
        }
        let digit = |unit: u16| b'0' + (self.0 / unit % 10) as u8;
        sink.text(&[b'0', b'.', digit(100), digit(10), digit(1)]);
    }
}
