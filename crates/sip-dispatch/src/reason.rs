//! Why a request ended as it did: a stable code and a sentence, the same in every log, counter and history.

use std::fmt;

/// One of the ways in which a request can end.
#[derive(Clone, Copy)]
pub struct Reason {
    code: &'static str,
    says: &'static str,
}

impl Reason {
    /// A reason of a link of your own. `code` is lower case with hyphens and never changes; `says` tells the operator
    /// what happened and what to do about it.
    #[must_use]
    pub const fn new(code: &'static str, says: &'static str) -> Self {
        Self { code, says }
    }

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// What happened and what can be done.
    #[must_use]
    pub const fn says(self) -> &'static str {
        self.says
    }
}

impl PartialEq for Reason {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Reason {}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

/// Defines reasons as constants, and `ALL` with every one of them.
#[macro_export]
macro_rules! reasons {
    ($($name:ident $code:literal $says:literal;)*) => {
        $(#[doc = $says] pub const $name: $crate::Reason = $crate::Reason::new($code, $says);)*
        /// Every reason of this table.
        pub const ALL: &[$crate::Reason] = &[$($name,)*];
    };
}

reasons! {
    OPTIONS_ANSWERED "options" "An OPTIONS request was answered with what this server can do.";
    MALFORMED "malformed" "The message cannot be read in exactly one way. Look at the named part of it; a middlebox may have changed it.";
    MISSING_HEADER "missing-header" "The request lacks From, To, Call-ID or CSeq, or one of these, a Via or Max-Forwards is malformed; the phrase of the answer says which.";
    CREDENTIALS "ambiguous-credentials" "An Authorization or Proxy-Authorization is malformed, has a parameter twice, or is the second for one realm.";
    BAD_REQUEST_URI "bad-request-uri" "The Request-URI is malformed.";
    URI_SCHEME "uri-scheme" "The Request-URI is neither sip: nor sips:.";
    VERSION "version" "The request is not SIP/2.0.";
    BODY_TOO_LARGE "body-too-large" "The body is longer than allowed; raise the limit if it is wanted.";
    TOO_MANY_VIAS "too-many-vias" "The request has passed more proxies than allowed; look for a loop.";
    HOPS_EXHAUSTED "hops-exhausted" "Max-Forwards is 0 and this server is not where the request ends; look for a loop.";
    EXTENSION "extension" "The request requires an extension that is not supported; Unsupported in the answer names it.";
    THROTTLED "throttled" "The source sends faster than its budget; the request was dropped without an answer.";
    METHOD_NOT_ALLOWED "method-not-allowed" "The method is known but not served here.";
    METHOD_UNKNOWN "method-unknown" "The method is not known.";
    NO_TRANSACTION "no-transaction" "A CANCEL, or a request inside a dialog, of which nothing is known here.";
    TARGET_NOT_SERVED "target-not-served" "The method is served here, but not for this Request-URI; look at the domains that are configured.";
    UNANSWERED "unanswered" "No link of the receive chain answered; the chain should end with one that does.";
    TOO_MANY_PENDING "too-many-pending" "More requests wait for a store than allowed; look why the store is slow.";
    PENDING_LOST "pending-lost" "What the request waited for did not answer in time.";
    ANSWER_TOO_LONG "answer-too-long" "The answer would have been more than twice as long as the request, whose source may be forged; nothing was sent. Real phones send longer requests.";
    UNWRITABLE "unwritable" "The answer could not be written within the limits of a message.";
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
