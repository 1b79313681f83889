use std::collections::HashSet;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};

use sip_transport::{CloseCause, LegId, Transport};

use crate::harness::{Event, alone, ask_tcp, config, message, read_exactly, read_to_end, start};

const LEGS: [&str; 2] = ["tcp:127.0.0.1:0", "tcp:[::1]:0"];

#[test]
fn a_message_is_answered_over_both_versions_of_ip() {
    let server = start(config(&LEGS));
    for leg in 0..2 {
        let mut client = server.tcp(leg);
        assert_eq!(ask_tcp(&mut client, &message("hello")), message("hello"));
        let (worker, peer) = server.next_message();
        assert_eq!((peer.remote, peer.local), (client.local_addr().unwrap(), server.addrs[leg]));
        assert_eq!((peer.leg, peer.transport), (LegId(leg as u16), Transport::Tcp));
        assert_eq!(peer.flow.map(|flow| flow.worker), Some(worker.0));
    }
}

#[test]
fn many_messages_in_one_segment_are_answered_in_order() {
    let server = start(alone(&LEGS));
    let mut client = server.tcp(0);
    // More than one turn's budget, and more than the read buffer.
    let requests: Vec<u8> = (0..3000).flat_map(|n| message(&format!("number{n}"))).collect();
    let mut reader = client.try_clone().unwrap();
    let expected = requests.clone();
    let reader = std::thread::spawn(move || assert!(read_exactly(&mut reader, expected.len()) == expected));
    client.write_all(&requests).unwrap();
    reader.join().unwrap();
    assert_eq!(server.counters().messages, 3000);
}

#[test]
fn one_message_in_many_segments_is_answered_once() {
    let server = start(alone(&LEGS));
    let mut client = server.tcp(0);
    for request in [message("hello"), message("again")] {
        for byte in &request {
            client.write_all(std::slice::from_ref(byte)).unwrap();
        }
        assert_eq!(read_exactly(&mut client, request.len()), request);
    }
    assert_eq!(server.counters().messages, 2);
}

#[test]
fn line_ends_before_a_message_are_skipped_and_a_ping_has_its_pong() {
    let server = start(alone(&LEGS));
    let mut client = server.tcp(0);
    client.write_all(b"\r\n").unwrap();
    assert_eq!(ask_tcp(&mut client, &message("hello")), message("hello"));
    client.write_all(b"\r\n\r\n").unwrap();
    assert_eq!(read_exactly(&mut client, 2), b"\r\n");
    // In one segment, and in the order in which they came.
    let together = [b"\r\n\r\n".as_slice(), &message("one"), b"\r\n\r\n\r\n\r\n", &message("two")].concat();
    client.write_all(&together).unwrap();
    let expected = [b"\r\n".as_slice(), &message("one"), b"\r\n\r\n", &message("two")].concat();
    assert_eq!(read_exactly(&mut client, expected.len()), expected);
    assert_eq!((server.counters().keepalives, server.counters().messages), (4, 3));
}

#[test]
fn a_head_whose_body_has_no_known_end_is_answered_before_the_close() {
    let server = start(alone(&LEGS));
    let mut client = server.tcp(0);
    let head = b"OPTIONS sip:hello SIP/2.0\r\nCall-ID: 1\r\n\r\n";
    // What comes after it must not destroy the answer with a reset.
    client.write_all(&[head.as_slice(), &[b'x'; 60_000]].concat()).unwrap();
    let mut answer = vec![0; head.len()];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, head);
    client.write_all(&[b'x'; 10_000]).unwrap();
    assert_eq!(read_to_end(&mut client), b"");
    drop(client);
    server.closed_by(CloseCause::Framing);
    assert_eq!((server.counters().framing_errors, server.counters().messages), (1, 1));
}

#[test]
fn a_stream_without_a_readable_head_is_closed_unanswered() {
    let server = start(alone(&LEGS));
    let mut client = server.tcp(0);
    client.write_all(b"GET / HTTP/1.1\nHost: example.com\n\n").unwrap();
    assert_eq!(read_to_end(&mut client), b"");
    drop(client);
    server.closed_by(CloseCause::Framing);
    assert_eq!(server.counters().messages, 0);
}

