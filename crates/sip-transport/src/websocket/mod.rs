//! The server side of SIP over WebSocket (RFC 7118, RFC 6455), without sockets.
//!
//! ```text
//!   bytes ──▶ Session::next ──▶ Upgraded, then Message, Control, Pong …, at last End
//!                   └─────────▶ out: the answers of HTTP and WebSocket
//!   SIP ────▶ write_message ──▶ bytes
//! ```
//!
//! A WebSocket message is one SIP message (RFC 7118 §5), as text or binary, whole or in fragments. No extension is
//! agreed to, so that a frame is as long as it says. A frame is looked at when it has come whole; one that is too long
//! is refused by its header. What is kept beside the caller's buffer is the beginning of a fragmented message and
//! nothing else.

mod frame;
mod messages;
mod upgrade;

pub use frame::{write_close, write_message, write_ping};
use messages::Messages;
pub use upgrade::Refusal;

/// What a leg demands of those who come by it.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The Origins that are let in, as browsers write them (`https://example.com`); who names none is not let in either.
    /// `None`: everybody is. An Origin tells from which page a browser comes; whoever is no browser can claim any.
    pub origins: Option<Vec<String>>,
    /// The longest message, in bytes, with all its fragments.
    pub max_message: usize,
}

/// One peer, from its HTTP request to its end. Of the size of two words, and more only while a message is in fragments.
#[derive(Debug, Default)]
pub struct Session {
    phase: Phase,
    messages: Messages,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// HTTP is read.
    #[default]
    Upgrade,
    /// Frames are read.
    Open,
    /// Nothing more is read.
    Ended,
}

/// What stands at the beginning of the bytes received so far. `consumed` bytes are done with.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'b> {
    /// Not yet whole.
    NeedMore,
    /// The connection is a WebSocket now; the answer that says so stands in `out`.
    Upgraded {
        /// Length of the HTTP request.
        consumed: usize,
    },
    /// A SIP message.
    Message {
        /// Length of the frame that ends it.
        consumed: usize,
        /// Without the line ends that may stand before it (RFC 3261 §7.5); never empty.
        bytes: &'b [u8],
    },
    /// Nothing for the layer above: a ping, a keepalive of RFC 5626 §4.4.1, a fragment. An answer, if it takes one, stands in
    /// `out`.
    Control {
        /// Length of the frame.
        consumed: usize,
    },
    /// The answer to a ping, or one that nobody asked for (RFC 6455 §5.5.3).
    Pong {
        /// Length of the frame.
        consumed: usize,
        /// What the ping carried.
        payload: &'b [u8],
    },
    /// Nothing more is read. What the peer is to be told stands in `out`; send it and close.
    End(End),
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// The peer sent Close, and has got one back.
    #[error("the peer closed the WebSocket")]
    Closed,
    /// It never became a WebSocket.
    #[error("{0}")]
    Refused(Refusal),
    /// The peer broke the rules of RFC 6455, or of the leg.
    #[error("{0}")]
    Broken(Fault),
}

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Unmasked, with reserved bits or opcodes, longer than need be or out of its turn (RFC 6455 §5).
    #[error("a frame that RFC 6455 does not allow")]
    Protocol,
    /// Text, or the reason of a Close, is no UTF-8 (RFC 6455 §8.1).
    #[error("text that is not UTF-8")]
    NotUtf8,
    /// More than [`Rules::max_message`].
    #[error("a message longer than allowed")]
    TooLong,
}

impl Fault {
    /// The status code of the Close that tells it (RFC 6455 §7.4.1).
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Protocol => 1002,
            Self::NotUtf8 => 1007,
            Self::TooLong => 1009,
        }
    }
}

impl Session {
    /// A peer that has sent nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the beginning of a fragmented message is held, though all bytes are consumed.
    #[must_use]
    pub fn is_within_message(&self) -> bool {
        self.messages.is_within()
    }

    /// Looks at `bytes`, all that have been received and not consumed, and unmasks in place what it consumes. Appends
    /// what is to be sent to `out`. Call it until it says [`Step::NeedMore`]: only then a message that came in fragments
    /// is let go. After [`Step::End`] it says `NeedMore` for ever.
    pub fn next<'b>(&'b mut self, bytes: &'b mut [u8], rules: &Rules, out: &mut Vec<u8>) -> Step<'b> {
        let step = match self.phase {
            Phase::Upgrade => upgrade::read(bytes, rules, out),
            Phase::Open => self.messages.next(bytes, rules.max_message, out).unwrap_or_else(|fault| {
                write_close(fault.code(), out);
                Step::End(End::Broken(fault))
            }),
            Phase::Ended => Step::NeedMore,
        };
        match step {
            Step::Upgraded { .. } => self.phase = Phase::Open,
            Step::End(_) => self.phase = Phase::Ended,
            _ => {}
        }
        step
    }
}

#[cfg(test)]
mod tests;
