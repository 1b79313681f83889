//! Who registers.

use sip_message::WriteError;

use super::Plan;
use crate::sip::{Challenge, Count, Register, token};

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It registers one who was not.
    New,
    /// It renews.
    Refresh,
    /// It removes, and is new next time.
    Remove,
    /// It removes at the end, when all is measured.
    Leave,
}

impl Kind {
    /// Those that are measured.
    pub(super) const MEASURED: [Self; 3] = [Self::New, Self::Refresh, Self::Remove];

    /// Whether the binding is gone after it.
    pub(super) const fn removes(self) -> bool {
        matches!(self, Self::Remove | Self::Leave)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Refresh => "refresh",
            Self::Remove => "remove",
            Self::Leave => "leave",
        }
    }
}

/// One who registers.
pub(super) struct User {
    number: u32,
    pub(super) register: Register,
    /// By which connection.
    pub(super) carrier: usize,
    pub(super) cseq: u32,
    /// Whether an answer is awaited.
    pub(super) busy: bool,
    /// Whether it is registered, as far as is known.
    pub(super) bound: bool,
    /// The nonce that is in use.
    auth: Option<(Challenge, Count)>,
}

impl User {
    pub(super) fn new(number: u32, register: Register, carrier: usize) -> Self {
        Self { number, register, carrier, cseq: 0, busy: false, bound: false, auth: None }
    }

    /// Takes a challenge up; what it asks for is told with the next request.
    pub(super) fn challenged(&mut self, challenge: Challenge) {
        self.auth = Some((challenge, Count { nc: 0, cnonce: token(16) }));
    }

    /// Whether its last request had credentials.
    pub(super) fn has_credentials(&self) -> bool {
        self.auth.is_some()
    }

    /// Its next request.
    pub(super) fn request(&mut self, plan: &Plan, kind: Kind, branch: &str) -> Result<Vec<u8>, WriteError> {
        self.cseq += 1;
        let expires = if kind.removes() { 0 } else { plan.expires };
        let credentials = self.auth.as_mut().and_then(|(challenge, count)| {
            count.nc += 1;
            Some(challenge.answer(&plan.account_of(self.number)?, "REGISTER", &self.register.uri(), count))
        });
        self.register.write(self.cseq, branch, Some(expires), "", credentials.as_ref())
    }
}
