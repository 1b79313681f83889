//! Who sent something, and by which way it came.

use std::fmt;
use std::net::SocketAddr;

/// A transport of SIP, as named in Via (RFC 3261 §18, RFC 7118).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Transport {
    /// Datagrams.
    Udp = 1,
    /// A stream.
    Tcp = 2,
    /// TLS over TCP.
    Tls = 3,
    /// WebSocket (RFC 7118).
    Ws = 4,
    /// WebSocket over TLS.
    Wss = 5,
}

impl Transport {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss];

    /// The name as it stands in Via and in `;transport=`, in upper case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// The name in lower case, as it stands before the address of a [`LegSpec`](crate::LegSpec).
    #[must_use]
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// The port where none is named (RFC 3261 §19.1.2, RFC 7118 §5.1: that of HTTP and HTTPS).
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }

    /// The number that [`Transport::code`] gave.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Udp),
            2 => Some(Self::Tcp),
            3 => Some(Self::Tls),
            4 => Some(Self::Ws),
            5 => Some(Self::Wss),
            _ => None,
        }
    }

    /// A stable number for storage.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Whether messages arrive on a connection.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// Whether the messages come in the frames of WebSocket.
    #[must_use]
    pub const fn is_websocket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }

    /// Whether the bytes are protected by TLS.
    #[must_use]
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A listener, by its place in the list of those configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId(pub u16);

/// One connection, from accept to close. The generation tells a reused slot from the connection that had it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The worker that owns the connection.
    pub worker: u16,
    /// Its place in that worker's table.
    pub slot: u32,
    /// A number that the connection before it in that place did not have, in this run or the last.
    pub generation: u32,
}

impl Flow {
    /// Ten bytes for storage.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 10] {
        let [a, b] = self.worker.to_be_bytes();
        let [c, d, e, f] = self.slot.to_be_bytes();
        let [g, h, i, j] = self.generation.to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j]
    }

    /// The flow that [`Flow::to_bytes`] wrote.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 10]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j] = bytes;
        Self {
            worker: u16::from_be_bytes([a, b]),
            slot: u32::from_be_bytes([c, d, e, f]),
            generation: u32::from_be_bytes([g, h, i, j]),
        }
    }
}

/// The other end of a message, as observed; nothing in it was claimed by the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The leg by which the message came.
    pub leg: LegId,
    /// That leg's transport.
    pub transport: Transport,
    /// The source address.
    pub remote: SocketAddr,
    /// The address it was sent to; that of the leg on UDP.
    pub local: SocketAddr,
    /// The connection, where there is one.
    pub flow: Option<Flow>,
}
