//! Connections behind balancers that speak the PROXY protocol.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use sip_transport::{BindError, CloseCause, Leg, LegSpec, Server, ServerConfig, StreamConfig};

use crate::harness::{Running, alone, message, read_exactly, read_to_end, start};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn leg(spec: &str, proxies: &[&str]) -> Leg {
    let trusted_proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
    Leg { trusted_proxies, ..spec.parse::<LegSpec>().unwrap().into() }
}

fn config() -> ServerConfig {
    ServerConfig { legs: vec![leg("tcp:127.0.0.1:0", &["127.0.0.0/8"])], ..alone(&[]) }
}

/// A header of version 2 between these two, with one extension.
fn version_2(source: &str, destination: &str) -> Vec<u8> {
    let ends = [source, destination].map(|end| end.parse::<SocketAddr>().unwrap());
    let mut body = Vec::new();
    for end in ends {
        match end {
            SocketAddr::V4(end) => body.extend(end.ip().octets()),
            SocketAddr::V6(end) => body.extend(end.ip().octets()),
        }
    }
    ends.iter().for_each(|end| body.extend(end.port().to_be_bytes()));
    body.extend(b"\x04\0\x02hi");
    let family = if ends[0].is_ipv4() { 0x11 } else { 0x21 };
    [SIGNATURE, &[0x21, family, 0, u8::try_from(body.len()).unwrap()], &body].concat()
}

/// Whom the layer above sees as the sender of the next message, and to where.
fn seen(server: &Running) -> (String, String) {
    let (_, peer) = server.next_message();
    (peer.remote.to_string(), peer.local.to_string())
}

fn answered(client: &mut TcpStream, bytes: &[u8]) {
    client.write_all(bytes).unwrap();
    assert_eq!(read_exactly(client, message("hello").len()), message("hello"));
}

#[test]
fn a_message_is_from_whom_the_proxy_says() {
    let server = start(config());
    for (header, source, destination) in [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 5060\r\n".to_vec(), "192.0.2.7:40000", "198.51.100.1:5060"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 5060\r\n".to_vec(), "[2001:db8::7]:40000", "[2001:db8::1]:5060"),
        (version_2("192.0.2.8:1", "198.51.100.1:2"), "192.0.2.8:1", "198.51.100.1:2"),
        (version_2("[2001:db8::8]:1", "[2001:db8::1]:2"), "[2001:db8::8]:1", "[2001:db8::1]:2"),
    ] {
        let expected = (source.to_owned(), destination.to_owned());
        // With the first message in one segment, before it, and byte by byte.
        let mut client = server.tcp(0);
        answered(&mut client, &[header.clone(), message("hello")].concat());
        assert_eq!(seen(&server), expected);
        answered(&mut client, &message("hello"));
        assert_eq!(seen(&server), expected, "and so is the next");
        let mut client = server.tcp(0);
        for byte in header.iter().chain(&message("hello")) {
            client.write_all(&[*byte]).unwrap();
        }
        assert_eq!(read_exactly(&mut client, message("hello").len()), message("hello"));
        assert_eq!(seen(&server), expected);
    }
}

#[test]
fn a_proxy_may_speak_for_itself() {
    let server = start(config());
    let local = [SIGNATURE, &[0x20, 0, 0, 0]].concat();
    for header in [b"PROXY UNKNOWN\r\n".as_slice(), &local] {
        let mut client = server.tcp(0);
        answered(&mut client, &[header, &message("hello")].concat());
        assert_eq!(seen(&server).0, client.local_addr().unwrap().to_string());
    }
}

#[test]
fn whoever_is_no_proxy_is_refused() {
    let legs = vec![leg("tcp:127.0.0.1:0", &["192.0.2.0/24", "2001:db8::/32"])];
    let server = start(ServerConfig { legs, ..alone(&[]) });
    assert_eq!(read_to_end(&mut server.tcp(0)), b"");
    assert_eq!(server.counters().connections_refused_untrusted, 1);
}

#[test]
fn what_does_not_begin_with_a_header_is_closed_and_reaches_nobody() {
    let server = start(config());
    let endless = [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat();
    for (n, bytes) in
        [message("hello").as_slice(), b"PROXY TCP4 192.0.2.7 5060\r\n", b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c", &endless]
            .into_iter()
            .enumerate()
    {
        let mut client = server.tcp(0);
        client.write_all(bytes).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        // Reset or closed: nothing comes.
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut client, &mut rest);
        assert_eq!(rest, b"");
        server.ended_by(CloseCause::ProxyHeader, n as u64 + 1);
    }
    assert_eq!(server.counters().messages, 0);
}

#[test]
fn a_header_that_does_not_come_or_end_is_waited_for_only_so_long() {
    let short = Duration::from_millis(50);
    let streams = StreamConfig { first_byte: short, message: short, ..StreamConfig::default() };
    let server = start(ServerConfig { streams, ..config() });
    let mut silent = server.tcp(0);
    assert_eq!(read_to_end(&mut silent), b"");
    server.ended_by(CloseCause::FirstByte, 1);
    let mut half = server.tcp(0);
    half.write_all(b"PROXY TCP4 192.").unwrap();
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut half, &mut rest);
    assert_eq!(rest, b"");
    server.ended_by(CloseCause::ProxyHeader, 1);
}

#[test]
fn connections_count_for_the_source_that_the_proxy_names() {
    let streams = StreamConfig { connections_per_source: 1, ..StreamConfig::default() };
    let server = start(ServerConfig { streams, ..config() });
    let header = |host: u8| format!("PROXY TCP4 192.0.2.{host} 198.51.100.1 40000 5060\r\n").into_bytes();
    let mut held: Vec<TcpStream> = (1..=5).map(|_| server.tcp(0)).collect();
    for (host, client) in (1..=5).zip(&mut held) {
        answered(client, &[header(host), message("hello")].concat());
    }
    let mut second = server.tcp(0);
    second.write_all(&[header(3), message("hello")].concat()).unwrap();
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut second, &mut rest);
    assert_eq!(rest, b"");
    server.ended_by(CloseCause::Source, 1);
    // One that ends makes room.
    drop(held.remove(2));
    server.next_closed();
    answered(&mut server.tcp(0), &[header(3), message("hello")].concat());
}

#[test]
fn datagrams_have_no_header() {
    let legs = vec![leg("udp:127.0.0.1:0", &["127.0.0.1/32"])];
    let error = Server::bind(ServerConfig { legs, ..alone(&[]) }).unwrap_err();
    assert!(matches!(error, BindError::ProxiedDatagrams(_)), "{error}");
}
