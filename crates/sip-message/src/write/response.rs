//! Responses (RFC 3261 §8.2.6).

use std::net::IpAddr;
use std::ops::{Deref, DerefMut};

use super::{MessageWriter, Put, Sink, WriteError};
use crate::header::NameAddr;
use crate::{HeaderId, Message};

/// What is added to the topmost Via (RFC 3261 §18.2.1, RFC 3581 §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopVia {
    /// `received`, in place of one that came.
    pub received: Option<IpAddr>,
    /// `rport`, if it was asked for.
    pub rport: Option<u16>,
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
    /// have `limit` bytes.
    pub fn answering(
        buffer: &'b mut Vec<u8>,
        limit: usize,
        request: Message<'_>,
        (status, reason): (u16, &str),
        top: TopVia,
        to_tag: &[u8],
    ) -> Self {
        let mut writer = MessageWriter::new(buffer, limit);
        writer.demand((100..=999).contains(&status));
        writer.sink().put("SIP/2.0 ").put(&status).put(" ").put(reason);
        writer.end_line();
        let faultless = request.fault().is_none();
        let repeated = |value| Repeated { value, faultless };
        let mut vias = request.lines(HeaderId::Via);
        match vias.next() {
            Some(line) => {
                writer.header(HeaderId::Via, PatchedVia { line, top, faultless });
            }
            None => writer.error = writer.error.or(Some(WriteError::NothingToAnswer)),
        }
        for via in vias {
            writer.header(HeaderId::Via, repeated(via));
        }
        if let Some(from) = request.value(HeaderId::From) {
            writer.header(HeaderId::From, repeated(from));
        }
        if let Some(to) = request.value(HeaderId::To) {
            let tagged = status == 100 || has_tag(to);
            writer.header(HeaderId::To, (repeated(to), (!tagged).then_some((";tag=", to_tag))));
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
    faultless: bool,
}

impl Put for Repeated<'_> {
    fn put(&self, sink: &mut Sink<'_>) {
        sink.repeat(self.value, self.faultless);
    }
}

/// A Via line whose first value gets other `received` and `rport` parameters.
struct PatchedVia<'a> {
    line: &'a [u8],
    top: TopVia,
    faultless: bool,
}

impl Put for PatchedVia<'_> {
    fn put(&self, sink: &mut Sink<'_>) {
        if self.top == TopVia::default() {
            return sink.repeat(self.line, self.faultless);
        }
        // The parameters of the first value lie between semicolons, and it ends at the first comma.
        let mut rest = self.line;
        let mut is_param = false;
        loop {
            let end = param_end(rest);
            let (part, more) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            if is_param {
                self.put_param(part.trim_ascii(), sink);
            } else {
                sink.repeat(part.trim_ascii_end(), self.faultless);
            }
            match more.split_first() {
                Some((b';', tail)) => (rest, is_param) = (tail, true),
                _ => {
                    rest = more;
                    break;
                }
            }
        }
        if let Some(received) = self.top.received {
            sink.own(";received=");
            received.put(sink);
        }
        sink.repeat(rest, self.faultless);
    }
}

impl PatchedVia<'_> {
    fn put_param(&self, param: &[u8], sink: &mut Sink<'_>) {
        let name_len = memchr::memchr(b'=', param).unwrap_or(param.len());
        let name = param.get(..name_len).unwrap_or_default().trim_ascii_end();
        if self.top.received.is_some() && name.eq_ignore_ascii_case(b"received") {
            return;
        }
        sink.own(";");
        match self.top.rport {
            Some(port) if name.eq_ignore_ascii_case(b"rport") => {
                sink.repeat(name, self.faultless);
                sink.own("=");
                sink.number(port.into());
            }
            _ => sink.repeat(param, self.faultless),
        }
    }
}

/// Where a parameter ends: at the next semicolon or comma outside of quotes.
fn param_end(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr3(b';', b',', b'"', rest)) {
        at += found;
        let quoted = text.get(at..).and_then(|rest| crate::step::quoted(rest).ok());
        match quoted {
            Some((_, string)) => at += string.len(),
            None if text.get(at) == Some(&b'"') => at += 1,
            None => return at,
        }
    }
    text.len()
}

impl Put for IpAddr {
    fn put(&self, sink: &mut Sink<'_>) {
        match self {
            Self::V4(ip) => {
                for (at, octet) in ip.octets().into_iter().enumerate() {
                    if at > 0 {
                        sink.buffer.push(b'.');
                    }
                    let digits = [octet / 100, octet / 10 % 10, octet % 10].map(|digit| b'0' + digit);
                    let zeros = usize::from(octet < 100) + usize::from(octet < 10);
                    sink.buffer.extend(digits.into_iter().skip(zeros));
                }
            }
            Self::V6(ip) => {
                use std::io::Write as _;
                // Writing to a buffer in memory does not fail.
                drop(write!(sink.buffer, "{ip}"));
            }
        }
    }
}
