//! WebSocket, spoken by hand.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use sip_transport::{CloseCause, Leg, ServerConfig, Shutdown, Transport};

use crate::harness::{Running, alone, message, read_exactly, read_to_end, start};

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
pub(crate) const FINAL: u8 = 0x80;

pub(crate) fn upgrade(lines: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{lines}\r\n"
    )
}

pub(crate) const SIP: &str = "Sec-WebSocket-Protocol: sip\r\n";

/// Reads an HTTP head.
fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(read_exactly(stream, 1));
    }
    String::from_utf8(head).unwrap()
}

pub(crate) fn open(server: &Running) -> TcpStream {
    let mut client = server.tcp(0);
    client.write_all(upgrade(SIP).as_bytes()).unwrap();
    let head = read_head(&mut client);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    // The key of RFC 6455 §1.3 and what follows from it.
    assert!(
        head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") && head.to_lowercase().contains("sec-websocket-protocol: sip")
    );
    client
}

/// A frame as a client sends it.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
    let mut frame = vec![first];
    match payload.len() {
        n @ ..126 => frame.push(0x80 | n as u8),
        n => {
            frame.push(0x80 | 126);
            frame.extend((n as u16).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Reads a frame of the server's.
pub(crate) fn read_frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let head = read_exactly(stream, 2);
    let length = match head[1] {
        126 => usize::from(u16::from_be_bytes(read_exactly(stream, 2).try_into().unwrap())),
        n => usize::from(n),
    };
    (head[0], read_exactly(stream, length))
}

#[test]
fn each_message_has_a_frame_of_its_own() {
    let server = start(alone(&["ws:127.0.0.1:0"]));
    let mut client = open(&server);
    let (one, two) = (message("one"), message("two"));
    client.write_all(&[frame(FINAL | TEXT, &one), frame(FINAL | TEXT, &two)].concat()).unwrap();
    assert_eq!(read_frame(&mut client), (FINAL | TEXT, one));
    assert_eq!(read_frame(&mut client), (FINAL | TEXT, two));
    let (_, peer) = server.next_message();
    assert_eq!((peer.transport, peer.remote), (Transport::Ws, client.local_addr().unwrap()));
}

#[test]
fn what_comes_byte_by_byte_and_in_fragments_is_one_message() {
    let server = start(alone(&["ws:127.0.0.1:0"]));
    let mut client = server.tcp(0);
    for byte in upgrade(SIP).as_bytes() {
        client.write_all(&[*byte]).unwrap();
    }
    assert!(read_head(&mut client).starts_with("HTTP/1.1 101 "));
    let whole = message("fragments");
    let (first, rest) = whole.split_at(20);
    let frames = [frame(TEXT, first), frame(FINAL | PING, b"between"), frame(FINAL, rest)].concat();
    for byte in frames {
        client.write_all(&[byte]).unwrap();
    }
    assert_eq!(read_frame(&mut client), (FINAL | PONG, b"between".to_vec()));
    assert_eq!(read_frame(&mut client), (FINAL | TEXT, whole));
}

#[test]
fn keepalives_are_answered_and_a_close_is_returned() {
    let server = start(alone(&["ws:127.0.0.1:0"]));
    let mut client = open(&server);
    client.write_all(&frame(FINAL | TEXT, b"\r\n\r\n")).unwrap();
    assert_eq!(read_frame(&mut client), (FINAL | TEXT, b"\r\n".to_vec()));
    client.write_all(&frame(FINAL | CLOSE, &1000_u16.to_be_bytes())).unwrap();
    assert_eq!(read_frame(&mut client), (FINAL | CLOSE, 1000_u16.to_be_bytes().to_vec()));
    assert_eq!(read_to_end(&mut client), b"");
    server.closed_by(CloseCause::Peer);
}

#[test]
fn what_rfc_6455_forbids_is_closed_with_its_code() {
    let limits = ServerConfig::default().streams.frame;
    let huge = [&[FINAL | TEXT, 0x80 | 127][..], &(limits.message as u64 + 1).to_be_bytes(), &[0; 4]].concat();
    for (bytes, code) in [
        // Unmasked.
        (vec![FINAL | TEXT, 2, b'h', b'i'], 1002_u16),
        (frame(FINAL | TEXT | 0x40, b"reserved bit"), 1002),
        (frame(FINAL | 3, b"reserved opcode"), 1002),
        (frame(PING, b"a fragment"), 1002),
        (frame(FINAL | PING, &[0; 126]), 1002),
        (frame(FINAL, b"continues nothing"), 1002),
        (frame(FINAL | TEXT, b"\xff\xfe"), 1007),
        // Announced only.
        (huge, 1009),
    ] {
        let server = start(alone(&["ws:127.0.0.1:0"]));
        let mut client = open(&server);
        client.write_all(&bytes).unwrap();
        let (opcode, payload) = read_frame(&mut client);
        assert_eq!((opcode, &payload[..2]), (FINAL | CLOSE, &code.to_be_bytes()[..]), "{bytes:x?}");
        assert_eq!(read_to_end(&mut client), b"");
        // It lingers, so that the peer can read why.
        drop(client);
        server.closed_by(CloseCause::WebSocket);
    }
}

#[test]
fn http_that_is_no_upgrade_is_answered_plainly() {
    let leg = Leg { origins: Some(vec!["https://phone.example.com".to_owned()]), ..leg("ws:127.0.0.1:0") };
    let server = start(ServerConfig { legs: vec![leg], ..alone(&[]) });
    let origin = |origin: &str| upgrade(&format!("{SIP}Origin: {origin}\r\n"));
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "426 "),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".to_owned(), "405 "),
        (upgrade("Origin: https://phone.example.com\r\n"), "400 "),
        (origin("https://evil.example.com"), "403 "),
        (upgrade(SIP), "403 "),
        ("REGISTER sip:x SIP/2.0\r\n\r\n".to_owned(), "400 "),
    ] {
        let mut client = server.tcp(0);
        client.write_all(request.as_bytes()).unwrap();
        let head = read_head(&mut client);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{request}\n{head}");
        assert!(head.to_lowercase().contains("connection: ") && !read_to_end(&mut client).is_empty(), "{head}");
    }
    let mut client = server.tcp(0);
    client.write_all(origin("https://phone.example.com").as_bytes()).unwrap();
    assert!(read_head(&mut client).starts_with("HTTP/1.1 101 "));
    drop(client);
    // The last to end is the first of which the layer above is told.
    server.next_closed();
    server.shutdown.cut();
    let (_, events, _) = server.end();
    assert!(events.is_empty(), "nothing of the others is a connection for the layer above: {events:?}");
}

#[test]
fn who_never_becomes_a_websocket_is_closed() {
    let mut config = alone(&["ws:127.0.0.1:0"]);
    config.streams.handshake = Duration::from_millis(50);
    config.streams.upgrade = Duration::from_millis(50);
    let server = start(config);
    let mut client = server.tcp(0);
    client.write_all(b"GET / HTTP/1.1\r\nHost:").unwrap();
    let mut rest = Vec::new();
    // A reset is an end as well.
    let _ = client.read_to_end(&mut rest);
    assert!(rest.is_empty());
    server.ended_by(CloseCause::Upgrade, 1);
}

#[test]
fn a_drain_says_goodbye() {
    let server = start(alone(&["ws:127.0.0.1:0"]));
    let mut client = open(&server);
    Shutdown::drain(&server.shutdown);
    assert_eq!(read_frame(&mut client), (FINAL | CLOSE, 1001_u16.to_be_bytes().to_vec()));
    assert_eq!(read_to_end(&mut client), b"");
}

fn leg(spec: &str) -> Leg {
    spec.parse::<sip_transport::LegSpec>().unwrap().into()
}
