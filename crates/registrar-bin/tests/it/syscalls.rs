//! How often a request makes the program ask the kernel for something.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{Phone, Process, Registrar, Request, Room};

/// How often a worker that nobody asks anything wakes for its timers: three waits for each tick of 100 ms.
const IDLE_WAITS_PER_SECOND: f64 = 30.0;

/// System calls by their names, of a registrar that was asked so often, and how long that took.
fn counted(requests: u32, over_udp: bool) -> (BTreeMap<String, u64>, Duration) {
    let room = Room::new();
    let (counts, program) = (room.path("counts"), env!("CARGO_BIN_EXE_registrar"));
    let text = "listen = ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0']\nlocation.mode = 'memory'\nworkers = 1\n";
    let file = room.file("registrar.toml", text);
    let mut strace = std::process::Command::new("strace");
    strace.args(["-f", "-c", "-U", "name,calls", "-o", &counts, program, "serve", "--config", &file]);
    let registrar = Registrar::from_process(Process::start(&mut strace));
    let mut phone = if over_udp { Phone::udp(registrar.udp()) } else { Phone::tcp(registrar.tcp()) };
    let mut request = Request::register("sip:alice@example.com").contact("<sip:alice@192.0.2.7>");
    let began = Instant::now();
    for _ in 0..requests {
        assert_eq!(phone.ask(&request).status(), 200);
        request = request.again();
    }
    let took = began.elapsed();
    drop(phone);
    // What strace has started is its one child.
    let strace = registrar.pid();
    let children = fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).unwrap();
    let child = Pid::from_raw(children.trim().parse().unwrap());
    kill(child, Signal::SIGTERM).unwrap();
    assert_eq!(registrar.finish().code, Some(0));
    let table = fs::read_to_string(counts).unwrap();
    let rows = table.lines().filter_map(|line| {
        let (name, calls) = line.trim().split_once(char::is_whitespace)?;
        Some((name.to_owned(), calls.trim().parse().ok()?))
    });
    (rows.filter(|(name, _)| name != "total").collect(), took)
}

/// What a request takes more, of each kind: the difference of two runs, less what timers take in the time by which one took
/// longer than the other, which on a busy machine is half a minute. They tick while there is work, too, so that it is not exact.
fn each(over_udp: bool) -> BTreeMap<String, f64> {
    let ((few, briefly), (many, long)) = (counted(500, over_udp), counted(2500, over_udp));
    let idle = (long.as_secs_f64() - briefly.as_secs_f64()) * IDLE_WAITS_PER_SECOND;
    let more = |(name, n): (&String, &u64)| {
        let before = few.get(name).copied().unwrap_or(0);
        let timers = if name == "epoll_wait" { idle } else { 0.0 };
        (name.clone(), (*n as f64 - before as f64 - timers) / 2000.0)
    };
    many.iter().map(more).filter(|(_, n)| *n > 0.02).collect()
}

#[test]
fn a_request_that_comes_alone_is_read_answered_and_waited_for_and_nothing_else() {
    for (over_udp, reads, writes) in [(true, "recvmmsg", "sendmmsg"), (false, "recvfrom", "sendto")] {
        let each = each(over_udp);
        let of = |name: &str| each.get(name).copied().unwrap_or(0.0);
        let all: f64 = each.values().sum();
        assert!([reads, writes].iter().all(|name| (0.9..1.1).contains(&of(name))), "{each:?}");
        // Three, and what timers and datagrams that gather add where others take the processors. One more for each would be four.
        assert!(all < 3.8, "{all} calls for a request: {each:?}");
    }
}
