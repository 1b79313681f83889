//! How it ends.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::{Phone, Registrar, Request};

/// What the issue of the drain allows: it is gone within five seconds.
const AT_MOST: Duration = Duration::from_secs(5);

#[test]
fn what_was_sent_before_sigterm_is_answered() {
    let registrar = Registrar::start();
    let mut known = Phone::tcp(registrar.tcp());
    known.ask(&Request::register("sip:alice@example.com"));
    // It stands still while the requests arrive, so that it finds all of them and the signal together.
    registrar.signal(Signal::SIGSTOP);
    let mut phones = vec![(known, 200), (Phone::tcp(registrar.tcp()), 200)];
    phones.extend((0..10).map(|_| (Phone::udp(registrar.udp()), 10)));
    for (number, (phone, count)) in phones.iter_mut().enumerate() {
        for user in 0..*count {
            let register = Request::register(&format!("sip:user-{number}-{user}@example.com"));
            let text = phone.text(&register.contact("<sip:somebody@127.0.0.1:7777>"));
            phone.send(text.as_bytes());
        }
    }
    registrar.signal(Signal::SIGTERM);
    let told = Instant::now();
    registrar.signal(Signal::SIGCONT);
    for (phone, count) in &mut phones {
        for _ in 0..*count {
            assert_eq!(phone.receive().contacts().len(), 1);
        }
        if matches!(phone, Phone::Tcp { .. }) {
            phone.wait_for_close();
        }
    }
    let finished = registrar.finish();
    assert!(told.elapsed() < AT_MOST, "{:?}", told.elapsed());
    assert_eq!(finished.code, Some(0), "{}", finished.err);
    assert!(finished.err.contains("stopped") && !finished.err.contains("WARN"), "{}", finished.err);
}

/// A connection whose peer asks and asks and takes no answer, until the registrar takes no more questions.
fn stuck_peer(registrar: &Registrar) -> TcpStream {
    let mut phone = Phone::tcp(registrar.tcp());
    let long = "x".repeat(200);
    let contacts: Vec<_> = (0..10).map(|n| format!("<sip:{n}{long}@127.0.0.1:7777>")).collect();
    let register = Request::register("sip:busy@example.com").contact(&contacts.join(", "));
    assert_eq!(phone.ask(&register).contacts().len(), 10);
    let questions: String = (0..50).map(|_| phone.text(&Request::register("sip:busy@example.com"))).collect();
    let Phone::Tcp { mut stream, .. } = phone else { panic!("a phone over TCP") };
    stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    loop {
        match stream.write_all(questions.as_bytes()) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return stream,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_peer_that_takes_no_answers_does_not_hold_it_beyond_its_time() {
    let registrar = Registrar::start();
    let _stuck = stuck_peer(&registrar);
    let told = Instant::now();
    registrar.signal(Signal::SIGTERM);
    let finished = registrar.finish();
    assert!(told.elapsed() < AT_MOST, "{:?}", told.elapsed());
    assert_eq!(finished.code, Some(0));
    assert!(finished.err.contains("not everything could be finished in time"), "{}", finished.err);
}

#[test]
fn a_second_sigterm_ends_it_at_once() {
    let mut registrar = Registrar::start();
    let _stuck = stuck_peer(&registrar);
    let told = Instant::now();
    registrar.signal(Signal::SIGTERM);
    registrar.wait_for("draining");
    registrar.signal(Signal::SIGTERM);
    let finished = registrar.finish();
    // The drain alone would take four seconds.
    assert!(told.elapsed() < Duration::from_secs(3), "{:?}", told.elapsed());
    assert_eq!(finished.code, Some(0));
    assert!(finished.err.contains("not everything could be finished in time"), "{}", finished.err);
}

#[test]
fn sigint_ends_it_as_sigterm_does() {
    let registrar = Registrar::start();
    registrar.signal(Signal::SIGINT);
    let finished = registrar.finish();
    assert_eq!(finished.code, Some(0));
    assert!(finished.err.contains("draining") && finished.err.contains("stopped"), "{}", finished.err);
}

#[test]
fn sighup_does_not_end_it() {
    let mut registrar = Registrar::start();
    let mut phone = Phone::tcp(registrar.tcp());
    phone.ask(&Request::register("sip:alice@example.com").contact("<sip:alice@127.0.0.1:7777>"));
    registrar.signal(Signal::SIGHUP);
    registrar.wait_for("SIGHUP");
    assert_eq!(phone.ask(&Request::register("sip:alice@example.com")).contacts().len(), 1);
    registrar.stop();
}
