//! A message as its bytes and their index.

use super::{Entry, Fault, HeaderId, Index, Method, StartLine};
use crate::ParseError;
use crate::header::{ListItem, SingleHeader, Values, Via};

/// A message that has been indexed. Copies are cheap; nothing is owned.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    bytes: &'a [u8],
    index: &'a Index,
}

impl std::fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").field("start", &self.index.start).field("bytes", &self.bytes.len()).finish()
    }
}

/// A request line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method.
    pub method: Method<'a>,
    /// The Request-URI as it came, not yet parsed.
    pub uri: &'a [u8],
    /// Whether the version is SIP/2.0.
    pub version_2: bool,
}

/// A status line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    /// 100 to 999.
    pub code: u16,
    /// The reason phrase, which may be empty and may hold UTF-8.
    pub reason: &'a [u8],
    /// Whether the version is SIP/2.0.
    pub version_2: bool,
}

/// One header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The number of the name.
    pub id: HeaderId,
    /// The name as it came.
    pub name: &'a [u8],
    /// The value without white space at its ends. Folds inside are still there: CRLF before white space.
    pub value: &'a [u8],
}

impl<'a> Message<'a> {
    pub(super) fn new(bytes: &'a [u8], index: &'a Index) -> Self {
        Self { bytes, index }
    }

    /// Its index.
    pub(super) fn index(&self) -> &'a Index {
        self.index
    }

    /// All bytes as they came.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The request line, if this is a request.
    #[must_use]
    #[inline]
    pub fn request(&self) -> Option<Request<'a>> {
        match self.index.start {
            StartLine::Request { method, uri, version_2 } => {
                Some(Request { method: Method::from_name(method.of(self.bytes)), uri: uri.of(self.bytes), version_2 })
            }
            _ => None,
        }
    }

    /// The status line, if this is a response.
    #[must_use]
    pub fn response(&self) -> Option<Response<'a>> {
        match self.index.start {
            StartLine::Response { code, reason, version_2 } => {
                Some(Response { code, reason: reason.of(self.bytes), version_2 })
            }
            _ => None,
        }
    }

    /// Whether the first bytes claim to be a status line, well-formed or not. Such a message is never answered.
    #[must_use]
    pub fn looks_like_response(&self) -> bool {
        self.bytes.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"))
    }

    /// What forbids to act upon this message: the first fault found.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.index.fault.map(|(fault, _)| fault)
    }

    /// Whether every header value can be repeated as it stands: there are no control characters in any but tabs, and no
    /// folds.
    pub(crate) fn is_plain(&self) -> bool {
        self.index.fault.is_none() && !self.index.folded
    }

    /// The place of [`Message::fault`], in bytes from the beginning.
    #[must_use]
    pub fn fault_at(&self) -> Option<usize> {
        self.index.fault.map(|(_, at)| usize::from(at))
    }

    /// All header lines in their order.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let bytes = self.bytes;
        self.index.entries.iter().take(self.index.count).map(move |entry| field(bytes, *entry))
    }

    /// The value of the first header with this number.
    #[must_use]
    #[inline]
    pub fn value(&self, id: HeaderId) -> Option<&'a [u8]> {
        self.index.find(id).map(|entry| entry.value.of(self.bytes))
    }

    /// The values of all headers with this number, a line each.
    pub fn lines(&self, id: HeaderId) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        let bytes = self.bytes;
        self.index.find_all(id).map(move |entry| entry.value.of(bytes))
    }

    /// The value of the first header with this name, for names without a number.
    #[must_use]
    pub fn value_named(&self, name: &str) -> Option<&'a [u8]> {
        self.fields().find(|field| field.name.eq_ignore_ascii_case(name.as_bytes())).map(|field| field.value)
    }

    /// A header that stands once, parsed.
    ///
    /// # Errors
    /// Its value is malformed.
    #[inline]
    pub fn header<H: SingleHeader<'a>>(&self) -> Result<Option<H>, ParseError> {
        self.value(H::ID).map(H::parse).transpose()
    }

    /// The values of a header that is a list: comma-joined, repeated, or both, one after the other.
    #[inline]
    pub fn list<H: ListItem<'a>>(
        &self,
        id: HeaderId,
    ) -> Values<'a, H, impl Iterator<Item = &'a [u8]> + Clone + use<'a, H>> {
        Values::new(self.lines(id))
    }

    /// The first value of the first Via: where the request came from last, and its answer goes to. `None` if there is none
    /// that can be read.
    #[must_use]
    #[inline]
    pub fn top_via(&self) -> Option<Via<'a>> {
        Via::first_of(self.value(HeaderId::Via)?)
    }

    /// The body, as long as Content-Length says.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.index.body.of(self.bytes)
    }
}

fn field(bytes: &[u8], entry: Entry) -> Field<'_> {
    Field { id: entry.id, name: entry.name.of(bytes), value: entry.value.of(bytes) }
}
