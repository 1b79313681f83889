//! Lines of a body that comes bit by bit.

use std::marker::PhantomData;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use serde::de::DeserializeOwned;

use super::Error;

/// Longer than any line: an address with all the bindings it may have.
const LONGEST: usize = 16 << 20;

/// The lines of a body, without their ends.
pub(super) struct RawLines {
    target: String,
    body: Incoming,
    bytes: Vec<u8>,
    /// Where the next line begins, and up to where no end was found.
    from: usize,
    seen: usize,
}

impl RawLines {
    pub(super) fn new(target: String, body: Incoming) -> Self {
        Self { target, body, bytes: Vec::new(), from: 0, seen: 0 }
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// The next line; `None` at the end of the body.
    pub(super) async fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        let (start, end) = loop {
            let found = self.bytes.get(self.seen..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n'));
            if let Some(at) = found {
                let (start, end) = (self.from, self.seen + at);
                (self.from, self.seen) = (end + 1, end + 1);
                break (start, end);
            }
            self.bytes.drain(..self.from);
            (self.from, self.seen) = (0, self.bytes.len());
            if self.bytes.len() > LONGEST {
                return Err(self.broken("a line without an end"));
            }
            match self.more().await? {
                Some(more) => self.bytes.extend_from_slice(&more),
                None if self.bytes.is_empty() => return Ok(None),
                None => return Err(self.broken("in the middle of a line")),
            }
        };
        let line = self.bytes.get(start..end).unwrap_or_default();
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    async fn more(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let frame = match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => frame.map_err(|error| self.broken(&error.to_string()))?,
            };
            // What is no data is trailers.
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }

    fn broken(&self, what: &str) -> Error {
        Error::Broken { target: self.target.clone(), what: what.to_owned() }
    }
}

/// A stream of JSON lines.
pub struct Lines<T> {
    raw: RawLines,
    _of: PhantomData<T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn new(raw: RawLines) -> Self {
        Self { raw, _of: PhantomData }
    }

    /// The next; `None` at the end.
    ///
    /// # Errors
    /// The connection ended before the stream did, or a line is not what it should be.
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        let target = self.raw.target().to_owned();
        loop {
            return match self.raw.next().await? {
                None => Ok(None),
                Some([]) => continue,
                Some(line) => match serde_json::from_slice(line) {
                    Ok(value) => Ok(Some(value)),
                    Err(error) => Err(Error::Strange { target, what: error.to_string() }),
                },
            };
        }
    }
}

impl<T> std::fmt::Debug for Lines<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("target", &self.raw.target).finish_non_exhaustive()
    }
}
