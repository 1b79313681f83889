//! Where everything stands in a message: read once, front to back, without allocating.

mod fault;
mod message;
mod method;
mod name;
mod owned;
mod quick;
pub(crate) mod scan;
mod start_line;

pub use fault::Fault;
pub use message::{Field, Message, Request, Response};
pub use method::Method;
pub use name::HeaderId;
pub use owned::OwnedMessage;

use crate::chars::{SPACE, TOKEN};
use crate::frame;
use quick::usual_name;
use scan::next_control;
use start_line::{StartLine, start_line};

/// How a message came, which decides what its Content-Length must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// As a datagram: Content-Length may be absent, and what stands behind the body is ignored (RFC 3261 §18.3).
    Datagram,
    /// Cut from a stream: Content-Length must be there.
    Stream,
}

/// Too long for an index: more than 65,535 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of more than 65,535 bytes")]
pub struct TooLong;

/// A place in a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    from: u16,
    to: u16,
}

impl Span {
    /// Nothing is cut off: [`Index::read`] has refused what is longer.
    #[inline]
    pub(crate) fn new(from: usize, to: usize) -> Self {
        debug_assert!(from <= to && to <= usize::from(u16::MAX));
        Self { from: from as u16, to: to as u16 }
    }

    #[inline]
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(usize::from(self.from)..usize::from(self.to)).unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    name: Span,
    value: Span,
    id: HeaderId,
}

const EMPTY: Entry = Entry { name: Span { from: 0, to: 0 }, value: Span { from: 0, to: 0 }, id: HeaderId::Other };

/// The places of all parts of one message. Made once and filled again for each message.
#[derive(Clone, Debug)]
pub struct Index {
    start: StartLine,
    count: usize,
    entries: [Entry; Self::MAX_HEADERS],
    /// A bit for each [`HeaderId`] that is there, and its first place.
    seen: u64,
    first: [u8; 64],
    body: Span,
    fault: Option<(Fault, u16)>,
    /// A header line is continued by the next.
    folded: bool,
}

impl Default for Index {
    fn default() -> Self {
        Self::new()
    }
}

impl Index {
    /// How many headers a message may have.
    pub const MAX_HEADERS: usize = 100;

