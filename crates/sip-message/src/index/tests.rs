use super::*;
use crate::header::Via;

const VIA: &str = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1";

/// A REGISTER with these lines behind its Via and CSeq, and this body.
fn register(lines: &str, body: &str) -> Vec<u8> {
    format!("REGISTER sip:a SIP/2.0\r\n{VIA}\r\nCSeq: 1 REGISTER\r\n{lines}\r\n{body}").into_bytes()
}

fn fault_of(bytes: &[u8], framing: Framing) -> Option<Fault> {
    let mut index = Index::new();
    let message = index.read(bytes, framing).unwrap();
    assert_eq!(message.fault().is_some(), message.fault_at().is_some());
    message.fault()
}

fn fault(bytes: impl AsRef<[u8]>) -> Option<Fault> {
    fault_of(bytes.as_ref(), Framing::Datagram)
}

fn value(bytes: &[u8], id: HeaderId) -> Option<Vec<u8>> {
    let mut index = Index::new();
    let message = index.read(bytes, Framing::Datagram).unwrap();
    assert_eq!(message.fault(), None, "{}", bytes.escape_ascii());
    message.value(id).map(<[u8]>::to_vec)
}

#[test]
fn values_are_trimmed_and_keep_their_folds() {
    for (line, expected) in [
        ("Subject: a", "a"),
        ("Subject:a", "a"),
        ("Subject :a", "a"),
        ("Subject \t : \t a b \t ", "a b"),
        ("SUBJECT:\r\n a", "a"),
        ("subject: \r\n\t \r\n a", "a"),
        ("s: a\r\n  b", "a\r\n  b"),
        ("S: a \r\n\tb\r\n ", "a \r\n\tb"),
        ("Subject:", ""),
        ("Subject: \r\n ", ""),
        ("Subject: a:b:c", "a:b:c"),
        ("Subject: \u{fc}ber \u{1F600}", "\u{fc}ber \u{1F600}"),
        ("Subject: a\tb", "a\tb"),
        ("Subject: \u{80}\u{ff}", "\u{80}\u{ff}"),
    ] {
        let bytes = register(&format!("{line}\r\n"), "");
        let read = value(&bytes, HeaderId::Subject).unwrap();
        assert_eq!(read.escape_ascii().to_string(), expected.as_bytes().escape_ascii().to_string(), "{line:?}");
    }
}

#[test]
fn unknown_names_and_methods_are_kept_as_they_came() {
    let bytes = b"NEW-method_!%*+`'~. isbn:1 SIP/2.0\r\nX-.!%*_+`'~9: y\r\nx-other: 1\r\nX-OTHER: 2\r\n\r\n";
    let mut index = Index::new();
    let message = index.read(bytes, Framing::Datagram).unwrap();
    assert_eq!(message.fault(), None);
    let request = message.request().unwrap();
    assert_eq!(request.method, Method::Other(b"NEW-method_!%*+`'~."));
    assert_eq!(request.uri, b"isbn:1");
    let fields: Vec<_> = message.fields().map(|field| (field.id, field.name, field.value)).collect();
    assert_eq!(
        fields,
        [
            (HeaderId::Other, b"X-.!%*_+`'~9".as_slice(), b"y".as_slice()),
            (HeaderId::Other, b"x-other", b"1"),
            (HeaderId::Other, b"X-OTHER", b"2"),
        ]
    );
    assert_eq!(message.value_named("x-Other"), Some(b"1".as_slice()));
    assert_eq!(message.value_named("x-none"), None);
}

#[test]
fn methods_are_told_apart_by_case() {
    let bytes = b"register sip:a SIP/2.0\r\n\r\n";
    let mut index = Index::new();
    let method = index.read(bytes, Framing::Datagram).unwrap().request().unwrap().method;
    assert_eq!(method, Method::Other(b"register"));
    for name in ["REGISTER", "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH"] {
        let method = Method::from_name(name.as_bytes());
        assert!(!matches!(method, Method::Other(_)), "{name}");
        assert_eq!((method.name(), method.to_string()), (name.as_bytes(), name.to_owned()));
    }
}

