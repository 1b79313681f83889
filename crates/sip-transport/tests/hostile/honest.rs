//! Clients that mean well.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::server::Running;

pub(crate) const REQUEST: &[u8] = b"OPTIONS sip:a@example.com SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n";
pub(crate) const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n";

pub(crate) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A client on its way over one of the legs.
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    in_frames: bool,
}

type Open = fn(&Running) -> Client;

pub(crate) const KINDS: [(&str, Open); 4] = [
    ("tcp", |server| Client { stream: Box::new(server.connect(0)), in_frames: false }),
    ("tls", |server| Client { stream: Box::new(secure(server, 1)), in_frames: false }),
    ("ws", |server| upgraded(Box::new(server.connect(2)))),
    ("wss", |server| upgraded(Box::new(secure(server, 3)))),
];

fn secure(server: &Running, leg: usize) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from("localhost").unwrap();
    StreamOwned::new(ClientConnection::new(server.client.clone(), name).unwrap(), server.connect(leg))
}

fn upgraded(mut stream: Box<dyn Stream>) -> Client {
    upgrade(&mut *stream);
    Client { stream, in_frames: true }
}

pub(crate) fn upgrade(stream: &mut (impl Stream + ?Sized)) {
    stream.write_all(UPGRADE).unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
}

/// A frame as a client sends it; the mask is zero, which is one.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126);
    [&[first, 0x80 | length, 0, 0, 0, 0][..], payload].concat()
}

/// Asks over and over until it is told that it is enough; how often it was answered, which is each time.
pub(crate) fn asks_until(client: &mut Client, enough: &AtomicBool) -> usize {
    let mut answered = 0;
    while !enough.load(Ordering::Acquire) {
        let (sent, header) = if client.in_frames { (frame(0x81, REQUEST), 2) } else { (REQUEST.to_vec(), 0) };
        client.stream.write_all(&sent).unwrap();
        client.stream.flush().unwrap();
        let mut answer = vec![0; header + REQUEST.len()];
        client.stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer[header..], REQUEST);
        answered += 1;
    }
    answered
}
