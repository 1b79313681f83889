//! `registrar watch`.

use nix::sys::signal::Signal;

use super::fake::Fake;
use super::{good, run, values};
use crate::harness::{Process, command};

/// What it prints of the events of the fake API.
const PICTURE: &str = "\
03:30:01  registered    sip:alice@example.com  <sip:alice@192.0.2.7>  for 3600 s  from 192.0.2.7:5060 over udp  baresip v3.1.0
5 events were missed: they came faster than they were read
03:30:01  refused       sip:alice@example.com  401  wrong-password  from 192.0.2.7:5060 over udp  baresip v3.1.0
03:30:01  expired       sip:alice@example.com  <sip:alice@192.0.2.7>  from 192.0.2.7:5060 over udp  baresip v3.1.0
";

#[test]
fn events_are_a_line_each_as_the_documents_show() {
    let fake = Fake::start();
    let text = good(&["watch", "--count", "3", "--socket", &fake.socket]);
    assert_eq!(text, PICTURE);
    let documents = include_str!("../../../../../docs/commands.md");
    assert!(documents.contains(&format!("```text\n{PICTURE}```")), "the picture in the documents is another");
}

#[test]
fn events_are_json_lines_for_scripts() {
    let fake = Fake::start();
    let values = values(&["watch", "--count", "2", "--socket", &fake.socket]);
    assert_eq!(values.len(), 3);
    assert_eq!(
        (&values[0]["kind"], &values[1]["missed"], &values[2]["status"]),
        (&"registered".into(), &5.into(), &401.into())
    );
}

#[test]
fn what_is_watched_for_is_asked_for() {
    let fake = Fake::start();
    let args =
        ["--kind", "lost", "--kind", "backend-down", "--domain", "example.com", "--address", "alice@example.com"];
    good(&[&["watch", "--count", "1", "--socket", &fake.socket], &args[..]].concat());
    let query = "kinds=lost%2Cbackend-down&domain=example.com&aor=sip%3Aalice%40example.com";
    assert_eq!(fake.paths(), [format!("GET /api/v1/events?{query}")]);
    let unknown = run(&["watch", "--kind", "gone", "--socket", &fake.socket]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("the kinds are registered, refreshed"), "{unknown:?}");
}

#[test]
fn the_end_of_the_registrar_is_told() {
    let fake = Fake::start();
    let ended = run(&["watch", "--socket", &fake.socket]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(69), PICTURE), "{ended:?}");
    assert!(ended.err.contains("the registrar has ended"), "{ended:?}");
}

#[test]
fn whoever_has_seen_enough_ends_it() {
    let fake = Fake::start();
    let mut process = Process::start(
        std::process::Command::new("sh")
            .args(["-c", &format!("{} watch --socket {} | head -n 1", env!("CARGO_BIN_EXE_registrar"), fake.socket)]),
    );
    process.wait_for("registered");
    let finished = process.finish();
    assert_eq!((finished.code, finished.out.lines().count()), (Some(0), 1), "{finished:?}");
}

#[test]
fn an_interrupt_ends_it_well() {
    let room = crate::harness::Room::new();
    let socket = room.path("admin.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let mut process = Process::start(command().args(["watch", "--socket", &socket]));
    let (mut stream, _) = listener.accept().unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(stream.try_clone().unwrap()));
    lines.map_while(Result::ok).find(String::is_empty).expect("the end of the request");
    // The answer begins, and then nothing happens.
    std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:\n\n").unwrap();
    process.wait_for("watching");
    process.signal(Signal::SIGINT);
    assert_eq!(process.finish().code, Some(0));
}
