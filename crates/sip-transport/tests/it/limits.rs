//! How many connections there may be.

use std::io::Write;

use sip_transport::{CloseCause, ServerConfig, StreamConfig};

use crate::harness::{alone, ask_tcp, message, read_to_end, start};

fn with(connections: usize, connections_per_source: usize) -> ServerConfig {
    let streams = StreamConfig { connections, connections_per_source, ..StreamConfig::default() };
    ServerConfig { streams, ..alone(&["tcp:127.0.0.1:0", "tcp:[::1]:0"]) }
}

#[test]
fn too_many_connections_from_one_source_are_refused_and_others_are_not() {
    let server = start(with(100, 2));
    let mut held = [server.tcp(0), server.tcp(0)];
    for client in &mut held {
        assert_eq!(ask_tcp(client, &message("hello")), message("hello"));
    }
    assert_eq!(read_to_end(&mut server.tcp(0)), b"");
    assert_eq!(server.counters().connections_refused_by_source, 1);
    assert_eq!(ask_tcp(&mut server.tcp(1), &message("hello")), message("hello"));

    let [first, _second] = held;
    drop(first);
    // One ended above by itself.
    server.next_closed();
    server.next_closed();
    assert_eq!(ask_tcp(&mut server.tcp(0), &message("hello")), message("hello"));
}

#[test]
fn the_oldest_connection_without_a_message_gives_way_to_a_new_one() {
    let server = start(with(3, 100));
    let mut used = server.tcp(0);
    assert_eq!(ask_tcp(&mut used, &message("hello")), message("hello"));
    let (mut oldest, mut second) = (server.tcp(0), server.tcp(0));
    // A keepalive is not a message.
    for client in [&mut oldest, &mut second] {
        client.write_all(b"\r\n\r\n").unwrap();
        assert_eq!(crate::harness::read_exactly(client, 2), b"\r\n");
    }
    let mut new = server.tcp(0);
    assert_eq!(ask_tcp(&mut new, &message("hello")), message("hello"));
    assert_eq!(read_to_end(&mut oldest), b"");
    server.closed_by(CloseCause::Evicted);
    for client in [&mut used, &mut second, &mut new] {
        assert_eq!(ask_tcp(client, &message("again")), message("again"));
    }

    // Now that all have brought messages, none of them gives way.
    assert_eq!(read_to_end(&mut server.tcp(0)), b"");
    assert_eq!(server.counters().connections_refused, 1);
    for client in [&mut used, &mut second, &mut new] {
        assert_eq!(ask_tcp(client, &message("still")), message("still"));
    }
}
