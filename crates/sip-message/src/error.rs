//! What is wrong with a value, and where.

use std::fmt;

/// The part of a message that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The first line.
    StartLine,
    /// A URI.
    Uri,
    /// A Via value.
    Via,
    /// A From, To, Contact, Route or similar value.
    NameAddr,
    /// A Contact header.
    Contact,
    /// CSeq.
    CSeq,
    /// Call-ID.
    CallId,
    /// A number of seconds, hops or bytes.
    Number,
    /// A list of tokens.
    Tokens,
    /// Credentials or a challenge.
    Auth,
    /// A media type.
    MediaType,
    /// A date.
    Date,
    /// Another value with parameters.
    Value,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartLine => "start line",
            Self::Uri => "URI",
            Self::Via => "Via",
            Self::NameAddr => "name and address",
            Self::Contact => "Contact",
            Self::CSeq => "CSeq",
            Self::CallId => "Call-ID",
            Self::Number => "number",
            Self::Tokens => "list of tokens",
            Self::Auth => "credentials",
            Self::MediaType => "media type",
            Self::Date => "date",
            Self::Value => "value",
        })
    }
}

/// A value that is not what the grammar says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {part} at byte {at}")]
pub struct ParseError {
    /// What was being read.
    pub part: Part,
    /// Where reading stopped, counted from the beginning of that value.
    pub at: usize,
}
