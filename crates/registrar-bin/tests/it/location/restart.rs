//! A registrar that comes back.

use std::fs;

use nix::sys::signal::Signal;

use super::Table;
use crate::harness::{PATIENCE, Phone, Registrar, Request, command, contacts_of};

const ALICE: &str = "sip:alice@example.com";
const BOB: &str = "sip:bob@example.com";

fn register(registrar: &Registrar, aor: &str, seconds: u32) -> Request {
    let contact = format!("<sip:{}@192.0.2.1:5060>;q=0.5", &aor[4..7]);
    let request = Request::register(aor).contact(&contact).expires(seconds);
    assert_eq!(Phone::udp(registrar.udp()).ask(&request).status(), 200);
    request
}

/// The one contact and its seconds.
fn binding(registrar: &Registrar, aor: &str) -> (String, u32) {
    let contacts = contacts_of(registrar.udp(), aor);
    let [contact] = &contacts[..] else { panic!("{contacts:?}") };
    let (contact, seconds) = contact.split_once(";expires=").unwrap();
    (contact.to_owned(), seconds.parse().unwrap())
}

fn killed(registrar: Registrar) {
    registrar.signal(Signal::SIGKILL);
    assert_eq!(registrar.finish().code, None);
}

#[test]
fn bindings_outlive_a_stop_and_a_kill_with_all_they_were_registered_with() {
    let table = Table::new();
    let registrar = table.serve();
    let first = register(&registrar, ALICE, 250);
    let (contact, granted) = binding(&registrar, ALICE);
    assert_eq!(contact, "<sip:ali@192.0.2.1:5060>;q=0.5");
    registrar.stop();

    let registrar = table.serve();
    let (same, left) = binding(&registrar, ALICE);
    assert!(same == contact && left <= granted && left > granted - 60, "{left} of {granted}");
    // Its Call-ID and CSeq are known as well: what came before is old.
    let older = Request { cseq: 0, ..first };
    assert_ne!(Phone::udp(registrar.udp()).ask(&older).status(), 200);
    register(&registrar, BOB, 250);
    killed(registrar);

    let registrar = table.serve();
    assert_eq!((binding(&registrar, ALICE).0, binding(&registrar, BOB).0.len()), (contact.clone(), contact.len()));
    let said = registrar.stop().err;
    assert!(said.contains("loaded bindings") && said.contains("bindings=2"), "{said}");
    assert!(said.contains("nothing that was acknowledged is missing"), "{said}");
    let said = table.serve().stop().err;
    assert!(!said.contains("it was not closed"), "{said}");
}

#[test]
fn what_was_removed_stays_away() {
    let table = Table::new();
    let registrar = table.serve();
    let request = register(&registrar, ALICE, 250);
    let remove = request.next().contact("*").expires(0);
    assert_eq!(Phone::udp(registrar.udp()).ask(&remove).contacts(), [""; 0]);
    killed(registrar);
    let registrar = table.serve();
    assert_eq!(contacts_of(registrar.udp(), ALICE), [""; 0]);
    registrar.stop();
}

#[test]
fn what_expires_while_nobody_serves_is_gone() {
    let table = Table::new();
    let brief = "[registrar]\nmin_expires = 1\njitter = 0";
    let registrar = table.serve_with(brief);
    register(&registrar, BOB, 250);
    register(&registrar, ALICE, 1);
    killed(registrar);
    let deadline = std::time::Instant::now() + PATIENCE;
    while !table.done(&["verify"], "").out.contains("  bindings   1, and 1 that") {
        assert!(std::time::Instant::now() < deadline);
    }
    let registrar = table.serve_with(brief);
    assert_eq!(contacts_of(registrar.udp(), ALICE), [""; 0]);
    assert_eq!(binding(&registrar, BOB).0, "<sip:bob@192.0.2.1:5060>;q=0.5");
    let said = registrar.stop().err;
    assert!(said.contains("bindings=1") && said.contains("expired=1"), "{said}");
}

#[test]
fn in_memory_nothing_is_written_and_nothing_outlives_it() {
    let table = Table::new();
    let memory = ["--listen", "udp:127.0.0.1:0", "--location", "memory"];
    let mut process = command();
    process.env("STATE_DIRECTORY", &table.directory).args(memory);
    let registrar = Registrar::from_process(crate::harness::Process::start(&mut process));
    register(&registrar, ALICE, 250);
    assert!(!fs::exists(&table.directory).unwrap());
    let banner = registrar.stop().out;
    assert!(banner.contains("  location   in memory, lost when it ends\n"), "{banner}");
}

#[test]
fn delayed_answers_at_once_and_a_stop_loses_nothing() {
    let table = Table::new();
    let delayed = "mode = 'delayed'\ninterval = 60000";
    let registrar = table.serve_with(delayed);
    register(&registrar, ALICE, 250);
    let finished = registrar.stop();
    assert!(finished.out.contains("answered at once, on disk within 60 s"), "{}", finished.out);
    let registrar = table.serve_with(delayed);
    assert_eq!(binding(&registrar, ALICE).0, "<sip:ali@192.0.2.1:5060>;q=0.5");
    registrar.stop();
}

#[test]
fn a_file_of_somebody_else_is_refused_and_stays_as_it_is() {
    let table = Table::new();
    fs::create_dir(&table.directory).unwrap();
    let theirs = vec![7; 100_000];
    fs::write(table.file(), &theirs).unwrap();
    let mut serve = command();
    serve.args(["--listen", "udp:127.0.0.1:0", "--data-dir", &table.directory]);
    let finished = crate::harness::Process::start(&mut serve).finish();
    assert_eq!((finished.code, finished.out.as_str()), (Some(65), ""), "{}", finished.err);
    assert!(finished.err.contains(&table.file()), "{}", finished.err);
    assert_eq!(table.bytes().unwrap(), theirs);
}
