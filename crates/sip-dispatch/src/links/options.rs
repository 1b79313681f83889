//! What this server can do (RFC 3261 §11.2).

use sip_message::{HeaderId, Method};

use crate::{Exchange, Receiver, Status, Verdict, reason};

/// Answers every OPTIONS with 200, whether or not it names a user, so that it tells nothing about users.
#[derive(Clone, Debug)]
pub struct Options {
    /// The methods that the chain serves.
    pub allow: &'static [&'static str],
    /// The option tags that it understands.
    pub supported: &'static [&'static str],
}

impl Receiver for Options {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        if ex.method() != Method::Options {
            return Verdict::Pass;
        }
        if let Some(sealed) = ex.refuse_unsupported(self.supported) {
            return Verdict::Handled(sealed);
        }
        Verdict::Handled(ex.reply(Status::OK, reason::OPTIONS_ANSWERED, |answer| {
            answer.list(HeaderId::Allow, self.allow);
            // No body is understood. An empty Accept says so; without one, application/sdp would be assumed.
            answer.header(HeaderId::Accept, "");
            answer.header(HeaderId::AcceptEncoding, "identity");
            answer.header(HeaderId::AcceptLanguage, "en");
            match self.supported {
                [] => answer.header(HeaderId::Supported, ""),
                tags => answer.list(HeaderId::Supported, tags),
            };
        }))
    }
}
