//! Requests.

use std::ops::{Deref, DerefMut};

use super::message::is_token;
use super::{MessageWriter, Put, WriteError};
use crate::Method;
use crate::chars::SPACE;

/// A request being written.
#[derive(Debug)]
#[must_use = "a message that is not finished is not written"]
pub struct RequestWriter<'b>(MessageWriter<'b>);

impl<'b> RequestWriter<'b> {
    /// Writes the request line behind what `buffer` holds. The message may have `limit` bytes.
    pub fn new(buffer: &'b mut Vec<u8>, limit: usize, method: Method<'_>, uri: impl Put) -> Self {
        let mut writer = MessageWriter::new(buffer, limit);
        writer.demand(is_token(method.name()));
        writer.sink().put(method.name()).put(" ");
        let from = writer.buffer.len();
        writer.sink().put(&uri);
        let uri = writer.buffer.get(from..).unwrap_or_default();
        let readable = !uri.is_empty() && !uri.iter().any(|&byte| SPACE.has(byte));
        writer.demand(readable);
        writer.sink().put(" SIP/2.0");
        writer.end_line();
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

impl<'b> Deref for RequestWriter<'b> {
    type Target = MessageWriter<'b>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for RequestWriter<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
