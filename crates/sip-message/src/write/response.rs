//! Responses (RFC 3261 §8.2.6).

use std::net::IpAddr;
use std::ops::{Deref, DerefMut};

use super::{MessageWriter, Own, Put, Sink, WriteError};
use crate::header::{NameAddr, Via};
use crate::{HeaderId, Message};

/// The topmost Via of a request, and what its answer adds to it (RFC 3261 §18.2.1, RFC 3581 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopVia<'a> {
    /// As the request has it.
    pub via: &'a Via<'a>,
    /// `received`, in place of one that came.
    pub received: Option<IpAddr>,
    /// The value of `rport`, if it was asked for.
    pub rport: Option<u16>,
}

impl<'a> TopVia<'a> {
    /// To which nothing is added.
    #[must_use]
    pub fn unchanged(via: &'a Via<'a>) -> Self {
        Self { via, received: None, rport: None }
    }
}

/// A response being written.
#[derive(Debug)]
#[must_use = "a message that is not finished is not written"]
pub struct ResponseWriter<'b>(MessageWriter<'b>);

impl<'b> ResponseWriter<'b> {
    /// Writes the status line and what a response repeats of its request: every Via in order, the topmost with what
    /// `top` adds; From, To, with `to_tag` if it has no tag; Call-ID and CSeq. A 100 gets no tag.
    ///
    /// What is malformed in them is repeated as it is, but for control characters, which become `?`. The message may
    /// have `limit` bytes. Reason phrase and tag are the caller's own, and are not looked through.
    pub fn answering(
        buffer: &'b mut Vec<u8>,
        limit: usize,
        request: Message<'_>,
        (status, reason): (u16, &'static str),
        top: &TopVia<'_>,
        to_tag: &[u8],
    ) -> Self {
        let mut writer = MessageWriter::new(buffer, limit);
        writer.demand((100..=999).contains(&status));
        let digits = [status / 100, status / 10 % 10, status % 10].map(|digit| b'0' + (digit % 10) as u8);
        writer.buffer.extend_from_slice(b"SIP/2.0 ");
        writer.buffer.extend_from_slice(&digits);
        writer.sink().put(&Own(" ")).put(&Own(reason));
        writer.end_line();
        let plain = request.is_plain();
        let repeated = |value| Repeated { value, plain };
        let mut vias = request.lines(HeaderId::Via);
        let others = vias.next().and_then(|line| line.get(top.via.bytes.len()..)).unwrap_or_default();
        writer.header(HeaderId::Via, (PatchedVia { top, plain }, repeated(others)));
        for via in vias {
            writer.header(HeaderId::Via, repeated(via));
        }
        if let Some(from) = request.value(HeaderId::From) {
            writer.header(HeaderId::From, repeated(from));
        }
        if let Some(to) = request.value(HeaderId::To) {
            let tagged = status == 100 || has_tag(to);
            let own_tag = Repeated { value: to_tag, plain: true };
            writer.header(HeaderId::To, (repeated(to), (!tagged).then_some((Own(";tag="), own_tag))));
        }
        for id in [HeaderId::CallId, HeaderId::CSeq] {
            if let Some(value) = request.value(id) {
                writer.header(id, repeated(value));
            }
        }
        Self(writer)
    }

    /// See [`MessageWriter::finish`].
    ///
    /// # Errors
    /// What went wrong on the way; the buffer is then as it was before.
    pub fn finish(self, body: &[u8]) -> Result<usize, WriteError> {
        self.0.finish(body)
    }
}

impl<'b> Deref for ResponseWriter<'b> {
    type Target = MessageWriter<'b>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for ResponseWriter<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// Whether To has a tag. One that cannot be read gets none.
fn has_tag(to: &[u8]) -> bool {
    // Nothing behind the address, so no tag either.
    !to.ends_with(b">") && NameAddr::parse(to).map_or(true, |to| to.tag.is_some())
}

/// A value of the request.
struct Repeated<'a> {
    value: &'a [u8],
    plain: bool,
}

impl Put for Repeated<'_> {
    fn put(&self, sink: &mut Sink<'_>) {
        sink.repeat(self.value, self.plain);
    }
}

/// The topmost Via with other `received` and `rport` parameters.
struct PatchedVia<'a> {
    top: &'a TopVia<'a>,
    plain: bool,
}

impl Put for PatchedVia<'_> {
    fn put(&self, sink: &mut Sink<'_>) {
        let Self { top: TopVia { via, received, rport }, plain } = *self;
        let gone = received.and_then(|_| via.place_of_received());
        let port = rport.zip(via.place_of_rport());
        let piece = |from: usize, to: usize| via.bytes.get(from..to).unwrap_or_default();
        let mut from = 0;
        if let Some(gone) = gone.clone().filter(|gone| port.as_ref().is_none_or(|(_, place)| gone.start < place.start))
        {
            sink.repeat(piece(from, gone.start), plain);
            from = gone.end;
        }
        if let Some((port, place)) = port {
            sink.repeat(piece(from, place.start), plain);
            sink.own("=");
            sink.number(port.into());
            from = place.end;
        }
        if let Some(gone) = gone.filter(|gone| gone.start >= from) {
            sink.repeat(piece(from, gone.start), plain);
            from = gone.end;
        }
        sink.repeat(piece(from, via.bytes.len()), plain);
        if let Some(received) = received {
            sink.own(";received=");
            received.put(sink);
        }
    }
}

/// The digits of a byte with a dot behind them, and how many that is.
fn decimal(byte: u8) -> ([u8; 4], usize) {
    let [hundreds, tens, ones] = [byte / 100, byte / 10 % 10, byte % 10].map(|digit| b'0' + digit);
    match byte {
        0..10 => ([ones, b'.', 0, 0], 2),
        10..100 => ([tens, ones, b'.', 0], 3),
        100.. => ([hundreds, tens, ones, b'.'], 4),
    }
}

impl Put for IpAddr {
    fn put(&self, sink: &mut Sink<'_>) {
        match self {
            Self::V4(ip) => {
                // Each with its dot, of which the last is too many; four bytes are written whatever the length.
                let (mut text, mut length) = ([0; 16], 0);
                for octet in ip.octets() {
                    let (digits, count) = decimal(octet);
                    if let Some(place) = text.get_mut(length..).and_then(|rest| rest.first_chunk_mut()) {
                        *place = digits;
                    }
                    length += count;
                }
                sink.buffer.extend_from_slice(text.get(..length - 1).unwrap_or_default());
            }
            Self::V6(ip) => {
                use std::io::Write as _;
                // Writing to a buffer in memory does not fail.
                drop(write!(sink.buffer, "{ip}"));
            }
        }
    }
}
