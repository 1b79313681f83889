//! A stream is divided into the same messages however it is cut into segments, and within the limits.

use sip_message::frame::{Frame, FrameLimits, Framer};

/// Divides `data` as one segment, byte by byte, and in segments whose lengths its own bytes choose.
pub fn check(data: &[u8]) {
    // Small limits, so that short inputs reach them.
    for limits in [FrameLimits { head: 120, message: 200 }, FrameLimits::default()] {
        let whole = divide(data, limits, |_| data.len());
        let in_drops = divide(data, limits, |_| 1);
        let in_pieces = divide(data, limits, |next| 1 + usize::from(next) % 61);
        assert_eq!(whole, in_drops, "byte by byte, {limits:?}");
        assert_eq!(whole, in_pieces, "in pieces, {limits:?}");
    }
}

/// The frames with the place where each begins, the last being what the stream ends with.
fn divide(stream: &[u8], limits: FrameLimits, piece: impl Fn(u8) -> usize) -> Vec<(usize, Frame)> {
    let mut framer = Framer::new(limits);
    let (mut start, mut arrived) = (0, 0);
    let mut frames = Vec::new();
    loop {
        let waiting = &stream[start..arrived];
        let frame = framer.next(waiting);
        match frame {
            Frame::NeedMore => {
                assert!(waiting.len() < limits.message, "{} bytes are kept without a message", waiting.len());
                let Some(&next) = stream.get(arrived) else {
                    frames.push((start, frame));
                    return frames;
                };
                arrived = stream.len().min(arrived + piece(next));
                continue;
            }
            Frame::Skip(length) | Frame::Ping(length) => assert!(waiting[..length] == *b"\r\n"),
            Frame::Message(length) => check_message(&waiting[..length], limits),
            Frame::Broken { readable, .. } => {
                assert!(readable <= waiting.len().min(limits.head));
                assert!(readable == 0 || waiting[..readable].ends_with(b"\r\n\r\n"));
                frames.push((start, frame));
                return frames;
            }
        }
        frames.push((start, frame));
        let (Frame::Skip(length) | Frame::Ping(length) | Frame::Message(length)) = frame else { unreachable!() };
        start += length;
    }
}

fn check_message(message: &[u8], limits: FrameLimits) {
    assert!(message.len() <= limits.message);
    let head = message.windows(4).position(|four| four == b"\r\n\r\n").expect("a message has an end of its head") + 4;
    assert!(head <= limits.head);
}
