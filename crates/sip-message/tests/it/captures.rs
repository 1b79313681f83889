//! What real clients sent is understood whole, and can be written again from its parts.

use sip_message::frame::{Frame, FrameLimits, Framer};
use sip_message::header::{ContactValue, To, Via};
use sip_message::uri::write_aor;
use sip_message::{Framing, HeaderId, Index, Method, RequestWriter, ResponseWriter, TopVia};

use crate::common::{data, malformed, missing};

#[test]
fn every_capture_is_read_without_fault_and_every_typed_header_parses() {
    for (name, bytes) in data("captures") {
        let mut index = Index::new();
        let message = index.read(&bytes, Framing::Stream).unwrap();
        assert_eq!((message.fault(), malformed(&message), missing(&message)), (None, vec![], vec![]), "{name}");
        assert_eq!(message.request().unwrap().method, Method::Register, "{name}");
        assert_eq!(Framer::new(FrameLimits::default()).next(&bytes), Frame::Message(bytes.len()), "{name}");

        let mut aor = Vec::new();
        write_aor(&message.header::<To<'_>>().unwrap().unwrap().0.uri, &mut aor).unwrap();
        assert_eq!(aor, b"sip:alice@interop.test", "{name}");
        let contacts: Vec<_> = message.list::<ContactValue<'_>>(HeaderId::Contact).map(Result::unwrap).collect();
        assert!(matches!(contacts[..], [ContactValue::Addr(contact)] if contact.uri.sip().is_some()), "{name}");
        let credentials = message.lines(HeaderId::Authorization).count();
        assert_eq!(credentials, usize::from(!name.ends_with("-first.sip")), "{name}");
    }
}

#[test]
fn a_request_written_from_the_parts_of_a_capture_is_the_capture() {
    for (name, bytes) in data("captures") {
        let mut index = Index::new();
        let message = index.read(&bytes, Framing::Stream).unwrap();
        let request = message.request().unwrap();
        let mut written = Vec::new();
        let mut writer = RequestWriter::new(&mut written, 65_535, request.method, request.uri);
        for field in message.fields().filter(|field| field.id != HeaderId::ContentLength) {
            writer.header_named(std::str::from_utf8(field.name).unwrap(), field.value);
        }
        writer.finish(message.body()).unwrap();

        let mut again = Index::new();
        let again = again.read(&written, Framing::Stream).unwrap();
        assert_eq!((again.fault(), again.request(), again.body()), (None, message.request(), message.body()), "{name}");
        let but_length = |field: &sip_message::Field<'_>| field.id != HeaderId::ContentLength;
        assert!(again.fields().filter(but_length).eq(message.fields().filter(but_length)), "{name}");
    }
}

#[test]
fn the_answer_to_a_capture_goes_back_by_its_via() {
    for (name, bytes) in data("captures") {
        let mut index = Index::new();
        let message = index.read(&bytes, Framing::Stream).unwrap();
        let via = message.top_via().unwrap();
        let top = TopVia { via: &via, received: Some([127, 0, 0, 1].into()), rport: Some(4321) };
        let mut written = Vec::new();
        let writer = ResponseWriter::answering(&mut written, 1400, message, (200, "OK"), &top, b"t1");
        writer.finish(b"").unwrap();

        let mut index = Index::new();
        let answer = index.read(&written, Framing::Stream).unwrap();
        assert_eq!((answer.fault(), malformed(&answer)), (None, vec![]), "{name}");
        let asked = message.list::<Via<'_>>(HeaderId::Via).next().unwrap().unwrap();
        let given = answer.list::<Via<'_>>(HeaderId::Via).next().unwrap().unwrap();
        assert_eq!(
            (given.branch, given.sent_by, given.received_ip()),
            (asked.branch, asked.sent_by, top.received),
            "{name}"
        );
        for id in [HeaderId::From, HeaderId::CallId, HeaderId::CSeq] {
            assert_eq!(answer.value(id), message.value(id), "{name}");
        }
        assert!(answer.header::<To<'_>>().unwrap().unwrap().0.tag.is_some(), "{name}");
    }
}
