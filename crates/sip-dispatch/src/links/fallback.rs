//! The end of every chain: what nobody wanted is refused with the right words.

use sip_message::{HeaderId, Method};

use crate::{Exchange, Receiver, Status, Verdict, reason};

/// Answers 481 to CANCEL and to requests inside dialogs, 404 to methods that the chain serves, but not for this target,
/// 405 with Allow to other methods that are known, 501 to the rest.
#[derive(Clone, Debug)]
pub struct Fallback {
    /// The methods that the chain serves.
    pub allow: &'static [&'static str],
}

impl Receiver for Fallback {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        let method = ex.method();
        // A To tag means nothing in a REGISTER (RFC 3261 §10.2), and some phones send one.
        let in_dialog = method != Method::Register && matches!(ex.to(), Ok(Some(to)) if to.tag.is_some());
        let served = self.allow.iter().any(|served| served.as_bytes() == method.name());
        Verdict::Handled(match method {
            // Almost every request is answered at once, and none rings: there is nothing left to cancel.
            Method::Cancel | Method::Bye => ex.refuse(Status::NO_SUCH_TRANSACTION, reason::NO_TRANSACTION),
            _ if in_dialog => ex.refuse(Status::NO_SUCH_TRANSACTION, reason::NO_TRANSACTION),
            _ if served => ex.refuse(Status::NOT_FOUND, reason::TARGET_NOT_SERVED),
            Method::Other(_) => ex.refuse(Status::NOT_IMPLEMENTED, reason::METHOD_UNKNOWN),
            _ => ex.reply(Status::METHOD_NOT_ALLOWED, reason::METHOD_NOT_ALLOWED, |answer| {
                answer.list(HeaderId::Allow, self.allow);
            }),
        })
    }
}
