use super::*;

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CONTINUE: u8 = 0x80;
const FINAL: u8 = 0x80;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const SIP: &[u8] = b"OPTIONS sip:example.com SIP/2.0\r\n\r\n";

fn rules() -> Rules {
    Rules { origins: None, max_message: 70_000 }
}

/// The request of RFC 6455 §1.3, with `changes` of single headers; an empty value takes a header out.
fn request(changes: &[(&str, &str)]) -> Vec<u8> {
    let mut headers = vec![
        ("Host", "server.example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "keep-alive, Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Origin", "http://example.com"),
        ("Sec-WebSocket-Protocol", "chat, sip"),
        ("Sec-WebSocket-Version", "13"),
    ];
    for &(name, value) in changes {
        headers.retain(|(other, _)| *other != name);
        headers.extend((!value.is_empty()).then_some((name, value)));
    }
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET /chat HTTP/1.1\r\n{lines}\r\n").into_bytes()
}

/// A masked frame, whose length is written in as few bytes as it needs.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ ..126 => bytes.push(0x80 | length as u8),
        length @ ..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// What became of a session: the messages and pongs it gave, its end, and what it sent.
#[derive(Debug, Default, PartialEq, Eq)]
struct Story {
    messages: Vec<Vec<u8>>,
    pongs: Vec<Vec<u8>>,
    end: Option<End>,
    sent: Vec<u8>,
}

/// Feeds `bytes` in pieces of `piece`.
fn feed(mut session: Session, rules: &Rules, bytes: &[u8], piece: usize) -> Story {
    let mut story = Story::default();
    let mut unread = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        unread.extend_from_slice(piece);
        loop {
            let consumed = match session.next(&mut unread, rules, &mut story.sent) {
                Step::NeedMore => break,
                Step::Upgraded { consumed } | Step::Control { consumed } => consumed,
                Step::Message { consumed, bytes } => {
                    story.messages.push(bytes.to_vec());
                    consumed
                }
                Step::Pong { consumed, payload } => {
                    story.pongs.push(payload.to_vec());
                    consumed
                }
                Step::End(end) => {
                    assert_eq!(story.end.replace(end), None, "there is one end");
                    0
                }
            };
            unread.drain(..consumed);
        }
    }
    story
}

/// The story of a session that is open already, the same however its bytes come.
fn after_upgrade(bytes: &[u8]) -> Story {
    let open = || Session { phase: Phase::Open, messages: Messages::default() };
    let whole = feed(open(), &rules(), bytes, bytes.len());
    assert_eq!(whole, feed(open(), &rules(), bytes, 1), "byte by byte");
    assert_eq!(whole, feed(open(), &rules(), bytes, 7), "in sevens");
    whole
}

/// The answer to a request that is refused, the same however its bytes come.
fn refused(bytes: &[u8], rules: &Rules, expected: Refusal) -> String {
    let whole = feed(Session::new(), rules, bytes, bytes.len());
    assert_eq!(whole.end, Some(End::Refused(expected)), "{}", String::from_utf8_lossy(bytes));
    assert_eq!(whole, feed(Session::new(), rules, bytes, 1), "byte by byte");
    let answer = String::from_utf8(whole.sent).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}", body.len())) && head.contains("Content-Type: text/plain"));
    assert!(body.contains(&expected.to_string()) && head.contains("close"), "{answer}");
    answer
}

fn broken(bytes: &[u8], fault: Fault) {
    let story = after_upgrade(bytes);
    assert_eq!(story.end, Some(End::Broken(fault)), "{bytes:x?}");
    let [high, low] = fault.code().to_be_bytes();
    assert!(story.sent.ends_with(&[CLOSE, 2, high, low]), "{:x?}", story.sent);
}

