//! SIP messages as bytes and meaning.
//!
//! ```text
//!   bytes ──Index::read──▶ Message ──header::<CSeq>(), list::<Via>(…)──▶ typed views
//!   bytes ◀── ResponseWriter::answering(message) ── header(…) ── finish()
//! ```
//!
//! An [`Index`] is made once and filled again for each message: places of 16 bits, no allocation, no copy. A
//! [`Message`] is the bytes and their index; its headers are parsed when they are asked for, into views that borrow
//! the bytes. Writers append to a buffer of the caller's, whole or not at all.
//!
//! Promises:
//! * This crate reads no clock, does no IO, allocates nothing while reading, and contains no `unsafe`.
//! * One reading of every message: what could be understood in two ways is a [`Fault`], and the message must be
//!   refused with 400.
//! * No input makes it panic, and no length that a message announces makes it reserve memory.
//!
//! It is the only crate of the house that reads SIP syntax, and knows nothing of what SIP means: transactions,
//! registration and digests live above.
#![forbid(unsafe_code)]

mod chars;
mod error;
pub mod frame;
pub mod glance;
pub mod header;
mod index;
mod step;
pub mod uri;
mod write;

pub use error::{ParseError, Part};
pub use index::{Fault, Field, Framing, HeaderId, Index, Message, Method, OwnedMessage, Request, Response, TooLong};
pub use uri::Uri;
pub use write::{MessageWriter, Own, Put, RequestWriter, ResponseWriter, Sink, TopVia, WriteError};
