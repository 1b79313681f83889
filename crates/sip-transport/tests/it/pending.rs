use std::io::Write;
use std::net::Shutdown;

use sip_transport::CloseCause;

use crate::harness::{alone, ask_tcp, ask_udp, message, read_exactly, read_to_end, start};

const LEGS: [&str; 2] = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"];

#[test]
fn what_waits_is_answered_when_it_is_ready() {
    let server = start(alone(&LEGS));
    let (udp, mut tcp) = (server.udp(0), server.tcp(1));
    for command in ["later", "twice"] {
        assert_eq!(ask_udp(&udp, &message(command)), message(command));
        assert_eq!(ask_tcp(&mut tcp, &message(command)), message(command));
    }
    assert_eq!(server.counters().pending_started, 4);
}

#[test]
fn what_waits_does_not_hold_up_what_comes_after_it() {
    let server = start(alone(&LEGS));
    let (udp, mut tcp) = (server.udp(0), server.tcp(1));
    udp.send(&message("never")).unwrap();
    assert_eq!(ask_udp(&udp, &message("hello")), message("hello"));
    tcp.write_all(&message("never")).unwrap();
    assert_eq!(ask_tcp(&mut tcp, &message("hello")), message("hello"));
}

#[test]
fn a_future_that_panics_is_counted_and_nothing_else_suffers() {
    let server = start(alone(&LEGS));
    let mut tcp = server.tcp(1);
    tcp.write_all(&message("broken")).unwrap();
    for command in ["later", "hello"] {
        assert_eq!(ask_tcp(&mut tcp, &message(command)), message(command));
    }
    assert_eq!(server.counters().panics, 1);
}

#[test]
fn what_becomes_ready_together_is_answered_in_that_order_and_one_that_panics_takes_none_with_it() {
    let server = start(alone(&LEGS));
    let (udp, mut tcp) = (server.udp(0), server.tcp(1));
    let from_udp: Vec<_> = (0..500).map(|n| message(&format!("together-1000-{n}"))).collect();
    let (mut from_tcp, mut expected) = (Vec::new(), Vec::new());
    for n in 0..500 {
        let command = if n == 250 { "breaks" } else { "together" };
        from_tcp.extend(message(&format!("{command}-1000-{n}")));
        if n != 250 {
            expected.extend(message(&format!("{command}-1000-{n}")));
        }
    }
    from_udp.iter().for_each(|message| assert_eq!(udp.send(message).unwrap(), message.len()));
    tcp.write_all(&from_tcp).unwrap();
    assert!(read_exactly(&mut tcp, expected.len()) == expected, "in another order");
    for message in &from_udp {
        let mut buffer = [0; 200];
        let length = udp.recv(&mut buffer).unwrap();
        assert!(buffer[..length] == **message, "in another order");
    }
    let counters = server.counters();
    assert_eq!((counters.pending_started, counters.panics), (1000, 1));
}

#[test]
fn a_connection_whose_peer_has_ended_it_is_closed_when_the_last_of_its_pending_work_has_ended() {
    let server = start(alone(&LEGS));
    let (udp, mut tcp) = (server.udp(0), server.tcp(1));
    tcp.write_all(&message("together-3").repeat(2)).unwrap();
    tcp.shutdown(Shutdown::Write).unwrap();
    server.next_message();
    server.next_message();
    // Served after the end of the stream was read, or before: it is closed only when all is answered.
    assert_eq!(ask_udp(&udp, &message("together-3")), message("together-3"));
    assert_eq!(read_to_end(&mut tcp), message("together-3").repeat(2));
    server.closed_by(CloseCause::Peer);
}

#[test]
fn a_connection_whose_peer_has_ended_it_is_closed_when_what_was_promised_has_been_sent() {
    let server = start(alone(&LEGS));
    let mut tcp = server.tcp(1);
    tcp.write_all(&message("promised").repeat(2)).unwrap();
    tcp.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_to_end(&mut tcp), message("promised").repeat(2));
    server.closed_by(CloseCause::Peer);
}

#[test]
fn too_much_pending_work_is_dropped_and_counted() {
    let mut config = alone(&LEGS);
    config.pending = 2;
    let server = start(config);
    let mut tcp = server.tcp(1);
    for command in ["never", "never", "never", "later"] {
        tcp.write_all(&message(command)).unwrap();
    }
    tcp.write_all(&message("hello")).unwrap();
    assert_eq!(read_exactly(&mut tcp, message("hello").len()), message("hello"));
    let counters = server.counters();
    assert_eq!((counters.pending_started, counters.pending_dropped), (2, 2));
}
