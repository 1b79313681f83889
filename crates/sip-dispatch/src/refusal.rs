//! What the dispatcher itself answers.

use sip_message::HeaderId;

use crate::{Exchange, Reason, Sealed, Status, reason};

/// When to come again, in seconds, if too many wait.
const RETRY_AFTER: u32 = 10;

/// An answer that no link gives: to a request that has waited in vain, or could not wait.
#[derive(Clone, Copy)]
pub(crate) struct Refusal {
    status: Status,
    reason: Reason,
    /// When to come again, in seconds.
    retry_after: Option<u32>,
}

impl Refusal {
    pub(crate) const OVERDUE: Self =
        Self { status: Status::INTERNAL_ERROR, reason: reason::PENDING_LOST, retry_after: None };
    pub(crate) const TOO_MANY: Self = Self::later(reason::TOO_MANY_PENDING);

    /// Come again later.
    pub(crate) const fn later(reason: Reason) -> Self {
        Self { status: Status::SERVICE_UNAVAILABLE, reason, retry_after: Some(RETRY_AFTER) }
    }

    pub(crate) fn answer(self, ex: &mut Exchange<'_>) -> Sealed {
        ex.reply(self.status, self.reason, |answer| {
            if let Some(seconds) = self.retry_after {
                answer.header(HeaderId::RetryAfter, seconds);
            }
        })
    }
}