#[test]
fn the_request_of_rfc_6455_is_answered_as_there() {
    for piece in [usize::MAX, 1, 10] {
        let story = feed(Session::new(), &rules(), &request(&[]), piece);
        assert_eq!((story.end, story.messages.len()), (None, 0));
        let answer = String::from_utf8(story.sent).unwrap().to_lowercase();
        assert!(answer.starts_with("http/1.1 101 switching protocols\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
        for line in [
            "upgrade: websocket",
            "connection: upgrade",
            "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=",
            "sec-websocket-protocol: sip",
        ] {
            assert!(answer.contains(&format!("\r\n{line}\r\n")), "{line} in {answer}");
        }
    }
}

#[test]
fn a_frame_in_the_same_segment_as_the_request_is_read() {
    let bytes = [request(&[]), frame(TEXT, SIP)].concat();
    assert_eq!(feed(Session::new(), &rules(), &bytes, bytes.len()).messages, [SIP]);
}

#[test]
fn http_that_stays_http_is_answered_plainly() {
    let rules = rules();
    for page in [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".as_slice(),
        b"GET / HTTP/1.0\r\n\r\n",
        &request(&[("Upgrade", "")]),
        &request(&[("Connection", "keep-alive")]),
        &request(&[("Upgrade", "h2c")]),
    ] {
        let answer = refused(page, &rules, Refusal::NoUpgrade);
        assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n") && answer.contains("Upgrade: websocket\r\n"));
    }
    let answer = refused(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\nx", &rules, Refusal::Method);
    assert!(answer.starts_with("HTTP/1.1 405 Method Not Allowed\r\n") && answer.contains("Allow: GET\r\n"));
}

#[test]
fn another_version_is_told_which_one_there_is() {
    for version in ["8", "14", ""] {
        let answer = refused(&request(&[("Sec-WebSocket-Version", version)]), &rules(), Refusal::Version);
        assert!(answer.starts_with("HTTP/1.1 426 ") && answer.contains("Sec-WebSocket-Version: 13\r\n"));
    }
}

#[test]
fn what_is_no_http_is_answered_400_as_soon_as_that_is_plain() {
    for bytes in [
        b"REGISTER sip:example.com SIP/2.0\r\n".as_slice(),
        b"\x16\x03\x01",
        b"GET / HTTP/1.1\r\nno header\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        &request(&[("Host", "")]),
        &request(&[("Sec-WebSocket-Key", "")]),
        &request(&[("Sec-WebSocket-Key", "c2hvcnQ=")]),
        &request(&[("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")]),
    ] {
        assert!(refused(bytes, &rules(), Refusal::Malformed).starts_with("HTTP/1.1 400 Bad Request\r\n"));
    }
}

#[test]
fn the_subprotocol_must_be_offered_in_any_of_its_headers() {
    for offer in ["", "chat", "SIP", "sips", "sip2"] {
        let answer = refused(&request(&[("Sec-WebSocket-Protocol", offer)]), &rules(), Refusal::NoSubprotocol);
        assert!(answer.starts_with("HTTP/1.1 400 "));
    }
    for offer in ["sip", "a,sip ,b", "chat\r\nSec-WebSocket-Protocol: sip"] {
        let request = request(&[("Sec-WebSocket-Protocol", offer)]);
        assert_eq!(feed(Session::new(), &rules(), &request, request.len()).end, None, "{offer}");
    }
}

#[test]
fn with_a_list_of_origins_no_other_and_none_is_let_in() {
    let rules = Rules { origins: Some(vec!["https://phone.example.com".to_owned()]), ..rules() };
    for origin in
        ["", "null", "http://phone.example.com", "https://phone.example.com.evil.example", "https://evil.example"]
    {
        let answer = refused(&request(&[("Origin", origin)]), &rules, Refusal::Origin);
        assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"));
    }
    let twice = "https://phone.example.com\r\nOrigin: https://evil.example";
    refused(&request(&[("Origin", twice)]), &rules, Refusal::Origin);
    let allowed = request(&[("Origin", "https://Phone.example.com")]);
    assert_eq!(feed(Session::new(), &rules, &allowed, allowed.len()).end, None);
}

#[test]
fn headers_are_not_waited_for_beyond_8_kb_nor_beyond_124_of_them() {
    let endless = [b"GET / HTTP/1.1\r\nHost: x\r\nCookie: ".as_slice(), &[b'a'; 9000]].concat();
    assert!(refused(&endless, &rules(), Refusal::HeadTooLong).starts_with("HTTP/1.1 431 "));
    let many = [b"GET / HTTP/1.1\r\n".as_slice(), &b"a: b\r\n".repeat(200), b"\r\n"].concat();
    refused(&many, &rules(), Refusal::HeadTooLong);
    let exact = |length: usize| {
        let fill = length - request(&[("Cookie", "a")]).len() + 1;
        request(&[("Cookie", &"a".repeat(fill))])
    };
    assert_eq!(feed(Session::new(), &rules(), &exact(8192), 8192).end, None);
    refused(&exact(8193), &rules(), Refusal::HeadTooLong);
}

#[test]
fn a_message_is_read_as_text_and_as_binary_at_every_width_of_its_length() {
    for length in [1, 125, 126, 65_535, 65_536, 70_000] {
        let message = vec![b'x'; length];
        for first in [TEXT, BINARY] {
            assert_eq!(after_upgrade(&frame(first, &message)).messages, [message.as_slice()]);
        }
    }
    let latin = b"OPTIONS sip:example.com SIP/2.0\r\nSubject: \xe4\r\n\r\n";
    assert_eq!(after_upgrade(&frame(BINARY, latin)).messages, [latin.as_slice()]);
}

#[test]
fn fragments_become_one_message_with_control_frames_between_them() {
    let (one, rest) = "Ünïcode".as_bytes().split_at(1);
    let bytes =
        [frame(0x01, one), frame(PING, b"p"), frame(0x00, b""), frame(PONG, b"q"), frame(CONTINUE, rest)].concat();
    let story = after_upgrade(&bytes);
    assert_eq!((story.messages, story.pongs), (vec!["Ünïcode".as_bytes().to_vec()], vec![b"q".to_vec()]));
    assert_eq!((story.end, story.sent), (None, vec![PONG, 1, b'p']));
}

#[test]
fn the_memory_of_a_fragmented_message_is_let_go_when_it_has_been_taken() {
    let mut session = Session { phase: Phase::Open, messages: Messages::default() };
    let mut out = Vec::new();
    assert!(matches!(session.next(&mut frame(0x02, b"ab"), &rules(), &mut out), Step::Control { .. }));
    assert!(session.is_within_message());
    assert!(matches!(
        session.next(&mut frame(CONTINUE, b"cd"), &rules(), &mut out),
        Step::Message { bytes: b"abcd", .. }
    ));
    assert!(!session.is_within_message());
    assert_eq!(session.next(&mut [], &rules(), &mut out), Step::NeedMore);
    assert_eq!(size_of_val(&session), 16);
    assert_eq!(format!("{session:?}"), "Session { phase: Open, messages: Messages(None) }");
}

#[test]
fn keepalives_inside_messages_are_answered_as_rfc_5626_says() {
    assert_eq!(after_upgrade(&frame(TEXT, b"\r\n\r\n")).sent, [TEXT, 2, b'\r', b'\n']);
    for silent in [b"".as_slice(), b"\r\n"] {
        let story = after_upgrade(&frame(TEXT, silent));
        assert_eq!(story, Story::default());
    }
    assert_eq!(after_upgrade(&frame(TEXT, &[b"\r\n\r\n", SIP].concat())).messages, [SIP]);
}

#[test]
fn a_close_is_returned_and_what_follows_is_not_read() {
    for payload in [b"".as_slice(), &1000_u16.to_be_bytes(), b"\x0b\xb8going"] {
        let story = after_upgrade(&[frame(CLOSE, payload), frame(TEXT, SIP)].concat());
        assert_eq!((story.end, story.messages.len()), (Some(End::Closed), 0));
        assert_eq!(story.sent, [&[CLOSE, payload.len() as u8], payload].concat());
    }
}

#[test]
fn a_close_that_rfc_6455_does_not_allow_is_refused() {
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        broken(&frame(CLOSE, &code.to_be_bytes()), Fault::Protocol);
    }
    broken(&frame(CLOSE, b"\x03"), Fault::Protocol);
    broken(&frame(CLOSE, b"\x03\xe8\xff"), Fault::NotUtf8);
}

#[test]
fn frames_that_rfc_6455_does_not_allow_are_refused() {
    let mut unmasked = frame(TEXT, SIP);
    unmasked[1] &= 0x7f;
    broken(&unmasked, Fault::Protocol);
    for reserved_bit in [0x40, 0x20, 0x10] {
        broken(&frame(TEXT | reserved_bit, SIP), Fault::Protocol);
    }
    for opcode in (0x3..=0x7).chain(0xb..=0xf) {
        broken(&frame(FINAL | opcode, b""), Fault::Protocol);
    }
    for control in [CLOSE, PING, PONG] {
        broken(&frame(control & 0x0f, b""), Fault::Protocol);
        broken(&frame(control, &[b'x'; 126]), Fault::Protocol);
    }
    broken(&frame(CONTINUE, SIP), Fault::Protocol);
    broken(&[frame(0x01, b"a"), frame(TEXT, b"b")].concat(), Fault::Protocol);
    broken(&[frame(0x01, b"a"), frame(CONTINUE, b"b"), frame(CONTINUE, b"c")].concat(), Fault::Protocol);
    let two_bytes_for_125 = [&[TEXT, 0x80 | 126, 0, 125][..], &MASK].concat();
    broken(&two_bytes_for_125, Fault::Protocol);
    let eight_bytes_for_65535 = [&[TEXT, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff][..], &MASK].concat();
    broken(&eight_bytes_for_65535, Fault::Protocol);
}

#[test]
fn text_must_be_utf_8_over_all_its_fragments() {
    broken(&frame(TEXT, b"\xc3"), Fault::NotUtf8);
    broken(&[frame(0x01, b"\xc3"), frame(CONTINUE, b"x")].concat(), Fault::NotUtf8);
}

#[test]
fn what_is_too_long_is_refused_by_its_header() {
    for length in [70_001_u64, 1 << 32, 1 << 63, u64::MAX] {
        broken(&[&[TEXT, 0x80 | 127][..], &length.to_be_bytes(), &MASK].concat(), Fault::TooLong);
    }
    let one_byte_too_many = [&[CONTINUE, 0x80 | 126][..], &10_001_u16.to_be_bytes(), &MASK].concat();
    broken(&[frame(0x02, &[b'x'; 60_000]), one_byte_too_many].concat(), Fault::TooLong);
}

#[test]
fn messages_are_written_as_text_or_if_they_are_no_utf_8_as_binary() {
    for (message, head) in [
        (SIP.to_vec(), vec![TEXT, SIP.len() as u8]),
        (vec![b'x'; 126], vec![TEXT, 126, 0, 126]),
        (vec![b'x'; 65_536], vec![TEXT, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        (vec![0xff; 3], vec![BINARY, 3]),
    ] {
        let mut out = b"before".to_vec();
        write_message(&message, &mut out);
        assert_eq!(out, [b"before".as_slice(), &head, &message].concat());
    }
    let mut out = Vec::new();
    write_ping(*b"12345678", &mut out);
    write_close(1001, &mut out);
    assert_eq!(out, b"\x89\x0812345678\x88\x02\x03\xe9");
}
