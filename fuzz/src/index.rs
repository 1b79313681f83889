//! A message that is read without fault is read the same when it is written again from its parts, and a stream is cut
//! where the index sees the end. At a glance anything may be seen in it, but what is seen is one piece of it.

use sip_message::frame::{Frame, FrameLimits, Framer};
use sip_message::glance::{self, Address};
use sip_message::{Framing, Index, Message};

/// Reads `data` as a datagram and as a message of a stream.
pub fn check(data: &[u8]) {
    if let Some(Address { uri, user, host }) = glance::to(data) {
        assert_eq!(uri, [b"sip:", user, b"@", host].concat());
        assert!(!uri.contains(&b'\r') && data.windows(uri.len()).any(|part| part == uri));
    }
    let mut index = Index::new();
    let Ok(message) = index.read(data, Framing::Datagram) else {
        assert!(data.len() > 65_535);
        return;
    };
    assert_eq!(message.fault().is_some(), message.fault_at().is_some());
    assert!(message.fields().count() <= Index::MAX_HEADERS);
    if message.fault().is_none() {
        check_text(&message);
        check_again(data, &message);
    }

    let mut index = Index::new();
    let Ok(message) = index.read(data, Framing::Stream) else { unreachable!("the same length as before") };
    if message.fault().is_none() {
        let limits = FrameLimits { head: 65_535, message: 65_535 };
        let length = head_length(data) + message.body().len();
        assert_eq!(Framer::new(limits).next(data), Frame::Message(length));
    }
}

/// Nothing but text, tabs and folds.
fn check_text(message: &Message<'_>) {
    for field in message.fields() {
        assert!(field.name.iter().all(u8::is_ascii_graphic));
        assert_eq!(field.value, field.value.trim_ascii());
        let mut rest = field.value;
        while let Some((byte, tail)) = rest.split_first() {
            rest = match (byte, tail) {
                (b'\r', [b'\n', b' ' | b'\t', tail @ ..]) => tail,
                (b'\t' | b' '..=b'~' | 0x80.., tail) => tail,
                _ => panic!("a control character in a value"),
            };
        }
    }
}

fn check_again(data: &[u8], message: &Message<'_>) {
    let start = data.split(|&byte| byte == b'\r').next().expect("a start line");
    let mut again = [start, b"\r\n"].concat();
    for field in message.fields() {
        again.extend([field.name, b":", field.value, b"\r\n"].concat());
    }
    again.extend_from_slice(b"\r\n");
    again.extend_from_slice(message.body());
    let mut index = Index::new();
    let read = index.read(&again, Framing::Datagram).expect("not longer than before");
    assert_eq!(read.fault(), None);
    assert_eq!((read.request(), read.response(), read.body()), (message.request(), message.response(), message.body()));
    assert!(read.fields().eq(message.fields()));
}

fn head_length(data: &[u8]) -> usize {
    data.windows(4).position(|four| four == b"\r\n\r\n").expect("a head has an end") + 4
}
