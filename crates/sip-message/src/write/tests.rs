use std::net::IpAddr;

use super::*;
use crate::header::{ContactValue, NameAddr, Rport, To, Token, Via};
use crate::{Framing, HeaderId, Index, Message, Method};

const LIMIT: usize = 1400;

/// Lets `then` see the request with these header lines.
fn with_request<T>(lines: &str, then: impl FnOnce(Message<'_>) -> T) -> T {
    let bytes = format!("REGISTER sip:a SIP/2.0\r\n{lines}\r\n");
    let mut index = Index::new();
    then(index.read(bytes.as_bytes(), Framing::Datagram).unwrap())
}

/// What is added to the topmost Via.
type Added = (Option<IpAddr>, Option<u16>);

const NOTHING: Added = (None, None);

fn answer(lines: &str, (received, rport): Added) -> Result<String, WriteError> {
    with_request(lines, |request| {
        let mut buffer = Vec::new();
        let via = request.top_via().unwrap();
        let top = TopVia { via: &via, received, rport };
        let writer = ResponseWriter::answering(&mut buffer, LIMIT, request, (200, "OK"), &top, b"ours");
        assert_eq!(writer.finish(b"")?, buffer.len());
        Ok(String::from_utf8(buffer).unwrap())
    })
}

fn top(received: &str, rport: Option<u16>) -> Added {
    ((!received.is_empty()).then(|| received.parse().unwrap()), rport)
}

#[test]
fn an_answer_repeats_what_rfc_3261_8_2_6_2_names_in_its_order() {
    let answer = answer(
        "f: <sip:f>;tag=1\r\nv: SIP/2.0/UDP a;branch=1\r\ni: x@y\r\nSubject: no\r\nt: <sip:t>\r\nCSeq: 7 REGISTER\r\n\
         Via: SIP/2.0/UDP b, SIP/2.0/UDP c\r\n",
        NOTHING,
    );
    assert_eq!(
        answer.unwrap(),
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=1\r\nVia: SIP/2.0/UDP b, SIP/2.0/UDP c\r\nFrom: <sip:f>;tag=1\r\n\
         To: <sip:t>;tag=ours\r\nCall-ID: x@y\r\nCSeq: 7 REGISTER\r\nContent-Length: 0\r\n\r\n"
    );
}

#[test]
fn received_and_rport_of_the_topmost_via_are_set_and_nothing_else_is_touched() {
    for (via, top, expected) in [
        ("SIP/2.0/UDP a;branch=1", top("", None), "SIP/2.0/UDP a;branch=1"),
        // RFC 3261 §18.2.1.
        ("SIP/2.0/UDP a;branch=1", top("192.0.2.1", None), "SIP/2.0/UDP a;branch=1;received=192.0.2.1"),
        // RFC 3581 §4.
        (
            "SIP/2.0/UDP a;rport;branch=1",
            top("192.0.2.1", Some(5070)),
            "SIP/2.0/UDP a;rport=5070;branch=1;received=192.0.2.1",
        ),
        (
            "SIP/2.0/UDP a;RPORT=;branch=1",
            top("192.0.2.1", Some(1)),
            "SIP/2.0/UDP a;RPORT=1;branch=1;received=192.0.2.1",
        ),
        // What somebody claims before the last hop is not believed.
        (
            "SIP/2.0/UDP a;received=9.9.9.9;rport=9",
            top("192.0.2.1", Some(2)),
            "SIP/2.0/UDP a;rport=2;received=192.0.2.1",
        ),
        ("SIP/2.0/UDP a;Received=x;b", top("2001:db8::1", None), "SIP/2.0/UDP a;b;received=2001:db8::1"),
        // Not asked for, not given.
        ("SIP/2.0/UDP a;branch=1", top("192.0.2.1", Some(5070)), "SIP/2.0/UDP a;branch=1;received=192.0.2.1"),
        // Others in the same line.
        (
            "SIP/2.0/UDP a;rport , SIP/2.0/UDP b;rport;received=1.2.3.4",
            top("192.0.2.1", Some(5)),
            "SIP/2.0/UDP a;rport=5;received=192.0.2.1 , SIP/2.0/UDP b;rport;received=1.2.3.4",
        ),
        (
            "SIP / 2.0 / UDP\r\n a : 5060 ; rport ; x = \"a;b,\\\"c\" ;branch = 1",
            top("192.0.2.1", Some(5)),
            "SIP / 2.0 / UDP a : 5060 ; rport=5 ; x = \"a;b,\\\"c\" ;branch = 1;received=192.0.2.1",
        ),
        ("SIP/2.0/TLS [2001:db8::9]:5061;alias", top("::1", None), "SIP/2.0/TLS [2001:db8::9]:5061;alias;received=::1"),
        (
            "SIP/2.0/UDP a",
            top("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", None),
            "SIP/2.0/UDP a;received=ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ),
    ] {
        let answer = answer(&format!("Via: {via}\r\nVia: SIP/2.0/UDP z;rport\r\n"), top).unwrap();
        let vias: Vec<_> = answer.lines().filter_map(|line| line.strip_prefix("Via: ")).collect();
        assert_eq!(vias, [expected, "SIP/2.0/UDP z;rport"], "{via:?}");
        let mut index = Index::new();
        let answer = index.read(answer.as_bytes(), Framing::Stream).unwrap();
        let first = answer.list::<Via<'_>>(HeaderId::Via).next().unwrap().unwrap();
        let (received, rport) = top;
        assert!(received.is_none() || first.received_ip() == received, "{via:?}");
        assert!(first.rport == Rport::Absent || first.rport == rport.map_or(Rport::Asked, Rport::Port), "{via:?}");
    }
}

#[test]
fn to_gets_a_tag_unless_it_has_one() {
    for (to, expected) in [
        ("<sip:a@b>", "<sip:a@b>;tag=ours"),
        ("sip:a@b", "sip:a@b;tag=ours"),
        ("sip:a@b;user=phone", "sip:a@b;user=phone;tag=ours"),
        ("\"A;tag=x\" <sip:a@b;tag=y>", "\"A;tag=x\" <sip:a@b;tag=y>;tag=ours"),
        ("A B <sip:a@b> ;x", "A B <sip:a@b> ;x;tag=ours"),
        ("<sip:a@b>;tag=theirs", "<sip:a@b>;tag=theirs"),
        ("<sip:a@b>;TAG = theirs;x", "<sip:a@b>;TAG = theirs;x"),
        ("sip:a@b;tag=theirs", "sip:a@b;tag=theirs"),
        ("A\r\n <sip:a@b>", "A <sip:a@b>;tag=ours"),
        // Malformed: repeated as it is.
        ("<sip:a@b", "<sip:a@b"),
        ("", ""),
    ] {
        let answer = answer(&format!("Via: SIP/2.0/UDP a\r\nTo: {to}\r\n"), NOTHING).unwrap();
        assert!(answer.contains(&format!("\r\nTo: {expected}\r\n")), "{to:?}\n{answer}");
    }
}

#[test]
fn a_100_gets_no_tag() {
    let answer = with_request("Via: SIP/2.0/UDP a\r\nTo: <sip:a>\r\n", |request| {
        let mut buffer = Vec::new();
        let via = request.top_via().unwrap();
        let top = TopVia::unchanged(&via);
        ResponseWriter::answering(&mut buffer, LIMIT, request, (100, "Trying"), &top, b"ours").finish(b"").unwrap();
        String::from_utf8(buffer).unwrap()
    });
    assert!(answer.contains("To: <sip:a>\r\n"), "{answer}");
}

#[test]
fn a_request_that_lacks_all_but_via_is_answered() {
    let answered = answer("Via: SIP/2.0/UDP a\r\n", NOTHING).unwrap();
    assert_eq!(answered, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn folds_are_written_as_one_space() {
    let mut buffer = Vec::new();
    let mut writer = RequestWriter::new(&mut buffer, LIMIT, Method::Options, "sip:a");
    writer.header(HeaderId::Subject, "a\r\n  b \r\n\tc\td\r\n ");
    writer.finish(b"").unwrap();
    assert_eq!(buffer, b"OPTIONS sip:a SIP/2.0\r\nSubject: a b  c\td \r\nContent-Length: 0\r\n\r\n");
}

/// Writes a request with `write` behind bytes that must stay.
fn attempt(
    write: impl for<'w, 'b> FnOnce(&'w mut MessageWriter<'b>) -> &'w mut MessageWriter<'b>,
) -> Result<Vec<u8>, WriteError> {
    let mut buffer = b"kept".to_vec();
    let mut writer = RequestWriter::new(&mut buffer, LIMIT, Method::Register, "sip:a");
    write(&mut writer);
    let result = writer.finish(b"body");
    match result {
        Ok(length) => {
            assert_eq!(&buffer[..4], b"kept");
            assert_eq!(buffer.len(), 4 + length);
            Ok(buffer.split_off(4))
        }
        Err(error) => {
            assert_eq!(buffer, b"kept", "{error}");
            Err(error)
        }
    }
}

#[test]
fn no_value_can_become_another_header_or_line() {
    for value in ["a\r\nEvil: 1", "a\nb", "a\rb", "a\r\n", "\0", "\u{7f}", "a\r\n\r\n", "\r\n \r\nx", "\u{1b}"] {
        let refused = Err(WriteError::ControlCharacter);
        assert_eq!(attempt(|w| w.header(HeaderId::Subject, value)), refused, "{value:?}");
        assert_eq!(attempt(|w| w.header_named("X-A", value.as_bytes())), refused, "{value:?}");
        assert_eq!(attempt(|w| w.list(HeaderId::Path, ["a", value])), refused, "{value:?}");
        assert_eq!(attempt(|w| w.header(HeaderId::Subject, ("a", 1u8, Some(value)))), refused, "{value:?}");
        let mut buffer = Vec::new();
        assert_eq!(
            RequestWriter::new(&mut buffer, LIMIT, Method::Register, value).finish(b""),
            Err(WriteError::ControlCharacter)
        );
        assert!(buffer.is_empty());
    }
}

#[test]
fn names_request_uris_and_status_codes_that_are_none_are_refused() {
    for name in ["", "a b", "a:", "a\r\nb", "\u{e4}"] {
        assert_eq!(attempt(|w| w.header_named(name, "x")), Err(WriteError::Malformed), "{name:?}");
        let mut buffer = Vec::new();
        let writer = RequestWriter::new(&mut buffer, LIMIT, Method::Other(name.as_bytes()), "sip:a");
        assert!(writer.finish(b"").is_err() && buffer.is_empty(), "{name:?}");
    }
    assert_eq!(attempt(|w| w.header(HeaderId::Other, "x")), Err(WriteError::Malformed));
    for uri in ["", "sip:a SIP/2.0", "sip:a\tb", "sip:a "] {
        let mut buffer = Vec::new();
        let writer = RequestWriter::new(&mut buffer, LIMIT, Method::Register, uri);
        assert_eq!(writer.finish(b""), Err(WriteError::Malformed), "{uri:?}");
    }
    for status in [0, 20, 99, 1000] {
        let error = with_request("Via: SIP/2.0/UDP a\r\n", |request| {
            let mut buffer = Vec::new();
            let via = request.top_via().unwrap();
            let top = TopVia::unchanged(&via);
            ResponseWriter::answering(&mut buffer, LIMIT, request, (status, "x"), &top, b"t").finish(b"")
        });
        assert_eq!(error, Err(WriteError::Malformed), "{status}");
    }
}

#[test]
fn a_message_that_is_dropped_leaves_nothing() {
    let mut buffer = b"kept".to_vec();
    let mut writer = RequestWriter::new(&mut buffer, LIMIT, Method::Register, "sip:a");
    writer.header(HeaderId::To, "<sip:a>");
    assert!(!writer.is_empty() && writer.len() > 20);
    drop(writer);
    assert_eq!(buffer, b"kept");
}

#[test]
fn a_message_may_be_as_long_as_the_limit_and_no_longer() {
    let message = attempt(|writer| writer).unwrap();
    for (limit, fits) in [(message.len(), true), (message.len() - 1, false), (0, false)] {
        let mut buffer = b"kept".to_vec();
        let result = RequestWriter::new(&mut buffer, limit, Method::Register, "sip:a").finish(b"body");
        assert_eq!(result, if fits { Ok(message.len()) } else { Err(WriteError::TooLong) });
        assert_eq!(buffer.len(), if fits { 4 + message.len() } else { 4 });
    }
}

#[test]
fn lists_numbers_and_names_are_written_and_read_again() {
    let written = attempt(|writer| {
        writer
            .list(HeaderId::Supported, ["path", "outbound"])
            .list(HeaderId::Require, Vec::<&str>::new())
            .list(HeaderId::Contact, [("<sip:a@b>", ";expires=", 60u32), ("<sip:c@d>", ";expires=", u32::MAX)])
            .header(HeaderId::Expires, u64::MAX)
            .header(HeaderId::MaxForwards, 0u8)
            .header_named("X-Other", *b"1")
            .header(HeaderId::To, (b"<sip:a@b>".as_slice(), None::<&str>, ";tag=", 65535u16))
    })
    .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&written),
        "REGISTER sip:a SIP/2.0\r\nSupported: path, outbound\r\nContact: <sip:a@b>;expires=60, <sip:c@d>;expires=4294967295\r\n\
         Expires: 18446744073709551615\r\nMax-Forwards: 0\r\nX-Other: 1\r\nTo: <sip:a@b>;tag=65535\r\nContent-Length: 4\r\n\r\nbody"
    );
    let mut index = Index::new();
    let message = index.read(&written, Framing::Stream).unwrap();
    assert_eq!((message.fault(), message.body()), (None, b"body".as_slice()));
    let tokens: Vec<_> = message.list::<Token<'_>>(HeaderId::Supported).map(|token| token.unwrap().0).collect();
    assert_eq!(tokens, [b"path".as_slice(), b"outbound"]);
    let To(NameAddr { tag, .. }) = message.header().unwrap().unwrap();
    assert_eq!(tag, Some(b"65535".as_slice()));
    assert_eq!(message.list::<ContactValue<'_>>(HeaderId::Contact).filter(Result::is_ok).count(), 2);
}

#[test]
fn numbers_are_written_whole() {
    for number in [0, 7, 10, 99, 100, 3_600, 9_999_999, 10_000_000, 99_999_999, 100_000_000, u64::MAX] {
        let written = attempt(|writer| writer.header(HeaderId::Expires, number)).unwrap();
        assert!(String::from_utf8_lossy(&written).contains(&format!("\r\nExpires: {number}\r\n")), "{number}");
    }
}

#[test]
fn what_is_added_to_via_stands_where_it_stood() {
    for (via, written) in [
        ("SIP/2.0/UDP h;rport;branch=x", "SIP/2.0/UDP h;rport=9;branch=x;received=192.0.2.1"),
        ("SIP/2.0/UDP h;received=1;rport;branch=x", "SIP/2.0/UDP h;rport=9;branch=x;received=192.0.2.1"),
        ("SIP/2.0/UDP h;rport=1;x;received=1;y", "SIP/2.0/UDP h;rport=9;x;y;received=192.0.2.1"),
        ("SIP/2.0/UDP h;received=1", "SIP/2.0/UDP h;received=192.0.2.1"),
        ("SIP/2.0/UDP h", "SIP/2.0/UDP h;received=192.0.2.1"),
    ] {
        let text = with_request(&format!("Via: {via}\r\n"), |request| {
            let mut buffer = Vec::new();
            let via = request.top_via().unwrap();
            let top = TopVia { via: &via, received: Some([192, 0, 2, 1].into()), rport: Some(9) };
            ResponseWriter::answering(&mut buffer, LIMIT, request, (200, "OK"), &top, b"t").finish(b"").unwrap();
            String::from_utf8(buffer).unwrap()
        });
        assert!(text.starts_with(&format!("SIP/2.0 200 OK\r\nVia: {written}\r\n")), "{text}");
    }
}

#[test]
fn a_request_with_control_characters_can_still_be_refused() {
    let bytes = b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;rport, x\x01\r\nTo: \"a\0b\" <sip:a@b>\r\n\
        From: <sip:c@d>;tag=1\rX: y\r\nCall-ID: \x7f\r\nCSeq: 1 OPTIONS\r\n\r\n";
    let mut index = Index::new();
    let request = index.read(bytes, Framing::Datagram).unwrap();
    let mut buffer = Vec::new();
    let via = request.top_via().unwrap();
    let top = TopVia { via: &via, received: Some([192, 0, 2, 1].into()), rport: Some(9) };
    ResponseWriter::answering(&mut buffer, LIMIT, request, (400, "No"), &top, b"t").finish(b"").unwrap();
    let text = String::from_utf8(buffer).unwrap();
    assert!(text.contains("Via: SIP/2.0/UDP h;rport=9;received=192.0.2.1, x?\r\n"), "{text}");
    assert!(text.contains("From: <sip:c@d>;tag=1?X: y\r\n") && text.contains("Call-ID: ?\r\n"), "{text}");
    assert!(!text.contains(['\0', '\x01', '\x7f']), "{text}");
}

#[test]
fn a_header_for_which_there_is_no_room_is_left_out() {
    let message = "OPTIONS sip:a SIP/2.0\r\nSubject: x\r\nContent-Length: 0\r\n\r\n";
    for (limit, written) in [(message.len(), true), (message.len() - 1, false)] {
        let mut buffer = Vec::new();
        let mut writer = RequestWriter::new(&mut buffer, limit, Method::Options, b"sip:a");
        assert_eq!(writer.header_if_room(HeaderId::Subject, "x"), written);
        writer.finish(b"").unwrap();
        assert_eq!(buffer == message.as_bytes(), written);
    }
}
