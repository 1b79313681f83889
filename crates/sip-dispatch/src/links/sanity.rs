//! What a request must have before anybody looks at its meaning.

use sip_message::header::{MaxForwards, Via};
use sip_message::{HeaderId, Method, ParseError, Uri};

use super::credentials;
use crate::{Exchange, Reason, Receiver, Status, Verdict, reason};

/// Refuses requests that are incomplete or beyond limits: 400, 413, 416, 420, 483.
///
/// What cannot be read in exactly one way (400) and other versions (505) the dispatcher has refused before.
#[derive(Clone, Debug)]
pub struct Sanity {
    /// The longest body that is taken, in bytes; longer ones are answered 413.
    pub max_body: usize,
    /// How many Via values a request may have; more are answered 400.
    pub max_vias: usize,
    /// The option tags that the links behind understand; others in Require are answered 420. `None` leaves that to the
    /// links: one that redirects has to ignore what it does not understand (RFC 3261 §8.3).
    pub supported: Option<&'static [&'static str]>,
}

impl Default for Sanity {
    fn default() -> Self {
        Self { max_body: 16 * 1024, max_vias: 8, supported: Some(&[]) }
    }
}

impl Receiver for Sanity {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        match self.objection(ex) {
            Some((status, reason)) => Verdict::Handled(ex.refuse(status, reason)),
            None => match self.supported.and_then(|supported| ex.refuse_unsupported(supported)) {
                Some(sealed) => Verdict::Handled(sealed),
                None => Verdict::Pass,
            },
        }
    }
}

impl Sanity {
    fn objection(&self, ex: &Exchange<'_>) -> Option<(Status, Reason)> {
        let message = ex.message();
        let bad = |phrase| Some((Status::BAD_REQUEST.saying(phrase), reason::MISSING_HEADER));
        match ex.call_id() {
            Ok(Some(_)) => {}
            Ok(None) => return bad("Missing Call-ID"),
            Err(_) => return bad("Malformed Call-ID"),
        }
        match ex.cseq() {
            Ok(Some(_)) => {}
            Ok(None) => return bad("Missing CSeq"),
            Err(_) => return bad("Malformed CSeq"),
        }
        match ex.from() {
            Ok(Some(_)) => {}
            Ok(None) => return bad("Missing From"),
            Err(_) => return bad("Malformed From"),
        }
        match ex.to() {
            Ok(Some(_)) => {}
            Ok(None) => return bad("Missing To"),
            Err(_) => return bad("Malformed To"),
        }
        if !credentials::are_plain(ex) {
            return Some((Status::BAD_REQUEST.saying("Ambiguous Credentials"), reason::CREDENTIALS));
        }
        match vias(ex) {
            Ok(vias) if vias <= self.max_vias => {}
            Ok(_) => return Some((Status::BAD_REQUEST.saying("Too Many Vias"), reason::TOO_MANY_VIAS)),
            Err(_) => return bad("Malformed Via"),
        }
        match ex.uri() {
            Ok(Uri::Sip(_)) => {}
            Ok(_) => return Some((Status::UNSUPPORTED_URI_SCHEME, reason::URI_SCHEME)),
            Err(_) => return Some((Status::BAD_REQUEST.saying("Malformed Request-URI"), reason::BAD_REQUEST_URI)),
        }
        if message.body().len() > self.max_body {
            return Some((Status::REQUEST_ENTITY_TOO_LARGE, reason::BODY_TOO_LARGE));
        }
        match message.header::<MaxForwards>() {
            // What ends here needs no more hops (RFC 3261 §9.1, §10.3, §11).
            Ok(Some(MaxForwards(0))) if !matches!(ex.method(), Method::Register | Method::Options | Method::Cancel) => {
                Some((Status::TOO_MANY_HOPS, reason::HOPS_EXHAUSTED))
            }
            Ok(_) => None,
            Err(_) => bad("Malformed Max-Forwards"),
        }
    }
}

/// How many Via values there are.
fn vias(ex: &Exchange<'_>) -> Result<usize, ParseError> {
    let mut lines = ex.message().lines(HeaderId::Via);
    match (lines.next(), lines.next()) {
        // The topmost, which has been read, is all: so it is with every phone.
        (Some(line), None) if line.len() == ex.via().bytes.len() => Ok(1),
        _ => ex.message().list::<Via<'_>>(HeaderId::Via).try_fold(0, |vias, via| via.map(|_| vias + 1)),
    }
}
