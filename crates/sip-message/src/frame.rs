//! Where a message ends in a stream (RFC 3261 §18.3, §7.5; RFC 5626 §3.5.1, §4.4.1).

use memchr::memchr;

/// What is never exceeded, whatever is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// Start line and headers with the empty line, in bytes.
    pub head: usize,
    /// The whole message, in bytes; at most 65,535.
    pub message: usize,
}

impl Default for FrameLimits {
    /// 16 kB of headers in at most 65,535 bytes.
    fn default() -> Self {
        Self { head: 16 * 1024, message: usize::from(u16::MAX) }
    }
}

/// What stands at the beginning of the bytes received so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// This many bytes are line ends between messages: skip them.
    Skip(usize),
    /// This many bytes to skip complete a keepalive (double CRLF): answer with one CRLF.
    Ping(usize),
    /// This many bytes are one message.
    Message(usize),
    /// Not yet whole.
    NeedMore,
    /// The end of the message cannot be known, so the stream is of no further use. The first `readable` bytes are a
    /// whole head that may be answered; 0 if there is none.
    Broken {
        /// Length of the head.
        readable: usize,
        /// Why.
        error: FrameError,
    },
}

/// Why a stream cannot be divided into messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A line ends without CR.
    #[error("a line feed without a carriage return")]
    BareLineFeed,
    /// More bytes of headers than [`FrameLimits::head`].
    #[error("the headers are longer than allowed")]
    HeadTooLong,
    /// More bytes in all than [`FrameLimits::message`].
    #[error("the message is longer than allowed")]
    MessageTooLong,
    /// RFC 3261 §18.3: it must be there on a stream.
    #[error("no Content-Length on a stream")]
    NoContentLength,
    /// Not a number, or there twice.
    #[error("Content-Length is malformed or repeated")]
    BadContentLength,
}

/// Divides a stream. Keeps only how far it has looked, so bytes that come in drops are looked at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Framer {
    limits: FrameLimits,
    /// No end of the head before this place.
    scanned: usize,
    /// The length of the message whose head has been read, and 0 before.
    total: usize,
    after_crlf: bool,
}

impl Framer {
    /// A framer at the beginning of a stream.
    #[must_use]
    pub fn new(limits: FrameLimits) -> Self {
        Self { limits, scanned: 0, total: 0, after_crlf: false }
    }

    /// Looks at `bytes`, which begin where the last answer other than [`Frame::NeedMore`] ended.
    pub fn next(&mut self, bytes: &[u8]) -> Frame {
        match bytes {
            [] | [b'\r'] => return Frame::NeedMore,
            [b'\r', b'\n', ..] => {
                self.after_crlf = !self.after_crlf;
                return if self.after_crlf { Frame::Skip(2) } else { Frame::Ping(2) };
            }
            _ => self.after_crlf = false,
        }
        if self.total == 0 {
            let head = match self.find_head(bytes) {
                Ok(Some(head)) => head,
                Ok(None) => return Frame::NeedMore,
                Err(error) => return Frame::Broken { readable: 0, error },
            };
            match announced_length(bytes.get(..head).unwrap_or_default()) {
                Ok(body) if head.saturating_add(body) <= self.limits.message => self.total = head + body,
                Ok(_) => return Frame::Broken { readable: head, error: FrameError::MessageTooLong },
                Err(error) => return Frame::Broken { readable: head, error },
            }
        }
        if bytes.len() < self.total {
            return Frame::NeedMore;
        }
        self.scanned = 0;
        Frame::Message(std::mem::take(&mut self.total))
    }

    /// The length of the head if its end is there.
    fn find_head(&mut self, bytes: &[u8]) -> Result<Option<usize>, FrameError> {
        let mut at = self.scanned;
        while let Some(found) = bytes.get(at..).and_then(|rest| memchr(b'\n', rest)) {
            let lf = at + found;
            if lf >= self.limits.head {
                return Err(FrameError::HeadTooLong);
            }
            if lf == 0 || bytes.get(lf - 1) != Some(&b'\r') {
                return Err(FrameError::BareLineFeed);
            }
            at = lf + 1;
            if bytes.get(..lf - 1).is_some_and(|line| line.ends_with(b"\r\n")) {
                return Ok(Some(at));
            }
        }
        if bytes.len() > self.limits.head {
            return Err(FrameError::HeadTooLong);
        }
        self.scanned = at;
        Ok(None)
    }
}

