//! The 200 to a REGISTER (RFC 3261 §10.3 step 8).

use std::cell::Cell;

use sip_dispatch::{Exchange, Reason, Sealed, Status};
use sip_message::header::Date;
use sip_message::{HeaderId, Own, ResponseWriter};
use sip_transport::Timestamp;

use crate::record::{Record, Unread, seconds_until};

/// How many bytes of Contact headers an answer has at most, so that it is always one that can be sent: even as a
/// datagram, beside what it repeats of the request.
const MAX_CONTACTS: usize = 32 * 1024;

/// Answers 200 with every current binding of `record`, first those that this request made. The last of
/// very many long ones are left out.
///
/// A suspect binding is none of the current ones that step 8 speaks of: RFC 5626 §7 has it invalid, and whoever asks
/// where a user is shall not be told of a connection that has ended. It is kept for its own phone alone.
pub(crate) fn bindings(ex: &mut Exchange<'_>, record: Option<&Record>, why: Reason) -> Sealed {
    let (message, now) = (ex.message(), ex.now());
    let cseq = ex.cseq().ok().flatten().map_or(0, |cseq| cseq.number);
    ex.reply(Status::OK, why, |answer| {
        if let Some(record) = record {
            contacts(answer, record, (message.value(HeaderId::CallId).unwrap_or_default(), cseq), now.at);
        }
        for path in message.lines(HeaderId::Path) {
            answer.header(HeaderId::Path, path);
        }
        answer.header(HeaderId::Date, date(now.wall / 1000));
    })
}

/// Phones that read only one Contact must find their own, so what this request made comes first.
fn contacts(answer: &mut ResponseWriter<'_>, record: &Record, (call_id, cseq): (&[u8], u32), now: Timestamp) {
    let reachable = || Record::unread_of(Some(record)).filter(|binding| binding.is_reachable(now));
    // Most have one.
    if record.len() == 1 {
        return reachable().for_each(|binding| contact(answer, binding, now));
    }
    let is_own = |binding: &Unread<'_>| binding.cseq() == Some(cseq) && binding.call_id() == Some(call_id);
    let end = answer.len() + MAX_CONTACTS;
    for binding in reachable().filter(is_own).chain(reachable().filter(|binding| !is_own(binding))) {
        if answer.len() >= end {
            break;
        }
        contact(answer, binding, now);
    }
}

fn contact(answer: &mut ResponseWriter<'_>, binding: Unread<'_>, now: Timestamp) {
    // There is nothing in a record that is no binding.
    let (Some(contact), Some(expires_at)) = (binding.contact(), binding.expires_at()) else { return };
    answer.header(HeaderId::Contact, (contact, Own(";expires="), seconds_until(expires_at, now)));
}

/// The text of a second, which is kept for those that come within it.
fn date(second: u64) -> [u8; 29] {
    thread_local! {
        static LAST: Cell<(u64, [u8; 29])> = Cell::new((0, Date(0).to_bytes()));
    }
    let (of, text) = LAST.get();
    if of == second {
        return text;
    }
    let text = Date(second).to_bytes();
    LAST.set((second, text));
    text
}
