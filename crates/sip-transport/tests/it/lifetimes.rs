//! How long a connection may last.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use sip_transport::{CloseCause, ServerConfig, StreamConfig};

use crate::harness::{alone, ask_tcp, message, read_exactly, read_to_end, start};

/// Short enough to wait for, long enough not to pass while a busy machine runs something else.
const SOON: Duration = Duration::from_millis(500);

fn with(streams: StreamConfig) -> ServerConfig {
    ServerConfig { streams, ..alone(&["tcp:127.0.0.1:0"]) }
}

#[test]
fn a_connection_that_stays_silent_from_the_start_is_closed() {
    let server = start(with(StreamConfig { first_byte: SOON, ..StreamConfig::default() }));
    let begun = Instant::now();
    assert_eq!(read_to_end(&mut server.tcp(0)), b"");
    assert!(begun.elapsed() >= SOON);
    server.closed_by(CloseCause::FirstByte);
}

#[test]
fn a_first_message_that_is_never_finished_is_not_waited_for() {
    let streams = StreamConfig { first_byte: SOON, message: SOON, ..StreamConfig::default() };
    let server = start(with(streams));
    let mut client = server.tcp(0);
    client.write_all(b"OPTIONS sip:").unwrap();
    assert_eq!(read_to_end(&mut client), b"");
    server.closed_by(CloseCause::Message);
    assert_eq!(server.counters().messages_incomplete, 1);
}

#[test]
fn a_later_message_that_comes_in_drops_is_not_waited_for_either() {
    let server = start(with(StreamConfig { message: SOON, ..StreamConfig::default() }));
    let mut client = server.tcp(0);
    assert_eq!(ask_tcp(&mut client, &message("hello")), message("hello"));
    // Each drop is a sign of life, and yet the message as a whole has a limit.
    let begun = Instant::now();
    client.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    for byte in b"a".iter().cycle() {
        if client.write_all(std::slice::from_ref(byte)).is_err() || client.read(&mut [0; 9]).is_ok() {
            break;
        }
        assert!(begun.elapsed() < crate::harness::PATIENCE);
    }
    server.closed_by(CloseCause::Message);
}

#[test]
fn keepalives_alone_do_not_hold_a_connection_that_never_brings_a_message() {
    let streams = StreamConfig { first_byte: SOON, message: SOON, ..StreamConfig::default() };
    let server = start(with(streams));
    let mut client = server.tcp(0);
    while ping(&mut client) {}
    server.closed_by(CloseCause::Message);
}

/// Sends a ping and says whether a pong came.
fn ping(client: &mut TcpStream) -> bool {
    client.write_all(b"\r\n\r\n").is_ok() && client.read_exact(&mut [0; 2]).is_ok()
}

#[test]
fn a_connection_with_a_history_is_closed_when_idle_and_held_by_keepalives() {
    let server = start(with(StreamConfig { idle: SOON, ..StreamConfig::default() }));
    let mut client = server.tcp(0);
    assert_eq!(ask_tcp(&mut client, &message("hello")), message("hello"));
    let begun = Instant::now();
    while begun.elapsed() < SOON * 3 {
        assert!(ping(&mut client));
    }
    assert_eq!(read_to_end(&mut client), b"");
    server.closed_by(CloseCause::Idle);
}

#[test]
fn a_peer_that_does_not_take_its_answers_is_given_up() {
    let streams = StreamConfig { write: SOON, write_queue: 64 << 20, ..StreamConfig::default() };
    let server = start(with(streams));
    let mut client = server.tcp(0);
    client.write_all(&message("big-40000000")).unwrap();
    server.closed_by(CloseCause::WriteStalled);
}

#[test]
fn a_slow_peer_is_not_taken_for_a_stalled_one() {
    let streams = StreamConfig { write: SOON, write_queue: 64 << 20, ..StreamConfig::default() };
    let server = start(with(streams));
    let mut client = server.tcp(0);
    let size = 16 << 20;
    client.write_all(&message(&format!("big-{size}"))).unwrap();
    // Longer than the limit in all, though never as long between two reads.
    for _ in 0..64 {
        read_exactly(&mut client, size / 64);
        // Not to wait for anything: slowness is what is tested.
        std::thread::sleep(SOON / 32);
    }
    assert_eq!(ask_tcp(&mut client, &message("hello")), message("hello"));
}

#[test]
fn more_than_may_wait_for_a_peer_closes_its_connection() {
    let server = start(with(StreamConfig::default()));
    let mut client = server.tcp(0);
    client.write_all(&message("big-40000000")).unwrap();
    server.closed_by(CloseCause::WriteOverflow);
}
