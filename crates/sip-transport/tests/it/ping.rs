//! Peers that are asked whether they are still there.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use sip_transport::{CloseCause, ServerConfig, StreamConfig};

use crate::harness::{PATIENCE, Running, alone, ask_tcp, message, read_exactly, read_to_end, start};

const SOON: Duration = Duration::from_millis(60);

fn asking(legs: &[&str]) -> Running {
    let streams = StreamConfig { ping: Some(SOON), ..StreamConfig::default() };
    start(ServerConfig { streams, ..alone(legs) })
}

#[test]
fn a_silent_peer_is_asked_and_its_answer_is_timed() {
    let server = asking(&["tcp:127.0.0.1:0"]);
    let mut client = server.tcp(0);
    assert_eq!(ask_tcp(&mut client, &message("hello")), message("hello"));
    for n in 1..=3 {
        assert_eq!(read_exactly(&mut client, 4), b"\r\n\r\n");
        // A line end is no message, and asks for nothing.
        client.write_all(b"\r\n").unwrap();
        server.next_round_trip();
        assert_eq!(server.counters().pings_answered, n);
        if n == 2 {
            // With the one before it looks like a ping of the client's, which has to be answered.
            assert_eq!(read_exactly(&mut client, 2), b"\r\n");
        }
    }
    assert_eq!(ask_tcp(&mut client, &message("hello")), message("hello"));
}

/// Whoever does not know what a ping is passes over it; the kernel says that it is there.
#[test]
fn a_peer_that_answers_no_pings_stays_as_long_as_its_kernel_takes_them() {
    let server = asking(&["tcp:127.0.0.1:0"]);
    let mut client = server.tcp(0);
    assert_eq!(ask_tcp(&mut client, &message("hello")), message("hello"));
    for _ in 0..6 {
        assert_eq!(read_exactly(&mut client, 4), b"\r\n\r\n");
    }
    assert_eq!(ask_tcp(&mut client, &message("hello")), message("hello"));
}

#[test]
fn where_something_was_heard_nothing_is_asked() {
    let server = asking(&["tcp:127.0.0.1:0"]);
    let mut client = server.tcp(0);
    let begun = Instant::now();
    let mut asked = 0;
    while begun.elapsed() < SOON * 8 {
        // Never silent for as long as the interval, unless this thread stands still for so long.
        let since = Instant::now();
        let answer = ask_tcp(&mut client, &message("hello"));
        asked += u64::from(since.elapsed() > SOON / 2);
        if answer != message("hello") {
            break;
        }
    }
    assert!(server.counters().pings_sent <= asked, "{:?}", server.counters());
}

#[cfg(feature = "ws")]
mod websocket {
    use super::*;
    use crate::websocket::{FINAL, PING, PONG, frame, open, read_frame};

    fn register(client: &mut TcpStream) {
        const TEXT: u8 = 1;
        client.write_all(&frame(FINAL | TEXT, &message("hello"))).unwrap();
        assert_eq!(read_frame(client).1, message("hello"));
    }

    #[test]
    fn a_websocket_is_asked_in_its_own_way() {
        let server = asking(&["ws:127.0.0.1:0"]);
        let mut client = open(&server);
        register(&mut client);
        for n in 1..=3 {
            let (kind, payload) = read_frame(&mut client);
            assert_eq!((kind, payload.len()), (FINAL | PING, 8));
            client.write_all(&frame(FINAL | PONG, &payload)).unwrap();
            server.next_round_trip();
            assert_eq!(server.counters().pings_answered, n);
        }
    }

    #[test]
    fn a_websocket_that_answers_two_pings_with_silence_is_given_up() {
        let server = asking(&["ws:127.0.0.1:0"]);
        let mut client = open(&server);
        register(&mut client);
        let begun = Instant::now();
        assert_eq!(read_frame(&mut client).0, FINAL | PING);
        assert_eq!(read_frame(&mut client).0, FINAL | PING);
        // It is told so as far as it listens.
        read_to_end(&mut client);
        assert!(begun.elapsed() < PATIENCE);
        server.closed_by(CloseCause::PingTimeout);
        assert_eq!(server.counters().pings_sent, 2);
    }
}
