use std::time::Instant;

use crate::harness::{PATIENCE, alone, ask_udp, config, message, start};

#[test]
fn sockets_are_served_between_ticks_that_never_end() {
    let server = start(alone(&["udp:127.0.0.1:0"]));
    let client = server.udp(0);
    assert_eq!(ask_udp(&client, &message("more")), message("more"));
    for _ in 0..50 {
        assert_eq!(ask_udp(&client, &message("hello")), message("hello"));
    }
}

#[test]
fn a_tick_that_panics_is_counted_and_others_follow() {
    let server = start(alone(&["udp:127.0.0.1:0"]));
    let client = server.udp(0);
    for n in 1..=2 {
        assert_eq!(ask_udp(&client, &message("bad-tick")), message("bad-tick"));
        while server.counters().panics < n {
            assert_eq!(ask_udp(&client, &message("hello")), message("hello"));
        }
    }
}

#[test]
fn every_worker_has_a_pulse() {
    let server = start(config(&["udp:127.0.0.1:0"]));
    let deadline = Instant::now() + PATIENCE;
    while server.pulses().iter().any(|pulse| *pulse < 3) {
        assert!(Instant::now() < deadline, "{:?}", server.pulses());
        std::thread::yield_now();
    }
    assert_eq!(server.pulses().len(), 2);
}
