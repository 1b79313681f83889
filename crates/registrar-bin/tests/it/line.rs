//! A socket to a registrar that may die: what is lost with it is told, not taken for a fault.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use crate::harness::{Leg, Request, Response};

pub(crate) enum Line {
    Udp(UdpSocket),
    Tcp { stream: TcpStream, received: Vec<u8> },
}

/// What came of waiting for an answer.
#[derive(Debug)]
pub(crate) enum Heard {
    Answer(Response),
    /// It has taken too long.
    Nothing,
    /// Nobody will answer any more.
    Gone,
}

impl Line {
    pub(crate) fn to(leg: Leg) -> Self {
        if leg.udp {
            let socket = UdpSocket::bind(if leg.addr.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }).unwrap();
            socket.connect(leg.addr).unwrap();
            return Self::Udp(socket);
        }
        let stream = TcpStream::connect(leg.addr).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::Tcp { stream, received: Vec::new() }
    }

    /// Sends it. Whoever has died answers nothing, which is heard later.
    pub(crate) fn send(&mut self, request: &Request) {
        let text = request.text(if matches!(self, Self::Udp(_)) { "UDP" } else { "TCP" }, self.local());
        match self {
            Self::Udp(socket) => drop(socket.send(text.as_bytes())),
            Self::Tcp { stream, .. } => drop(stream.write_all(text.as_bytes())),
        }
    }

    /// The next answer, or none after so long. The answers that the dead have sent are heard before their death.
    pub(crate) fn hear(&mut self, patience: Duration) -> Heard {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(answer) = self.buffered() {
                return Heard::Answer(answer);
            }
            // A timeout of zero would be none at all.
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let mut buffer = [0; 65_535];
            let length = match self {
                Self::Udp(socket) => {
                    socket.set_read_timeout(Some(left)).unwrap();
                    socket.recv(&mut buffer)
                }
                Self::Tcp { stream, .. } => {
                    stream.set_read_timeout(Some(left)).unwrap();
                    stream.read(&mut buffer)
                }
            };
            match (length, &mut *self) {
                (Ok(length), Self::Udp(_)) => return Heard::Answer(Response::new(&buffer[..length])),
                (Ok(0), Self::Tcp { .. }) => return Heard::Gone,
                (Ok(length), Self::Tcp { received, .. }) => received.extend(&buffer[..length]),
                (Err(error), _) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Heard::Nothing,
                    ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => return Heard::Gone,
                    _ => panic!("{error}"),
                },
            }
        }
    }

    /// The first message of what a stream has brought, if it is whole. Answers to what these tests send have no body.
    fn buffered(&mut self) -> Option<Response> {
        let Self::Tcp { received, .. } = self else { return None };
        let end = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        Some(Response::new(&received.drain(..end).collect::<Vec<_>>()))
    }

    fn local(&self) -> SocketAddr {
        match self {
            Self::Udp(socket) => socket.local_addr().unwrap(),
            Self::Tcp { stream, .. } => stream.local_addr().unwrap(),
        }
    }
}
