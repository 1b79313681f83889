//! Every answer other than 200 to a REGISTER.

use sip_dispatch::{Exchange, Reason, Sealed, Status};
use sip_message::HeaderId;

use crate::location::{RegisterError, StoreError};
use crate::plan::PlanError;
use crate::reason;

/// An answer other than 200.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    status: Status,
    reason: Reason,
    min_expires: Option<u32>,
    retry_after: Option<u32>,
}

impl Refusal {
    pub(crate) const BAD_REQUEST_URI: Self =
        Self::new(Status::BAD_REQUEST.saying("Malformed Request-URI"), sip_dispatch::reason::BAD_REQUEST_URI);
    pub(crate) const BAD_TO: Self =
        Self::new(Status::BAD_REQUEST.saying("Missing or Malformed To"), sip_dispatch::reason::MISSING_HEADER);
    pub(crate) const SIPS_WITHOUT_TLS: Self =
        Self::new(Status::BAD_REQUEST.saying("SIPS Without TLS"), reason::SIPS_WITHOUT_TLS);
    pub(crate) const FOREIGN_DOMAIN: Self = Self::new(Status::NOT_FOUND, reason::FOREIGN_DOMAIN);
    pub(crate) const NOT_AN_AOR: Self = Self::new(Status::NOT_FOUND, reason::NOT_AN_AOR);
    pub(crate) const TOO_LONG: Self =
        Self::new(Status::BAD_REQUEST.saying("Address Too Long"), reason::CONTACT_TOO_LONG);

    const fn new(status: Status, reason: Reason) -> Self {
        Self { status, reason, min_expires: None, retry_after: None }
    }

    pub(crate) fn answer(self, ex: &mut Exchange<'_>) -> Sealed {
        ex.reply(self.status, self.reason, |answer| {
            if let Some(seconds) = self.min_expires {
                answer.header(HeaderId::MinExpires, seconds);
            }
            if let Some(seconds) = self.retry_after {
                answer.header(HeaderId::RetryAfter, seconds);
            }
        })
    }
}

impl From<PlanError> for Refusal {
    fn from(error: PlanError) -> Self {
        let bad = |phrase, reason| Self::new(Status::BAD_REQUEST.saying(phrase), reason);
        match error {
            PlanError::NoIdentity => bad("Missing Call-ID or CSeq", sip_dispatch::reason::MISSING_HEADER),
            PlanError::BadContact => bad("Bad Contact", reason::BAD_CONTACT),
            PlanError::TooLong => bad("Contact Too Long", reason::CONTACT_TOO_LONG),
            PlanError::StarMisused => bad("Invalid Request", reason::STAR_MISUSED),
            PlanError::Loop => Self::new(Status::FORBIDDEN.saying("Contact Is This Server"), reason::CONTACT_LOOPS),
            PlanError::Duplicate => bad("Duplicate Contact", reason::DUPLICATE_CONTACT),
            PlanError::SipsRequired => bad("SIPS Required", reason::SIPS_REQUIRED),
            PlanError::TooManyContacts => RegisterError::TooManyContacts.into(),
            PlanError::TooBrief { min_expires } => {
                Self { min_expires: Some(min_expires), ..Self::new(Status::INTERVAL_TOO_BRIEF, reason::TOO_BRIEF) }
            }
        }
    }
}

impl From<RegisterError> for Refusal {
    fn from(error: RegisterError) -> Self {
        match error {
            // RFC 3261 §10.3: the update is aborted and the request fails, with a 500.
            RegisterError::OutOfOrder => {
                Self::new(Status::INTERNAL_ERROR.saying("CSeq Out Of Order"), reason::OUT_OF_ORDER)
            }
            RegisterError::TooManyContacts => {
                Self::new(Status::FORBIDDEN.saying("Too Many Contacts"), reason::TOO_MANY_CONTACTS)
            }
            RegisterError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self {
                retry_after: Some(60),
                ..Self::new(Status::SERVICE_UNAVAILABLE.saying("Location Table Full"), reason::TABLE_FULL)
            },
            StoreError::Unavailable => {
                Self { retry_after: Some(10), ..Self::new(Status::SERVICE_UNAVAILABLE, reason::STORE_UNAVAILABLE) }
            }
            StoreError::Damaged => Self::new(Status::INTERNAL_ERROR, reason::STORE_UNAVAILABLE),
        }
    }
}