/// Content-Length of a head: there must be one, and only one.
fn announced_length(head: &[u8]) -> Result<usize, FrameError> {
    let mut found = None;
    // Whatever the first line looks like, it is no header.
    let mut rest = memchr(b'\n', head).and_then(|end| head.get(end + 1..)).unwrap_or_default();
    while let Some(end) = memchr(b'\n', rest) {
        let (line, tail) = rest.split_at(end + 1);
        rest = tail;
        if !matches!(line.first(), Some(b'c' | b'C' | b'l' | b'L')) {
            continue;
        }
        let Some(colon) = memchr(b':', line) else { continue };
        let (name, _) = line.split_at(colon);
        let name = name.trim_ascii_end();
        if !(name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"l")) {
            continue;
        }
        // The value may be folded onto the next lines.
        let from = head.len() - rest.len() - line.len() + colon + 1;
        let mut to = head.len() - rest.len();
        while matches!(head.get(to), Some(b' ' | b'\t')) {
            to = head.get(to..).and_then(|more| memchr(b'\n', more)).map_or(head.len(), |lf| to + lf + 1);
        }
        let value = head.get(from..to).unwrap_or_default();
        if found.is_some() {
            return Err(FrameError::BadContentLength);
        }
        found = Some(content_length(value).ok_or(FrameError::BadContentLength)?);
    }
    found.ok_or(FrameError::NoContentLength)
}

/// A Content-Length value: digits between white space. `None` when it is anything else, or beyond `u32`.
#[must_use]
pub fn content_length(value: &[u8]) -> Option<usize> {
    let digits = value.trim_ascii();
    if digits.is_empty() {
        return None;
    }
    let mut number: u32 = 0;
    for &digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(u32::from(digit))?;
    }
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 4\r\n\r\nbody";

    #[test]
    fn a_message_is_found_however_it_is_cut() {
        for cut in 0..MESSAGE.len() {
            let mut framer = Framer::new(FrameLimits::default());
            assert_eq!(framer.next(&MESSAGE[..cut]), Frame::NeedMore, "cut at {cut}");
            assert_eq!(framer.next(MESSAGE), Frame::Message(MESSAGE.len()), "cut at {cut}");
        }
    }

    #[test]
    fn many_messages_in_one_segment() {
        let mut bytes = b"\r\n\r\n".to_vec();
        bytes.extend_from_slice(MESSAGE);
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(MESSAGE);
        let mut framer = Framer::new(FrameLimits::default());
        let mut at = 0;
        let mut seen = Vec::new();
        loop {
            let frame = framer.next(&bytes[at..]);
            match frame {
                Frame::Skip(n) | Frame::Ping(n) | Frame::Message(n) => at += n,
                _ => break,
            }
            seen.push(frame);
        }
        let n = MESSAGE.len();
        assert_eq!(seen, [Frame::Skip(2), Frame::Ping(2), Frame::Message(n), Frame::Skip(2), Frame::Message(n)]);
        assert_eq!(at, bytes.len());
    }

    #[test]
    fn two_pings_are_two_pings_and_a_lone_crlf_is_none() {
        let mut framer = Framer::new(FrameLimits::default());
        let seen: Vec<_> = (0..5).map(|_| framer.next(b"\r\nX")).collect();
        use Frame::{Ping, Skip};
        assert_eq!(seen, [Skip(2), Ping(2), Skip(2), Ping(2), Skip(2)]);
    }

    fn broken(bytes: &[u8]) -> FrameError {
        match Framer::new(FrameLimits { head: 200, message: 300 }).next(bytes) {
            Frame::Broken { error, .. } => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_divided_is_refused() {
        assert_eq!(broken(b"OPTIONS sip:a SIP/2.0\n\n"), FrameError::BareLineFeed);
        assert_eq!(broken(b"OPTIONS sip:a SIP/2.0\r\n\r\n"), FrameError::NoContentLength);
        for value in ["", "x", "-1", "1 2", "4294967296", "0x10"] {
            let head = format!("OPTIONS sip:a SIP/2.0\r\nl:{value}\r\n\r\n");
            assert_eq!(broken(head.as_bytes()), FrameError::BadContentLength, "{value:?}");
        }
        assert_eq!(broken(b"A b SIP/2.0\r\nl: 1\r\nContent-Length: 1\r\n\r\n"), FrameError::BadContentLength);
        assert_eq!(broken(b"A b SIP/2.0\r\nl: 99999\r\n\r\n"), FrameError::MessageTooLong);
        assert_eq!(broken(&[b'a'; 201]), FrameError::HeadTooLong);
    }

    #[test]
    fn a_first_line_that_looks_like_a_header_is_none() {
        let bytes = b"L :9 SIP/2.0\r\nl: 2\r\n\r\nhi";
        assert_eq!(Framer::default().next(bytes), Frame::Message(bytes.len()));
        assert_eq!(broken(b"l: 0\r\nX: y\r\n\r\n"), FrameError::NoContentLength);
    }

    #[test]
    fn a_folded_length_is_read_as_one_value() {
        let bytes = b"A b SIP/2.0\r\nContent-Length:\r\n  2\r\n\r\nhi";
        assert_eq!(Framer::default().next(bytes), Frame::Message(bytes.len()));
        // A fold inside the number does not join the digits.
        assert_eq!(broken(b"A b SIP/2.0\r\nl: 1\r\n 0\r\n\r\n"), FrameError::BadContentLength);
    }
}
