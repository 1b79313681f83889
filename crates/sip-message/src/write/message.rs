//! The headers and body of a message under construction.

use super::{Put, Sink, WriteError};
use crate::HeaderId;
use crate::chars::TOKEN;

/// How a message without a body ends.
const END: &[u8] = b"Content-Length: 0\r\n\r\n";

/// A message being appended to a buffer. Unless it is finished, the buffer is as it was before.
#[derive(Debug)]
#[must_use = "a message that is not finished is not written"]
pub struct MessageWriter<'b> {
    pub(super) buffer: &'b mut Vec<u8>,
    start: usize,
    limit: usize,
    pub(super) error: Option<WriteError>,
}

impl<'b> MessageWriter<'b> {
    /// Begins behind what the buffer holds; the message may have `limit` bytes.
    pub(super) fn new(buffer: &'b mut Vec<u8>, limit: usize) -> Self {
        let start = buffer.len();
        Self { buffer, start, limit, error: None }
    }

    pub(super) fn sink(&mut self) -> Sink<'_> {
        Sink { buffer: self.buffer, error: &mut self.error }
    }

    /// Writes a header. [`HeaderId::Other`] has no name and makes the message [`WriteError::Malformed`].
    pub fn header(&mut self, id: HeaderId, value: impl Put) -> &mut Self {
        self.name(id);
        value.put(&mut self.sink());
        self.end_line();
        self
    }

    /// Writes a header if the message then keeps within its limit, with no body, and says whether it did.
    pub fn header_if_room(&mut self, id: HeaderId, value: impl Put) -> bool {
        let before = self.buffer.len();
        self.header(id, value);
        let fits = self.len() + END.len() <= self.limit;
        if !fits {
            self.buffer.truncate(before);
        }
        fits
    }

    /// Writes a header whose name has no number. If that is no token, the message is [`WriteError::Malformed`].
    pub fn header_named(&mut self, name: &str, value: impl Put) -> &mut Self {
        self.demand(is_token(name.as_bytes()));
        self.buffer.extend_from_slice(name.as_bytes());
        self.buffer.extend_from_slice(b": ");
        value.put(&mut self.sink());
        self.end_line();
        self
    }

    /// Writes a header with the values in one line, separated by commas; nothing if there are none.
    pub fn list<V: Put>(&mut self, id: HeaderId, values: impl IntoIterator<Item = V>) -> &mut Self {
        let mut values = values.into_iter();
        let Some(first) = values.next() else { return self };
        self.name(id);
        first.put(&mut self.sink());
        for value in values {
            self.buffer.extend_from_slice(b", ");
            value.put(&mut self.sink());
        }
        self.end_line();
        self
    }

    fn name(&mut self, id: HeaderId) {
        self.demand(id != HeaderId::Other);
        self.buffer.extend_from_slice(id.line_start().as_bytes());
    }

    pub(super) fn end_line(&mut self) {
        self.buffer.extend_from_slice(b"\r\n");
    }

    /// Without `held` the message is malformed and will not be finished.
    pub(super) fn demand(&mut self, held: bool) {
        if !held {
            self.error.get_or_insert(WriteError::Malformed);
        }
    }

    /// How many bytes have been written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Whether nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes Content-Length and the body, and keeps the message. Gives its length.
    ///
    /// # Errors
    /// What went wrong on the way; the buffer is then as it was before.
    pub fn finish(mut self, body: &[u8]) -> Result<usize, WriteError> {
        if body.is_empty() {
            self.buffer.extend_from_slice(END);
        } else {
            self.header(HeaderId::ContentLength, u64::try_from(body.len()).unwrap_or(u64::MAX));
            self.buffer.extend_from_slice(b"\r\n");
            self.buffer.extend_from_slice(body);
        }
        let written = self.len();
        if written > self.limit {
            self.error.get_or_insert(WriteError::TooLong);
        }
        match self.error {
            Some(error) => Err(error),
            None => {
                self.start = self.buffer.len();
                Ok(written)
            }
        }
    }
}

pub(super) fn is_token(name: &[u8]) -> bool {
    !name.is_empty() && TOKEN.run(name) == name.len()
}

impl Drop for MessageWriter<'_> {
    fn drop(&mut self) {
        self.buffer.truncate(self.start);
    }
}