#[test]
fn a_peer_that_has_finished_sending_still_gets_its_answers() {
    let server = start(alone(&LEGS));
    for commands in [["hello", "later"], ["twice", "hello"]] {
        let mut client = server.tcp(0);
        // At once, so that no answer is ready before the next message is there.
        let [first, second] = commands.map(message);
        client.write_all(&[first, second, b"OPTIONS sip:half".to_vec()].concat()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(
            read_to_end(&mut client),
            [message("hello"), message(commands.concat().replace("hello", "").as_str())].concat()
        );
        server.next_closed();
    }
    assert_eq!((server.counters().closed(CloseCause::Peer), server.counters().messages_incomplete), (2, 2));
}

#[test]
fn a_panic_closes_the_connection_it_came_from_and_no_other() {
    let server = start(alone(&LEGS));
    let (mut good, mut bad) = (server.tcp(0), server.tcp(0));
    assert_eq!(ask_tcp(&mut good, &message("hello")), message("hello"));
    bad.write_all(&[message("hello"), message("panic"), message("unheard")].concat()).unwrap();
    assert_eq!(read_to_end(&mut bad), message("hello"));
    drop(bad);
    server.closed_by(CloseCause::Panic);
    assert_eq!(ask_tcp(&mut good, &message("again")), message("again"));
    assert_eq!((server.counters().panics, server.counters().messages), (1, 4));
}

#[test]
fn the_layer_above_hears_once_of_each_connection_that_ends() {
    let server = start(config(&LEGS));
    let mut clients: Vec<_> = (0..20).map(|n| server.tcp(n % 2)).collect();
    let mut flows = HashSet::new();
    for client in &mut clients {
        assert_eq!(ask_tcp(client, &message("hello")), message("hello"));
        let flow = server.next_message().1.flow.unwrap();
        assert!(flows.insert(flow), "{flow:?} was given twice");
    }
    drop(clients);
    for _ in 0..20 {
        let closed = server.next_closed();
        assert!(flows.remove(&closed), "{closed:?} was closed twice, or never open");
    }
    server.shutdown.drain();
    let (_, events, counters) = server.end();
    assert!(!events.iter().any(|event| matches!(event, Event::Closed(_))), "{events:?}");
    assert_eq!((counters.connections_accepted, counters.closed(CloseCause::Peer)), (20, 20));
}

#[test]
fn an_answer_longer_than_the_kernel_takes_at_once_arrives_whole() {
    let mut config = alone(&LEGS);
    config.streams.write_queue = 64 << 20;
    let server = start(config);
    let mut client = server.tcp(0);
    let size = 20_000_000;
    client.write_all(&[message(&format!("big-{size}")), message("hello")].concat()).unwrap();
    assert!(read_exactly(&mut client, size).iter().all(|byte| *byte == b'x'));
    assert_eq!(read_exactly(&mut client, message("hello").len()), message("hello"));
}

#[test]
fn a_connection_that_sends_without_end_does_not_starve_another() {
    let server = start(alone(&LEGS));
    let (mut flood, mut other) = (server.tcp(0), server.tcp(0));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut drain = flood.try_clone().unwrap();
        scope.spawn(move || {
            let mut buffer = vec![0; 1 << 20];
            while drain.read(&mut buffer).is_ok_and(|n| n > 0) {}
        });
        let (stop, requests) = (&stop, message("flood").repeat(1000));
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) && flood.write_all(&requests).is_ok() {}
            let _ = flood.shutdown(Shutdown::Both);
        });
        for _ in 0..100 {
            assert_eq!(ask_tcp(&mut other, &message("hello")), message("hello"));
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(server.counters().messages > 1000, "the flood was none");
}

#[test]
fn a_connection_that_is_reset_ends_like_any_other() {
    let server = start(alone(&LEGS));
    let mut client = server.tcp(0);
    assert_eq!(ask_tcp(&mut client, &message("hello")), message("hello"));
    socket2::SockRef::from(&client).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(client);
    server.closed_by(CloseCause::Broken);
    // The worker goes on.
    let mut client = server.tcp(0);
    assert_eq!(ask_tcp(&mut client, &message("hello")), message("hello"));
    assert!(
        matches!(client.set_nonblocking(true).and_then(|()| client.read(&mut [0; 9])), Err(e) if e.kind() == ErrorKind::WouldBlock)
    );
}