#[test]
fn repeated_and_comma_joined_values_are_one_list_in_order() {
    let bytes = register(
        "v: SIP/2.0/TCP b;branch=2 , SIP / 2.0 / TLS c;branch=3\r\nSupported: x\r\nVIA:\r\n SIP/2.0/WS d;branch=4\r\n",
        "",
    );
    let mut index = Index::new();
    let message = index.read(&bytes, Framing::Datagram).unwrap();
    assert_eq!(message.fault(), None);
    assert_eq!(message.lines(HeaderId::Via).count(), 3);
    let transports: Vec<_> = message.list::<Via<'_>>(HeaderId::Via).map(|via| via.unwrap().transport).collect();
    assert_eq!(transports, [b"UDP".as_slice(), b"TCP", b"TLS", b"WS"]);
    assert_eq!(message.value(HeaderId::Via), Some(b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1".as_slice()));
    assert_eq!(message.lines(HeaderId::Path).count(), 0);
}

#[test]
fn start_lines_that_are_none_are_refused() {
    let via = format!("\r\n{VIA}\r\n\r\n");
    for line in [
        "",
        " ",
        "REGISTER",
        "REGISTER sip:a",
        "REGISTER sip:a ",
        "REGISTER  sip:a SIP/2.0",
        "REGISTER sip:a  SIP/2.0",
        "REGISTER sip:a SIP/2.0 ",
        "REGISTER sip:a; lr SIP/2.0",
        "REGISTER <sip:a b> SIP/2.0",
        "REGISTER\tsip:a SIP/2.0",
        "REGISTER sip:a\tSIP/2.0",
        " REGISTER sip:a SIP/2.0",
        "REGI@STER sip:a SIP/2.0",
        "REGISTER sip:a HTTP/1.1",
        "REGISTER sip:a SIP/2",
        "REGISTER sip:a SIP/2.",
        "REGISTER sip:a SIP/.0",
        "REGISTER sip:a SIP/2.0.1",
        "REGISTER sip:a SIP 2.0",
        "SIP/2.0 200",
        "SIP/2.0  200 OK",
        "SIP/2.0 99 OK",
        "SIP/2.0 099 OK",
        "SIP/2.0 2000 OK",
        "SIP/2.0 4294967301 better not break the receiver",
        "SIP/2.0 2x0 OK",
        "SIP/2.0",
        "SIP/x.0 200 OK",
    ] {
        let bytes = format!("{line}{via}");
        assert_eq!(fault(&bytes), Some(Fault::StartLine), "{line:?}");
        let mut index = Index::new();
        let message = index.read(bytes.as_bytes(), Framing::Datagram).unwrap();
        assert!(message.request().is_none() && message.response().is_none());
        // It can still be answered: the Via stands behind.
        assert_eq!(message.list::<Via<'_>>(HeaderId::Via).count(), 1, "{line:?}");
        assert_eq!(message.looks_like_response(), line.starts_with("SIP/"));
    }
}

#[test]
fn versions_are_told_apart_in_any_case_of_letters() {
    for (line, version_2) in [
        ("OPTIONS sip:a SIP/2.0", true),
        ("OPTIONS sip:a sip/2.0", true),
        ("OPTIONS sip:a SIP/7.0", false),
        ("OPTIONS sip:a SIP/2.1", false),
        ("OPTIONS sip:a SIP/02.0", false),
        ("OPTIONS sip:a SIP/2.00", false),
    ] {
        let bytes = format!("{line}\r\n\r\n");
        let mut index = Index::new();
        let message = index.read(bytes.as_bytes(), Framing::Datagram).unwrap();
        assert_eq!(message.request().unwrap().version_2, version_2, "{line}");
    }
}

#[test]
fn status_lines_are_read() {
    for (line, code, reason) in
        [("SIP/2.0 200 OK", 200, "OK"), ("sip/2.0 180 ", 180, ""), ("SIP/2.0 999 a  b \u{43d}", 999, "a  b \u{43d}")]
    {
        let bytes = format!("{line}\r\nCSeq: 1 REGISTER\r\n\r\n");
        let mut index = Index::new();
        let message = index.read(bytes.as_bytes(), Framing::Datagram).unwrap();
        assert_eq!(message.fault(), None, "{line}");
        let response = message.response().unwrap();
        assert_eq!((response.code, response.reason, response.version_2), (code, reason.as_bytes(), true));
        assert!(message.looks_like_response());
    }
}

#[test]
fn bare_line_ends_and_control_characters_in_the_head_are_refused() {
    use Fault::{BareCarriageReturn, BareLineFeed, ControlCharacter};
    for (line, expected) in [
        ("Subject: a\n", BareLineFeed),
        ("Subject: a\nX: y\r\n", BareLineFeed),
        ("Subject: a\n b\r\n", BareLineFeed),
        ("\n", BareLineFeed),
        ("Subject: a\rb\r\n", BareCarriageReturn),
        ("Subject: a\r\r\n", BareCarriageReturn),
        ("Subject: a\0b\r\n", ControlCharacter),
        ("Subject: \u{7f}\r\n", ControlCharacter),
        ("Subject: \u{1b}[2J\r\n", ControlCharacter),
        ("Subject: \"a\u{b}\"\r\n", ControlCharacter),
        ("Subject:\u{c}a\r\n", ControlCharacter),
    ] {
        assert_eq!(fault(register(line, "")), Some(expected), "{line:?}");
    }
    for start in ["REGISTER sip:a SIP/2.0\n", "REGISTER sip:a SIP/2.0\r\r\n", "REGISTER sip:a\0 SIP/2.0\r\n"] {
        let fault = fault(format!("{start}{VIA}\r\n\r\n"));
        assert!(matches!(fault, Some(BareLineFeed | BareCarriageReturn | ControlCharacter)), "{start:?} {fault:?}");
    }
    // Only the head: a body is free.
    assert_eq!(fault(register("", "\0\n\r\x7f")), None);
}

#[test]
fn lines_that_are_no_headers_are_refused() {
    for line in [
        "Subject\r\n",
        "Subject a\r\n",
        ": a\r\n",
        "Sub ject: a\r\n",
        "Sub@ject: a\r\n",
        "Sub(ject): a\r\n",
        "S\u{fc}bject: a\r\n",
        "Subject\r\n : a\r\n",
        "\rSubject: a\r\n",
        "{Subject}: a\r\n",
        "Via\0: a\r\n",
        "To\0\0: a\r\n",
    ] {
        assert_eq!(fault(register(line, "")), Some(Fault::HeaderLine), "{line:?}");
    }
    // A fold needs something to continue (RFC 3261 §7.3.1).
    let folded = format!("REGISTER sip:a SIP/2.0\r\n {VIA}\r\n\r\n");
    assert_eq!(fault(folded), Some(Fault::HeaderLine));
}

#[test]
fn what_may_stand_once_may_not_stand_twice_in_either_form() {
    for &id in HeaderId::ALL {
        let expected = id.is_single().then_some(Fault::Repeated);
        let value = match id {
            HeaderId::CSeq => "1 REGISTER",
            HeaderId::ContentLength => "0",
            _ => "x",
        };
        let mut names = vec![id.name().to_owned(), id.name().to_lowercase()];
        names.extend(id.compact().map(|letter| char::from(letter).to_string()));
        for again in &names {
            let bytes = format!("REGISTER sip:a SIP/2.0\r\n{}: {value}\r\nX: y\r\n{again}: {value}\r\n\r\n", id.name());
            assert_eq!(fault(&bytes), expected, "{again}");
        }
    }
    // threats.md names these; a second reading of each is dangerous.
    for id in [
        HeaderId::To,
        HeaderId::From,
        HeaderId::CallId,
        HeaderId::CSeq,
        HeaderId::ContentLength,
        HeaderId::MaxForwards,
        HeaderId::Expires,
    ] {
        assert!(id.is_single(), "{id:?}");
    }
}

#[test]
fn the_first_of_repeated_headers_is_the_one_that_is_given() {
    let bytes = register("To: <sip:a>\r\nTo: <sip:b>\r\n", "");
    let mut index = Index::new();
    let message = index.read(&bytes, Framing::Datagram).unwrap();
    assert_eq!((message.fault(), message.value(HeaderId::To)), (Some(Fault::Repeated), Some(b"<sip:a>".as_slice())));
    assert_eq!(message.fault_at(), bytes.windows(5).rposition(|five| five == b"To: <"));
}

#[test]
fn headers_beyond_the_hundredth_are_refused_and_the_first_kept() {
    let with = |count: usize| {
        let mut head = format!("REGISTER sip:a SIP/2.0\r\n{VIA}\r\n");
        (1..count).for_each(|n| head.push_str(&format!("X-N: {n}\r\n")));
        head + "\r\n"
    };
    assert_eq!(Index::MAX_HEADERS, 100);
    assert_eq!(fault(with(100)), None);
    assert_eq!(fault(with(101)), Some(Fault::TooManyHeaders));
    let bytes = with(2000);
    let mut index = Index::new();
    let message = index.read(bytes.as_bytes(), Framing::Datagram).unwrap();
    assert_eq!((message.fields().count(), message.list::<Via<'_>>(HeaderId::Via).count()), (100, 1));
}

#[test]
fn a_head_without_an_end_is_refused() {
    let whole = register("Subject: a\r\n b\r\n", "");
    assert_eq!(fault(&whole), None);
    for cut in 0..whole.len() {
        assert!(fault(&whole[..cut]).is_some(), "cut at {cut}");
    }
    for end in [2, 1] {
        assert_eq!(
            fault(&whole[..whole.len() - end]),
            Some(if end == 2 { Fault::NoEmptyLine } else { Fault::HeaderLine })
        );
    }
}

#[test]
fn content_length_is_obeyed_or_the_message_refused() {
    use Framing::{Datagram, Stream};
    for (lines, body, framing, expected) in [
        ("", "body", Datagram, Ok("body")),
        ("", "body", Stream, Err(Fault::NoContentLength)),
        ("Content-Length: 4\r\n", "body", Datagram, Ok("body")),
        ("l:4\r\n", "body", Stream, Ok("body")),
        ("Content-Length:  4 \t\r\n", "body", Stream, Ok("body")),
        ("Content-Length: 0004\r\n", "body", Stream, Ok("body")),
        ("Content-Length:\r\n 4\r\n", "body", Stream, Ok("body")),
        // RFC 3261 §18.3: more bytes in the datagram are dropped.
        ("Content-Length: 2\r\n", "body", Datagram, Ok("bo")),
        ("Content-Length: 0\r\n", "body", Datagram, Ok("")),
        ("Content-Length: 5\r\n", "body", Datagram, Err(Fault::BodyTooShort)),
        ("Content-Length: 4294967295\r\n", "body", Datagram, Err(Fault::BodyTooShort)),
        ("Content-Length: 4294967296\r\n", "body", Datagram, Err(Fault::ContentLength)),
        ("Content-Length: 4, 4\r\n", "body", Datagram, Err(Fault::ContentLength)),
        ("Content-Length: 4 4\r\n", "body", Datagram, Err(Fault::ContentLength)),
        ("Content-Length:\r\n", "body", Datagram, Err(Fault::ContentLength)),
        ("Content-Length: -1\r\n", "body", Datagram, Err(Fault::ContentLength)),
        ("Content-Length: +4\r\n", "body", Datagram, Err(Fault::ContentLength)),
        ("Content-Length: 0x4\r\n", "body", Datagram, Err(Fault::ContentLength)),
        ("Content-Length: 1\r\n 0\r\n", "bodybodybody", Datagram, Err(Fault::ContentLength)),
        ("Content-Length: 4\r\nl: 4\r\n", "body", Datagram, Err(Fault::Repeated)),
    ] {
        let bytes = register(lines, body);
        let mut index = Index::new();
        let message = index.read(&bytes, framing).unwrap();
        match expected {
            Ok(body) => assert_eq!((message.fault(), message.body()), (None, body.as_bytes()), "{lines:?}"),
            Err(fault) => assert_eq!(message.fault(), Some(fault), "{lines:?}"),
        }
    }
}

#[test]
fn the_method_of_cseq_is_that_of_the_request() {
    let with = |method: &str, cseq: &str| fault(format!("{method} sip:a SIP/2.0\r\nCSeq:{cseq}\r\n\r\n"));
    for cseq in [" 1 REGISTER", "1 REGISTER ", " 1\r\n\tREGISTER", "1   \t REGISTER"] {
        assert_eq!(with("REGISTER", cseq), None, "{cseq:?}");
    }
    for cseq in [
        " 1 INVITE",
        " 1 register",
        " 1 REGISTERX",
        " 1 XREGISTER",
        " 1 :REGISTER",
        " 1REGISTER",
        " REGISTER,",
        "",
        " 1",
    ] {
        assert_eq!(with("REGISTER", cseq), Some(Fault::CSeqMethod), "{cseq:?}");
    }
    assert_eq!(with("REGISTER", " REGISTER"), None, "a missing number is for the typed header to find");
    assert_eq!(fault("SIP/2.0 200 OK\r\nCSeq: 1 BYE\r\n\r\n"), None, "a response has no method to compare");
    assert_eq!(fault("REGISTER sip:a SIP/2.0\r\n\r\n"), None, "a missing CSeq is for the dispatcher to find");
}

#[test]
fn the_first_fault_is_kept() {
    let bytes = register("To: a\r\nBad line\r\nTo: b\r\nX: \0\r\n", "");
    assert_eq!(fault(bytes), Some(Fault::HeaderLine));
}

#[test]
fn via_is_read_in_spite_of_any_fault() {
    for lines in
        ["X\r\n", "X: \0\r\n", "X: y\n", "X: y\rz\r\n", ": x\r\n", "To: a\r\nTo: b\r\n", "l: x\r\n", "l: 9\r\n"]
    {
        for first in [true, false] {
            let (before, after) = if first { ("", lines) } else { (lines, "") };
            let bytes = format!("REGISTER sip:a SIP/2.0\r\n{before}{VIA}\r\n{after}\r\n");
            let mut index = Index::new();
            let message = index.read(bytes.as_bytes(), Framing::Datagram).unwrap();
            assert!(message.fault().is_some(), "{lines:?}");
            let via = message.list::<Via<'_>>(HeaderId::Via).next().unwrap().unwrap();
            assert_eq!(via.branch, Some(b"z9hG4bK1".as_slice()));
        }
    }
}

#[test]
fn places_of_16_bits_are_enough_for_65535_bytes_and_no_more_are_read() {
    let mut bytes = register("", "");
    let head = bytes.len();
    bytes.resize(65_535, b'x');
    let mut index = Index::new();
    let message = index.read(&bytes, Framing::Datagram).unwrap();
    assert_eq!((message.fault(), message.body().len()), (None, 65_535 - head));
    bytes.push(b'x');
    assert_eq!(index.read(&bytes, Framing::Datagram).err(), Some(TooLong));

    // The same length, all of it one header.
    let mut bytes = b"REGISTER sip:a SIP/2.0\r\nSubject: ".to_vec();
    bytes.resize(65_531, b'x');
    bytes.extend_from_slice(b"\r\n\r\n");
    let message = index.read(&bytes, Framing::Datagram).unwrap();
    assert_eq!(message.fault(), None);
    assert_eq!(message.value(HeaderId::Subject).unwrap().len(), 65_531 - 33);
}

#[test]
fn an_index_keeps_nothing_of_the_message_before() {
    let mut index = Index::new();
    let full = register("To: <sip:a>\r\nSubject: x\r\nSubject\r\n", "body");
    assert!(index.read(&full, Framing::Datagram).unwrap().fault().is_some());
    let message = index.read(b"SIP/2.0 200 OK\r\nVia: x\r\n\r\n", Framing::Datagram).unwrap();
    assert_eq!((message.fault(), message.fields().count(), message.body()), (None, 1, [].as_slice()));
    assert_eq!((message.value(HeaderId::To), message.value(HeaderId::Subject)), (None, None));
    assert!(message.request().is_none());
    let message = index.read(b"", Framing::Datagram).unwrap();
    assert_eq!((message.fault(), message.fields().count()), (Some(Fault::StartLine), 0));
}
