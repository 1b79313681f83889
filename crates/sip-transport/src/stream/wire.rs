//! What lies between a socket and its messages: nothing, or TLS.

#[cfg(feature = "tls")]
use std::io::{self, Read as _, Write as _};

/// How the bytes of a connection are protected.
pub(crate) enum Wire {
    /// They are not.
    Plain,
    /// By TLS, without its IO: what it wants to send is taken out of it at once.
    #[cfg(feature = "tls")]
    Tls(Box<rustls::ServerConnection>),
}

/// What was made of bytes that came.
#[cfg(feature = "tls")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// They are read, and more may follow.
    More,
    /// The peer has said that nothing follows.
    End,
    /// They are no TLS, or not what was agreed upon.
    Broken,
}

impl Wire {
    /// Whether messages can pass.
    pub(crate) fn is_ready(&self) -> bool {
        match self {
            Self::Plain => true,
            #[cfg(feature = "tls")]
            Self::Tls(tls) => !tls.is_handshaking(),
        }
    }

    /// Whether the bytes that come are not those of messages.
    pub(crate) fn is_sealed(&self) -> bool {
        !matches!(self, Self::Plain)
    }
}

/// Takes the protection off `sealed`, and appends what is in it to `plain`, and what TLS wants to say to `out`.
#[cfg(feature = "tls")]
pub(crate) fn open(
    tls: &mut rustls::ServerConnection,
    mut sealed: &[u8],
    plain: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Opened {
    let mut end = Opened::More;
    while !sealed.is_empty() && end == Opened::More {
        let state = tls.read_tls(&mut sealed).ok().and_then(|_| tls.process_new_packets().ok());
        end = match (state, tls.reader().read_to_end(plain)) {
            (None, _) => Opened::Broken,
            (Some(state), _) if state.peer_has_closed() => Opened::End,
            (Some(_), Err(error)) if error.kind() != io::ErrorKind::WouldBlock => Opened::Broken,
            (Some(_), _) => Opened::More,
        };
    }
    drain(tls, out);
    end
}

/// Protects `plain`, and appends it to `out`.
#[cfg(feature = "tls")]
pub(crate) fn seal(tls: &mut rustls::ServerConnection, plain: &[u8], out: &mut Vec<u8>) {
    let mut rest = plain;
    while !rest.is_empty() {
        // It takes as much as its buffer holds, which is emptied each time.
        let taken = tls.writer().write(rest).unwrap_or(0);
        drain(tls, out);
        if taken == 0 {
            return;
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
}

/// Appends what TLS wants to say.
#[cfg(feature = "tls")]
pub(crate) fn drain(tls: &mut rustls::ServerConnection, out: &mut Vec<u8>) {
    while tls.wants_write() {
        // A vector takes everything.
        if tls.write_tls(out).is_err() {
            return;
        }
    }
}
