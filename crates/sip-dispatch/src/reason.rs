//! Why a request ended as it did: a stable code and a sentence, the same in every log, counter and history.

use std::fmt;

/// One of the ways in which a request can end: a pointer to its texts, since it is handed from link to link.
#[derive(Clone, Copy)]
pub struct Reason(&'static ReasonText);

/// What a [`Reason`] says.
#[derive(Debug)]
pub struct ReasonText {
    code: &'static str,
    says: &'static str,
    status: Option<u16>,
}

impl ReasonText {
    /// `code` is lower case with hyphens and never changes; `says` tells the operator what happened and what to do about
    /// it.
    #[must_use]
    pub const fn new(code: &'static str, says: &'static str) -> Self {
        Self { code, says, status: None }
    }

    /// The same, usually answered with this status.
    #[must_use]
    pub const fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }
}

impl Reason {
    /// A reason of a link of your own.
    ///
    /// ```
    /// use sip_dispatch::{Reason, ReasonText};
    ///
    /// const BOB: Reason = Reason::of(&ReasonText::new("bob", "Bob is not asked here.").with_status(403));
    /// assert_eq!((BOB.code(), BOB.status()), ("bob", Some(403)));
    /// ```
    #[must_use]
    pub const fn of(text: &'static ReasonText) -> Self {
        Self(text)
    }

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.0.code
    }

    /// What happened and what can be done.
    #[must_use]
    pub const fn says(self) -> &'static str {
        self.0.says
    }

    /// The status with which it is usually answered; `None` if nothing is answered.
    #[must_use]
    pub const fn status(self) -> Option<u16> {
        self.0.status
    }
}

impl PartialEq for Reason {
    fn eq(&self, other: &Self) -> bool {
        // A constant may stand in several places.
        std::ptr::eq(self.0, other.0) || self.code() == other.code()
    }
}

impl Eq for Reason {}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Defines reasons as constants, and `ALL` with every one of them: name, code, the status if one is answered, sentence.
#[macro_export]
macro_rules! reasons {
    ($($name:ident $code:literal $(($status:literal))? $says:literal;)*) => {
        $(#[doc = $says] pub const $name: $crate::Reason =
            $crate::Reason::of(&$crate::ReasonText::new($code, $says)$(.with_status($status))?);)*
        /// Every reason of this table.
        pub const ALL: &[$crate::Reason] = &[$($name,)*];
    };
}

reasons! {
    OPTIONS_ANSWERED "options" (200) "An OPTIONS request was answered with what this server can do. There is nothing to do.";
    MALFORMED "malformed" (400) "The message cannot be read in exactly one way. Look at the part that the phrase of the answer names; a middlebox may have changed it.";
    MISSING_HEADER "missing-header" (400) "The request lacks From, To, Call-ID or CSeq, or one of these, a Via or Max-Forwards is malformed; the phrase of the answer says which. Look at the phone's firmware, and at what stands between.";
    CREDENTIALS "ambiguous-credentials" (400) "An Authorization or Proxy-Authorization is malformed, has a parameter twice, or is the second for one realm. Give the phone one account for a realm; if it has no more, look at its firmware.";
    BAD_REQUEST_URI "bad-request-uri" (400) "The Request-URI is malformed. Look at what the phone was told as its registrar or domain.";
    URI_SCHEME "uri-scheme" (416) "The Request-URI is neither sip: nor sips:. Look at what the phone was told as its registrar or domain.";
    VERSION "version" (505) "The request is not SIP/2.0. No phone of today sends another version: look who it is.";
    BODY_TOO_LARGE "body-too-large" (413) "The body is longer than allowed, and a REGISTER needs none. Look what the phone puts there.";
    TOO_MANY_VIAS "too-many-vias" (400) "The request has passed more proxies than allowed; look for a loop.";
    HOPS_EXHAUSTED "hops-exhausted" (483) "Max-Forwards is 0 and this server is not where the request ends; look for a loop.";
    EXTENSION "extension" (420) "The request requires an extension that is not supported; Unsupported in the answer names it. Switch it off in the phone.";
    THROTTLED "throttled" "The source sends faster than its budget; the request was dropped without an answer. Raise the budget if many phones are behind that address.";
    METHOD_NOT_ALLOWED "method-not-allowed" (405) "The method is known but not served here; Allow in the answer names those that are. Calls and messages go to a proxy: tell the phone which.";
    METHOD_UNKNOWN "method-unknown" (501) "The method is not known. Look what sent it: a registrar has no use for it.";
    NO_TRANSACTION "no-transaction" (481) "A CANCEL, or a request inside a dialog, of which nothing is known here. Calls do not pass this server: if phones go on sending theirs here, look at their proxy.";
    TARGET_NOT_SERVED "target-not-served" (404) "The method is served here, but not for this Request-URI; look at the domains that are configured.";
    UNANSWERED "unanswered" (501) "No link of the receive chain answered; the chain should end with one that does.";
    TOO_MANY_PENDING "too-many-pending" (503) "More requests wait for a store than allowed; look why the store is slow.";
    PENDING_LOST "pending-lost" (500) "What the request waited for did not answer in time. Look why the store of users, or the disk, is slow.";
    ANSWER_TOO_LONG "answer-too-long" "The answer would have been more than twice as long as the request, whose source may be forged; nothing was sent. Real phones send longer requests; over TCP there is no such limit.";
    UNWRITABLE "unwritable" (500) "The answer could not be written within the limits of a message. Look why the request, of which it repeats much, is so long.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_of_one_form() {
        for (i, reason) in ALL.iter().enumerate() {
            assert!(reason.code().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{reason}");
            assert!(ALL[..i].iter().all(|other| other != reason), "{reason} stands twice");
        }
    }
}
