//! How a server stops.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sip_transport::{CloseCause, RunError, Server, ServerConfig, Shutdown};

use crate::harness::{Event, PATIENCE, alone, ask_tcp, config, message, read_to_end, run, start};

const LEGS: [&str; 2] = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"];

#[test]
fn all_that_has_arrived_is_answered_before_the_end() {
    for workers in [alone(&LEGS), config(&LEGS)] {
        let server = Server::bind(workers).unwrap();
        let addrs = server.local_addrs();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.set_read_timeout(Some(PATIENCE)).unwrap();
        for n in 0..100 {
            udp.send_to(&message(&format!("number{n}")), addrs[0]).unwrap();
        }
        udp.send_to(&message("twice"), addrs[0]).unwrap();
        let mut clients: Vec<_> = (0..50)
            .map(|_| {
                let mut client = TcpStream::connect(addrs[1]).unwrap();
                client.set_read_timeout(Some(PATIENCE)).unwrap();
                client.write_all(&[message("hello").repeat(40), message("later")].concat()).unwrap();
                client
            })
            .collect();
        // It is told to stop before it has looked at any of this.
        let shutdown = Shutdown::new();
        shutdown.drain();
        let (result, events, counters) = run(server, shutdown).end();
        assert!(result.unwrap().is_clean());
        let mut buffer = vec![0; 1000];
        let mut last = Vec::new();
        for _ in 0..101 {
            let length = udp.recv(&mut buffer).unwrap();
            last = buffer[..length].to_vec();
        }
        assert_eq!(last, message("twice"));
        for client in &mut clients {
            assert_eq!(read_to_end(client), [message("hello").repeat(40), message("later")].concat());
        }
        assert_eq!(counters.messages, 101 + 50 * 41);
        assert_eq!(counters.closed(CloseCause::Drain), 50);
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Closed(_))).count(), 50);
    }
}

#[test]
fn connections_that_are_idle_or_half_way_through_a_message_are_closed_at_once() {
    let server = start(ServerConfig { drain: PATIENCE * 100, ..config(&LEGS) });
    let (mut idle, mut half) = (server.tcp(1), server.tcp(1));
    assert_eq!(ask_tcp(&mut idle, &message("hello")), message("hello"));
    assert_eq!(ask_tcp(&mut half, &message("hello")), message("hello"));
    half.write_all(b"OPTIONS sip:half").unwrap();
    server.shutdown.drain();
    assert_eq!((read_to_end(&mut idle), read_to_end(&mut half)), (vec![], vec![]));
    let (result, _, counters) = server.end();
    assert!(result.unwrap().is_clean());
    assert_eq!((counters.closed(CloseCause::Drain), counters.messages_incomplete), (2, 1));
}

#[test]
fn what_is_not_ready_by_the_deadline_is_cut_off_and_told() {
    let drain = Duration::from_millis(200);
    let mut config = ServerConfig { drain, ..config(&LEGS) };
    config.streams.write_queue = 64 << 20;
    let server = start(config);
    let (mut waits, mut deaf) = (server.tcp(1), server.tcp(1));
    waits.write_all(&message("never")).unwrap();
    deaf.write_all(&message("big-40000000")).unwrap();
    server.next_message();
    server.next_message();
    let begun = Instant::now();
    server.shutdown.drain();
    let (result, events, _) = server.end();
    let summary = result.unwrap();
    assert!(begun.elapsed() >= drain && begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    assert_eq!((summary.pending, summary.connections), (1, 2));
    assert!(summary.unsent_bytes > 1_000_000);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Closed(_))).count(), 2);
    assert!(waits.read(&mut [0; 9]).is_ok_and(|n| n == 0));
}

#[test]
fn a_drain_can_be_cut_short() {
    let server = start(ServerConfig { drain: PATIENCE * 100, ..config(&LEGS) });
    server.tcp(1).write_all(&message("never")).unwrap();
    server.next_message();
    server.shutdown.drain();
    server.shutdown.cut();
    assert!(server.shutdown.is_stopping());
    let (result, ..) = server.end();
    assert_eq!(result.unwrap().pending, 1);
}

#[test]
fn nothing_is_accepted_any_more() {
    let server = start(ServerConfig { drain: PATIENCE * 100, ..alone(&LEGS) });
    let addrs = server.addrs.clone();
    let mut waits = server.tcp(1);
    waits.write_all(&message("never")).unwrap();
    let mut idle = server.tcp(1);
    assert_eq!(ask_tcp(&mut idle, &message("hello")), message("hello"));
    server.shutdown.drain();
    // Listeners are closed before connections.
    assert_eq!(read_to_end(&mut idle), b"");
    assert!(TcpStream::connect(addrs[1]).is_err());
}

#[test]
fn a_worker_that_cannot_be_made_ends_the_server_with_an_error() {
    let server = Server::bind(config(&LEGS)).unwrap();
    let (send, receive) = mpsc::channel();
    let result = server.run(
        |worker| -> crate::harness::Echo {
            send.send(worker).unwrap();
            panic!("a worker that cannot be made, as the test wants")
        },
        &Shutdown::new(),
    );
    drop(send);
    assert!(
        matches!(result, Err(RunError::Panicked(worker)) if receive.iter().any(|made| made == worker)),
        "{result:?}"
    );
}
