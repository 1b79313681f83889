//! Writing messages into a buffer of the caller's, whole or not at all.

mod message;
mod put;
mod request;
mod response;

pub use message::MessageWriter;
pub use put::{Own, Put, Sink};
pub use request::RequestWriter;
pub use response::{ResponseWriter, TopVia};

/// Why a message could not be written. Nothing of it is left in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// It would be longer than the limit.
    #[error("the message is longer than the limit")]
    TooLong,
    /// A value holds a line end or another control character, and would become another header.
    #[error("a control character in a header value")]
    ControlCharacter,
    /// The method or a header name is no token, the Request-URI is empty or holds white space, or the status code has
    /// not three digits.
    #[error("a name, Request-URI or status code that cannot be written")]
    Malformed,
}

#[cfg(test)]
mod tests;
