//! The 200 to a REGISTER (RFC 3261 §10.3 step 8).

use sip_dispatch::{Exchange, Reason, Sealed, Status};
use sip_message::header::{CSeq, Date};
use sip_message::{HeaderId, ResponseWriter};
use sip_transport::Timestamp;

use crate::record::{Binding, Record};

/// How many bytes of Contact headers an answer has at most, so that it is always one that can be sent: even as a
/// datagram, beside what it repeats of the request.
const MAX_CONTACTS: usize = 32 * 1024;

/// Answers 200 with every current binding of `record`, first those that this request made. The last of
/// very many long ones are left out.
///
/// A suspect binding is none of the current ones that step 8 speaks of: RFC 5626 §7 has it invalid, and whoever asks
/// where a user is shall not be told of a connection that has ended. It is kept for its own phone alone.
pub(crate) fn bindings(ex: &mut Exchange<'_>, record: Option<&Record>, why: Reason) -> Sealed {
    let message = ex.message();
    let now = ex.now();
    let call_id = message.value(HeaderId::CallId).unwrap_or_default();
    let cseq = message.header::<CSeq<'_>>().ok().flatten().map_or(0, |cseq| cseq.number);
    let is_own = |binding: &Binding<'_>| binding.cseq == cseq && binding.call_id == call_id;
    ex.reply(Status::OK, why, |answer| {
        if let Some(record) = record {
            let end = answer.len() + MAX_CONTACTS;
            // Phones that read only one Contact must find their own.
            // Most have one, which then is in its place whoever made it.
            let is_first = |binding: &Binding<'_>| record.len() == 1 || is_own(binding);
            let first = record.reachable(now.at).filter(|binding| is_first(binding));
            let others = record.reachable(now.at).filter(|binding| !is_first(binding));
            for binding in first.chain(others.take(if record.len() == 1 { 0 } else { usize::MAX })) {
                if answer.len() >= end {
                    break;
                }
                contact(answer, &binding, now.at);
            }
        }
        for path in message.lines(HeaderId::Path) {
            answer.header(HeaderId::Path, path);
        }
        answer.header(HeaderId::Date, Date(now.wall / 1000).to_bytes());
    })
}

fn contact(answer: &mut ResponseWriter<'_>, binding: &Binding<'_>, now: Timestamp) {
    answer.header(HeaderId::Contact, (binding.contact, ";expires=", binding.seconds_left(now)));
}
