//! What a running server is asked to do.

use std::future::Future;
use std::io::Write;
use std::time::Duration;

use sip_transport::{CloseCause, Flow, ServerConfig, StreamConfig};

use crate::harness::{PATIENCE, Running, alone, ask_tcp, ask_udp, config, message, read_to_end, start};

const LEGS: [&str; 2] = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"];

/// What `asked` says, within a test's patience.
fn wait<T>(asked: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, asked).await }).expect("an answer was to come")
}

/// The connection by which the next message comes.
fn next_flow(server: &Running) -> Flow {
    server.next_message().1.flow.expect("a connection")
}

#[test]
fn a_connection_that_is_asked_to_end_ends_and_the_others_stay() {
    let server = start(config(&LEGS));
    let mut clients: Vec<_> = (0..20).map(|_| server.tcp(1)).collect();
    let flows: Vec<_> = clients
        .iter_mut()
        .map(|client| {
            assert_eq!(ask_tcp(client, &message("hello")), message("hello"));
            next_flow(&server)
        })
        .collect();
    assert!(wait(server.control.close(flows[7])));
    assert_eq!(read_to_end(&mut clients[7]), b"");
    drop(clients.remove(7));
    assert_eq!(server.closed_by(CloseCause::Asked), flows[7]);
    for client in &mut clients {
        assert_eq!(ask_tcp(client, &message("hello")), message("hello"));
    }
}

#[test]
fn answers_that_are_due_still_leave() {
    let server = start(alone(&LEGS));
    let (udp, mut tcp) = (server.udp(0), server.tcp(1));
    tcp.write_all(&message("together-2")).unwrap();
    let flow = next_flow(&server);
    assert!(wait(server.control.close(flow)));
    // This is too late.
    tcp.write_all(&message("hello")).unwrap();
    assert_eq!(ask_udp(&udp, &message("together-2")), message("together-2"));
    assert_eq!(read_to_end(&mut tcp), message("together-2"));
    drop(tcp);
    server.closed_by(CloseCause::Asked);
    assert_eq!(server.counters().messages, 2);
}

#[test]
fn a_phone_that_does_not_close_its_side_is_not_waited_for() {
    let streams = StreamConfig { linger: Duration::from_millis(50), ..StreamConfig::default() };
    let server = start(ServerConfig { streams, ..alone(&LEGS) });
    let mut tcp = server.tcp(1);
    assert_eq!(ask_tcp(&mut tcp, &message("hello")), message("hello"));
    assert!(wait(server.control.close(next_flow(&server))));
    server.closed_by(CloseCause::Asked);
    assert_eq!(read_to_end(&mut tcp), b"");
}

#[test]
fn there_is_nothing_to_end_where_no_connection_is() {
    let server = start(alone(&LEGS));
    let mut tcp = server.tcp(1);
    assert_eq!(ask_tcp(&mut tcp, &message("hello")), message("hello"));
    let flow = next_flow(&server);
    for other in [
        Flow { worker: 1, ..flow },
        Flow { slot: flow.slot + 1, ..flow },
        Flow { generation: flow.generation.wrapping_add(1), ..flow },
    ] {
        assert!(!wait(server.control.close(other)), "{other:?}");
    }
    assert_eq!(ask_tcp(&mut tcp, &message("hello")), message("hello"));
    drop(tcp);
    server.closed_by(CloseCause::Peer);
    assert!(!wait(server.control.close(flow)));
}

#[test]
fn a_server_that_has_stopped_has_no_connection_to_end() {
    let server = start(alone(&LEGS));
    let mut tcp = server.tcp(1);
    assert_eq!(ask_tcp(&mut tcp, &message("hello")), message("hello"));
    let (flow, control) = (next_flow(&server), server.control.clone());
    server.shutdown.drain();
    assert!(server.end().0.unwrap().is_clean());
    assert!(!wait(control.close(flow)));
}
