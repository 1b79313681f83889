//! What is odd about an answer.

use super::{Finding, Severity};
use crate::sip::{Answer, Challenge, Register};

/// A request, and what its answer should repeat.
pub(super) struct Sent<'a> {
    pub(super) register: &'a Register,
    pub(super) cseq: u32,
    pub(super) branch: &'a str,
    /// With a contact: for so long.
    pub(super) expires: Option<u32>,
    /// `q` in thousandths and `+sip.instance` of that contact.
    pub(super) q: u16,
    pub(super) instance: &'a str,
}

/// Of any answer: what identifies its request (RFC 3261 §8.2.6.2) and what the server fills in (RFC 3581 §4).
pub(super) fn identity(answer: &Answer, sent: &Sent<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let Sent { register, cseq, branch, .. } = sent;
    match answer.vias.as_slice() {
        [via] => {
            if via.branch.as_deref() != Some(branch) || via.sent_by != register.local().to_string() {
                found.push(wrong("via-mangled", "the Via is not the one that was sent (RFC 3261 §8.2.6.2)".to_owned()));
            }
            if via.rport.is_none() {
                let says = "rport was asked for and is not filled in (RFC 3581 §4): behind a NAT answers may get lost";
                found.push(note("no-rport", says.to_owned()));
            } else if via.received.is_none() {
                found.push(note("no-received", "rport is filled in without received (RFC 3581 §4)".to_owned()));
            }
            let seen = (via.received.unwrap_or(register.local().ip()), via.rport.unwrap_or(register.local().port()));
            if via.rport.is_some() && seen != (register.local().ip(), register.local().port()) {
                let says = format!("it sees us at {} port {}, not at {}", seen.0, seen.1, register.local());
                found.push(note("nat", says));
            }
        }
        vias => {
            let says = format!("it has {} Via values, and one was sent (RFC 3261 §18.1.2)", vias.len());
            found.push(wrong("via-mangled", says));
        }
    }
    if answer.call_id != register.call_id() {
        found.push(wrong("call-id-changed", "the Call-ID is not the one that was sent (RFC 3261 §8.2.6.2)".to_owned()));
    }
    if answer.cseq != Some(*cseq) {
        found.push(wrong("cseq-changed", "the CSeq is not the one that was sent (RFC 3261 §8.2.6.2)".to_owned()));
    }
    if answer.from_tag.as_deref() != Some(register.tag()) {
        found
            .push(wrong("from-changed", "the tag in From is not the one that was sent (RFC 3261 §8.2.6.2)".to_owned()));
    }
    if answer.to_tag.is_none() {
        found.push(wrong("no-to-tag", "there is no tag in To (RFC 3261 §8.2.6.2)".to_owned()));
    }
    found
}

/// Of a challenge.
pub(super) fn challenge(answer: &Answer, challenge: &Challenge) -> Vec<Finding> {
    let mut found = Vec::new();
    if challenge.qop().is_none() {
        let says = "no qop is offered, as in RFC 2069: requests can be replayed (RFC 7616 §3.3 demands it)";
        found.push(note("no-qop", says.to_owned()));
    }
    if answer.offered.iter().all(|name| name.to_ascii_uppercase().starts_with("MD5")) {
        found.push(note("md5-only", "MD5 is all that is offered (RFC 8760 has better)".to_owned()));
    }
    if challenge.nonce.len() < 16 {
        found.push(wrong("short-nonce", "its nonce is so short that it can be guessed".to_owned()));
    }
    found
}

/// Of a 200 to a registration that added or renewed our contact.
pub(super) fn granted(answer: &Answer, sent: &Sent<'_>) -> Vec<Finding> {
    let mut found = common(answer);
    let asked = sent.expires.unwrap_or_default();
    let Some(contact) = answer.contact(sent.register.contact()) else {
        let says = format!("the 200 does not list our contact {} (RFC 3261 §10.3 step 8)", sent.register.contact());
        found.push(wrong("no-contact", says));
        return found;
    };
    match (contact.expires, answer.expires) {
        (None, None) => {
            let says = "it does not say for how long: no expires and no Expires (RFC 3261 §10.3 step 8)";
            found.push(wrong("no-expires", says.to_owned()));
        }
        (None, Some(_)) => {
            let says = "the contact has no expires, only the answer has (RFC 3261 §10.3 step 8)";
            found.push(wrong("no-contact-expires", says.to_owned()));
        }
        (Some(0), _) => found.push(wrong("expired-at-once", "it is granted for 0 seconds".to_owned())),
        (Some(granted), _) if granted > asked => {
            let says = format!("{granted} s are granted and {asked} were asked for (RFC 3261 §10.3: less, not more)");
            found.push(wrong("longer-than-asked", says));
        }
        _ => {}
    }
    if contact.q != Some(sent.q) {
        found.push(note("q-lost", "the q of our contact is not given back".to_owned()));
    }
    if contact.instance.as_deref() != Some(sent.instance) {
        let says = "the +sip.instance of our contact is not given back: it does not know phones by it (RFC 5626)";
        found.push(note("instance-lost", says.to_owned()));
    }
    found
}

/// Of a 200 to one who only asks, while our contact is registered.
pub(super) fn looked(answer: &Answer, register: &Register) -> Vec<Finding> {
    let mut found = common(answer);
    if answer.contact(register.contact()).is_none() {
        found.push(wrong("forgotten", "asked again, it does not know our contact any more".to_owned()));
    }
    found
}

/// Of a 200 to a registration that removed our contact.
pub(super) fn removed(answer: &Answer, register: &Register) -> Vec<Finding> {
    let mut found = common(answer);
    if answer.contact(register.contact()).is_some_and(|contact| contact.expires != Some(0)) {
        found.push(wrong("not-removed", "our contact is still listed after it was removed".to_owned()));
    }
    found
}

fn common(answer: &Answer) -> Vec<Finding> {
    let mut found = Vec::new();
    if answer.unreadable_contact {
        found.push(wrong("unreadable-contact", "a Contact of the answer cannot be read (RFC 3261 §20.10)".to_owned()));
    }
    if answer.date.is_none() {
        found.push(note(
            "no-date",
            "there is no Date: phones set their clocks by it (RFC 3261 §10.3 step 8)".to_owned(),
        ));
    }
    found
}

pub(super) fn note(code: &'static str, says: String) -> Finding {
    Finding { code, severity: Severity::Note, says }
}

pub(super) fn wrong(code: &'static str, says: String) -> Finding {
    Finding { code, severity: Severity::Wrong, says }
}
