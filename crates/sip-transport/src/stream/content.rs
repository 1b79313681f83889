//! How the bytes of a connection are divided into messages.

#[cfg(feature = "ws")]
use std::rc::Rc;

use sip_message::frame::Framer;

use crate::Timestamp;

#[cfg(feature = "ws")]
use crate::websocket::{Rules, Session};

/// What stands in the bytes of a connection.
pub(crate) enum Content {
    /// SIP, message after message.
    Sip(Framer),
    /// HTTP, and after it WebSocket with a SIP message in each of its messages.
    #[cfg(feature = "ws")]
    Web(Web),
}

/// A WebSocket.
#[cfg(feature = "ws")]
pub(crate) struct Web {
    pub(crate) session: Session,
    pub(crate) rules: Rc<Rules>,
    /// Whether HTTP lies behind it.
    pub(crate) is_open: bool,
}

impl Content {
    /// Whether messages can pass.
    pub(crate) fn is_ready(&self) -> bool {
        match self {
            Self::Sip(_) => true,
            #[cfg(feature = "ws")]
            Self::Web(web) => web.is_open,
        }
    }

    /// Whether a peer that is there answers pings.
    pub(crate) fn must_answer_pings(&self) -> bool {
        match self {
            Self::Sip(_) => false,
            #[cfg(feature = "ws")]
            Self::Web(_) => true,
        }
    }

    /// A ping.
    #[cfg_attr(not(feature = "ws"), expect(unused_variables, reason = "only WebSocket's carries something"))]
    pub(crate) fn ping(&self, now: Timestamp) -> Vec<u8> {
        match self {
            Self::Sip(_) => b"\r\n\r\n".to_vec(),
            #[cfg(feature = "ws")]
            Self::Web(_) => {
                let mut ping = Vec::new();
                crate::websocket::write_ping(now.0.to_be_bytes(), &mut ping);
                ping
            }
        }
    }

    /// Whether each message has a frame of its own.
    #[cfg(feature = "ws")]
    pub(crate) fn is_framed(&self) -> bool {
        !matches!(self, Self::Sip(_))
    }

    /// The beginning of a message that the caller's buffer does not show.
    pub(crate) fn is_within_message(&self) -> bool {
        match self {
            Self::Sip(_) => false,
            #[cfg(feature = "ws")]
            Self::Web(web) => web.session.is_within_message(),
        }
    }
}
