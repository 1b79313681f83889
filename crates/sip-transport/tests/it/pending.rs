use std::io::Write;

use crate::harness::{alone, ask_tcp, ask_udp, message, read_exactly, start};

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
