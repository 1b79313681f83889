//! A client made of a bare socket.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

use super::{PATIENCE, Request, Response};

pub(crate) enum Phone {
    Udp(UdpSocket),
    Tcp { stream: TcpStream, received: VecDeque<u8> },
}

impl Phone {
    pub(crate) fn udp(registrar: SocketAddr) -> Self {
        Self::udp_from(if registrar.is_ipv4() { "127.0.0.1" } else { "::1" }, registrar)
    }

    /// At this address.
    pub(crate) fn udp_from(here: &str, registrar: SocketAddr) -> Self {
        let socket = UdpSocket::bind((here, 0)).unwrap();
        socket.connect(registrar).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self::Udp(socket)
    }

    pub(crate) fn tcp(registrar: SocketAddr) -> Self {
        let stream = TcpStream::connect(registrar).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::Tcp { stream, received: VecDeque::new() }
    }

    /// Sends the request and waits for the answer to it.
    pub(crate) fn ask(&mut self, request: &Request) -> Response {
        self.send(self.text(request).as_bytes());
        let response = self.receive();
        assert_eq!(response.header("Call-ID"), request.call_id);
        assert_eq!(response.header("CSeq"), format!("{} {}", request.cseq, request.method));
        response
    }

    /// The request as this phone writes it.
    pub(crate) fn text(&self, request: &Request) -> String {
        let transport = if matches!(self, Self::Udp(_)) { "UDP" } else { "TCP" };
        request.text(transport, self.local())
    }

    pub(crate) fn local(&self) -> SocketAddr {
        match self {
            Self::Udp(socket) => socket.local_addr().unwrap(),
            Self::Tcp { stream, .. } => stream.local_addr().unwrap(),
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        match self {
            Self::Udp(socket) => assert_eq!(socket.send(bytes).unwrap(), bytes.len()),
            Self::Tcp { stream, .. } => stream.write_all(bytes).unwrap(),
        }
    }

    /// The next answer.
    pub(crate) fn receive(&mut self) -> Response {
        match self {
            Self::Udp(_) => Response::new(&self.receive_bytes(0)),
            Self::Tcp { .. } => {
                // Answers to what these tests send have no body.
                let mut text = Vec::new();
                while !text.ends_with(b"\r\n\r\n") {
                    text.extend(self.receive_bytes(1));
                }
                Response::new(&text)
            }
        }
    }

    /// A whole datagram, or so many bytes of a stream.
    pub(crate) fn receive_bytes(&mut self, count: usize) -> Vec<u8> {
        match self {
            Self::Udp(socket) => {
                let mut buffer = [0; 65_536];
                let length = socket.recv(&mut buffer).unwrap();
                buffer[..length].to_vec()
            }
            Self::Tcp { stream, received } => {
                while received.len() < count {
                    let mut buffer = [0; 4096];
                    let length = stream.read(&mut buffer).unwrap();
                    assert_ne!(length, 0, "closed by the registrar");
                    received.extend(&buffer[..length]);
                }
                received.drain(..count).collect()
            }
        }
    }

    /// Waits until the registrar closes the connection, and expects that it sends nothing more.
    pub(crate) fn wait_for_close(&mut self) {
        let Self::Tcp { stream, received } = self else { panic!("UDP has no connections") };
        assert!(received.is_empty());
        match stream.read(&mut [0; 64]) {
            Ok(length) => assert_eq!(length, 0),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
}
