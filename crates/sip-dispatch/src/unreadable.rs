//! What no link has to ask for.

use sip_message::Fault;

use crate::{Exchange, Sealed, Status, reason};

/// Refuses another version (RFC 3261 §8.2, 505) and what cannot be read in exactly one way (400).
pub(crate) fn refuse(ex: &mut Exchange<'_>) -> Option<Sealed> {
    if !ex.request().version_2 {
        return Some(ex.refuse(Status::VERSION_NOT_SUPPORTED, reason::VERSION));
    }
    let fault = ex.message().fault()?;
    Some(ex.refuse(Status::BAD_REQUEST.saying(phrase(fault)), reason::MALFORMED))
}

/// The fault as a reason phrase, for whoever reads a trace (RFC 3261 §21.4.1).
fn phrase(fault: Fault) -> &'static str {
    match fault {
        Fault::StartLine => "Malformed Request-Line",
        Fault::BareLineFeed => "Bare LF",
        Fault::BareCarriageReturn => "Bare CR",
        Fault::ControlCharacter => "Control Character",
        Fault::HeaderLine => "Malformed Header Line",
        Fault::Repeated => "Repeated Header",
        Fault::TooManyHeaders => "Too Many Headers",
        Fault::NoEmptyLine => "Headers Without End",
        Fault::ContentLength => "Malformed Content-Length",
        Fault::NoContentLength => "Missing Content-Length",
        Fault::BodyTooShort => "Body Shorter Than Content-Length",
        Fault::CSeqMethod => "CSeq Method Differs",
        // Fault is non-exhaustive.
        _ => Status::BAD_REQUEST.phrase(),
    }
}
