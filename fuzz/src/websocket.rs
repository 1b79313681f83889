//! A WebSocket says the same of the same bytes however they are cut, consumes no more than there is, and hands up
//! messages within the limit; what a client writes is read back.

use sip_transport::websocket::{End, Rules, Session, Step};

const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n";

/// What was said of a stream.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Upgraded,
    Message(Vec<u8>),
    Pong(Vec<u8>),
    End(End),
}

/// The bytes are frames as they stand, and then the text of messages that a client sends in frames.
pub fn check(data: &[u8]) {
    let mut rules = Rules { origins: None, max_message: 64 };
    let stream = [UPGRADE, data].concat();
    for max_message in [64, 65_535] {
        rules.max_message = max_message;
        let whole = read(&stream, &rules, |_| stream.len());
        assert_eq!(whole.0.first(), Some(&Said::Upgraded));
        assert_eq!(whole, read(&stream, &rules, |_| 1), "byte by byte");
        assert_eq!(whole, read(&stream, &rules, |next| 1 + usize::from(next) % 61), "in pieces");
    }
    let mut written = UPGRADE.to_vec();
    let mut expected = vec![Said::Upgraded];
    for (n, text) in data.chunks(100).enumerate() {
        frame(text, n, &mut written);
        let mut text = text;
        while let Some(rest) = text.strip_prefix(b"\r\n") {
            text = rest;
        }
        expected.extend((!text.is_empty()).then(|| Said::Message(text.to_vec())));
    }
    assert_eq!(read(&written, &rules, |_| written.len()).0, expected);
}

/// A binary message as a client sends it: in one frame, or each odd one in two fragments with a ping between them.
fn frame(text: &[u8], n: usize, out: &mut Vec<u8>) {
    let mut put = |first: u8, payload: &[u8]| {
        let mask = [n as u8, 0x5a, 0xa5, payload.len() as u8];
        out.extend([first, 0x80 | u8::try_from(payload.len()).expect("at most 100")]);
        out.extend(mask);
        out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    };
    if n.is_multiple_of(2) {
        put(0x82, text);
    } else {
        let (start, rest) = text.split_at(text.len() / 2);
        put(0x02, start);
        put(0x89, b"ping");
        put(0x80, rest);
    }
}

/// What is said of a stream that comes in such pieces, and what is answered.
fn read(stream: &[u8], rules: &Rules, piece: impl Fn(u8) -> usize) -> (Vec<Said>, Vec<u8>) {
    let (mut session, mut out, mut said) = (Session::new(), Vec::new(), Vec::new());
    let (mut held, mut arrived) = (Vec::new(), 0);
    loop {
        let available = held.len();
        let consumed = match session.next(&mut held, rules, &mut out) {
            Step::NeedMore => {
                let Some(&next) = stream.get(arrived) else { return (said, out) };
                let end = stream.len().min(arrived + piece(next));
                held.extend_from_slice(&stream[arrived..end]);
                arrived = end;
                continue;
            }
            Step::Upgraded { consumed } => {
                said.push(Said::Upgraded);
                consumed
            }
            Step::Message { consumed, bytes } => {
                assert!(!bytes.is_empty() && bytes.len() <= rules.max_message);
                said.push(Said::Message(bytes.to_vec()));
                consumed
            }
            Step::Control { consumed } => consumed,
            Step::Pong { consumed, payload } => {
                assert!(payload.len() <= 125);
                said.push(Said::Pong(payload.to_vec()));
                consumed
            }
            Step::End(end) => {
                said.push(Said::End(end));
                return (said, out);
            }
        };
        assert!((1..=available).contains(&consumed), "{consumed} of {available}");
        held.drain(..consumed);
    }
}