    /// An empty index.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            start: StartLine::Unreadable,
            count: 0,
            entries: [EMPTY; Self::MAX_HEADERS],
            seen: 0,
            first: [0; 64],
            body: Span { from: 0, to: 0 },
            fault: None,
            folded: false,
        }
    }

    /// Reads `bytes` and gives them with their places.
    ///
    /// What is wrong with the message as a whole is not an error here but its [`Message::fault`], since it must be
    /// answered all the same, and reading goes on behind it as far as it can.
    ///
    /// # Errors
    /// [`TooLong`] when places in the message do not fit an index.
    pub fn read<'a>(&'a mut self, bytes: &'a [u8], framing: Framing) -> Result<Message<'a>, TooLong> {
        if bytes.len() > usize::from(u16::MAX) {
            return Err(TooLong);
        }
        self.count = 0;
        self.seen = 0;
        self.fault = None;
        self.folded = false;
        let at = self.read_start(bytes);
        let head = self.read_headers(bytes, at);
        self.read_body(bytes, head, framing);
        self.check_method(bytes);
        Ok(Message::new(bytes, self))
    }

    fn read_start(&mut self, bytes: &[u8]) -> usize {
        let (end, next, _) = self.line_end(bytes, 0);
        self.start = start_line(bytes.get(..end).unwrap_or_default());
        if matches!(self.start, StartLine::Unreadable) {
            self.note(Fault::StartLine, 0);
        }
        next
    }

    /// Reads header lines from `at` on and gives the beginning of the body.
    fn read_headers(&mut self, bytes: &[u8], mut at: usize) -> usize {
        loop {
            match bytes.get(at..) {
                None | Some([]) => {
                    self.note(Fault::NoEmptyLine, at);
                    return bytes.len();
                }
                Some([b'\r', b'\n', ..]) => return at + 2,
                Some([b'\n', ..]) => {
                    self.note(Fault::BareLineFeed, at);
                    return at + 1;
                }
                Some(line) => at = self.read_header(bytes, at, line),
            }
        }
    }

    /// Reads the header line at `at` and gives the place of the next. `line` is all that begins there.
    #[inline]
    fn read_header(&mut self, bytes: &[u8], at: usize, line: &[u8]) -> usize {
        let Some((id, name_len, colon)) = header_name(line) else {
            self.note(Fault::HeaderLine, at);
            return self.line_end(bytes, at).1;
        };
        let from = at
            + match line.get(colon + 1..) {
                Some([b' ', b'!'..=b'~', ..]) => colon + 2,
                Some(value) => colon + 1 + SPACE.run(value),
                None => colon + 1,
            };
        // Lines that begin with white space continue the value (RFC 3261 §7.3.1).
        let (mut end, mut next, mut ended) = self.line_end(bytes, from);
        while ended && matches!(bytes.get(next), Some(b' ' | b'\t')) {
            self.folded = true;
            (end, next, ended) = self.line_end(bytes, next);
        }
        let value = match bytes.get(from..end) {
            Some([first, .., last]) if *first > b' ' && *last > b' ' => Span::new(from, end),
            _ => trimmed(bytes, from, end),
        };
        self.push(Entry { name: Span::new(at, at + name_len), value, id });
        next
    }

    fn push(&mut self, entry: Entry) {
        let at = usize::from(entry.name.from);
        let Some(slot) = self.entries.get_mut(self.count) else { return self.note(Fault::TooManyHeaders, at) };
        *slot = entry;
        let bit = 1 << entry.id as u8;
        if self.seen & bit == 0 {
            self.seen |= bit;
            if let Some(first) = self.first.get_mut(entry.id as usize) {
                // At most MAX_HEADERS.
                *first = self.count as u8;
            }
        } else if entry.id.is_single() {
            self.note(Fault::Repeated, at);
        }
        self.count += 1;
    }

    /// From `from`: where the line's text ends, where the next line begins, and whether this one was ended at all.
    #[inline]
    fn line_end(&mut self, bytes: &[u8], from: usize) -> (usize, usize, bool) {
        let mut at = from;
        loop {
            at = next_control(bytes, at);
            match bytes.get(at) {
                None => return (at, at, false),
                Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => return (at, at + 2, true),
                Some(b'\n') => {
                    self.note(Fault::BareLineFeed, at);
                    return (at, at + 1, true);
                }
                Some(b'\t') => {}
                Some(b'\r') => self.note(Fault::BareCarriageReturn, at),
                Some(_) => self.note(Fault::ControlCharacter, at),
            }
            at += 1;
        }
    }

    fn read_body(&mut self, bytes: &[u8], head: usize, framing: Framing) {
        let available = bytes.len() - head;
        let length = match self.find(HeaderId::ContentLength) {
            Some(entry) => match frame::content_length(entry.value.of(bytes)) {
                Some(length) if length > available => {
                    self.note(Fault::BodyTooShort, head);
                    available
                }
                Some(length) => length,
                None => {
                    self.note(Fault::ContentLength, usize::from(entry.value.from));
                    0
                }
            },
            None => {
                if framing == Framing::Stream {
                    self.note(Fault::NoContentLength, head);
                }
                available
            }
        };
        self.body = Span::new(head, head + length);
    }

    fn check_method(&mut self, bytes: &[u8]) {
        let StartLine::Request { method, .. } = self.start else { return };
        let Some(entry) = self.find(HeaderId::CSeq) else { return };
        // The method is the last word of CSeq; whether the rest is right is for its own parser.
        let before = entry.value.of(bytes).strip_suffix(method.of(bytes));
        if !matches!(before, Some([] | [.., b' ' | b'\t'])) {
            self.note(Fault::CSeqMethod, usize::from(entry.value.from));
        }
    }

    #[inline]
    fn find(&self, id: HeaderId) -> Option<Entry> {
        if self.seen & (1 << id as u8) == 0 {
            return None;
        }
        self.entries.get(usize::from(*self.first.get(id as usize)?)).copied()
    }

    /// The entries with `id`, in order.
    #[inline]
    fn find_all(&self, id: HeaderId) -> impl Iterator<Item = Entry> + Clone {
        let there = self.seen & (1 << id as u8) != 0;
        let first = if there { self.first.get(id as usize).map_or(0, |&first| usize::from(first)) } else { self.count };
        self.entries.get(first..self.count).unwrap_or_default().iter().copied().filter(move |entry| entry.id == id)
    }

    /// Keeps the first fault.
    #[cold]
    fn note(&mut self, fault: Fault, at: usize) {
        if self.fault.is_none() {
            self.fault = Some((fault, u16::try_from(at).unwrap_or(u16::MAX)));
        }
    }
}

/// The name at the beginning of a line, its length, and the place of the colon, before which white space may stand
/// (RFC 3261 §7.3.1).
#[inline]
fn header_name(line: &[u8]) -> Option<(HeaderId, usize, usize)> {
    if let Some((id, length)) = usual_name(line) {
        return Some((id, length, length));
    }
    let (name, rest) = line.split_at_checked(TOKEN.run(line))?;
    let colon = name.len() + SPACE.run(rest);
    let found = !name.is_empty() && line.get(colon) == Some(&b':');
    found.then(|| (HeaderId::from_name(name), name.len(), colon))
}

/// A value begins after white space, which may hold folds, and ends before such.
fn trimmed(bytes: &[u8], from: usize, end: usize) -> Span {
    let value = bytes.get(from..end).unwrap_or_default();
    let start = value.iter().position(|byte| !b" \t\r\n".contains(byte)).unwrap_or(value.len());
    let length = crate::step::trim_end(value.get(start..).unwrap_or_default()).len();
    Span::new(from + start, from + start + length)
}

#[cfg(test)]
mod tests;
