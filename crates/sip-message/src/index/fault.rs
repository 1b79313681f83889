//! What makes a message unacceptable as a whole.

/// Why a message must not be acted upon, although enough of it may be readable to answer it.
///
/// Everything that two readers could understand in two ways is here, so that nobody between a phone and the registrar
/// can be made to see another message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The first line is neither a request line nor a status line.
    #[error("malformed start line")]
    StartLine,
    /// A line feed without a carriage return.
    #[error("line feed without carriage return")]
    BareLineFeed,
    /// A carriage return without a line feed.
    #[error("carriage return without line feed")]
    BareCarriageReturn,
    /// NUL or another control character in the head.
    #[error("control character in the head")]
    ControlCharacter,
    /// A line without a colon, with something other than a token before it, or a fold after the start line.
    #[error("malformed header line")]
    HeaderLine,
    /// A header that may stand once stands twice.
    #[error("repeated header")]
    Repeated,
    /// More headers than [`Index::MAX_HEADERS`](crate::Index::MAX_HEADERS).
    #[error("too many headers")]
    TooManyHeaders,
    /// The empty line is missing.
    #[error("headers without an end")]
    NoEmptyLine,
    /// Content-Length is not a number.
    #[error("malformed Content-Length")]
    ContentLength,
    /// Content-Length is missing on a stream.
    #[error("missing Content-Length")]
    NoContentLength,
    /// The body is shorter than announced.
    #[error("body shorter than Content-Length")]
    BodyTooShort,
    /// The method of CSeq differs from that of the request line.
    #[error("CSeq method differs from the request")]
    CSeqMethod,
}
