//! sipsak, judged by its exit code: 0 is a 200.

mod auth;

use std::process::Command;

use crate::harness::{Finished, Process, Registrar, contacts_of};

fn sipsak(args: &[&str]) -> Finished {
    Process::start(Command::new("sipsak").args(args)).finish()
}

fn succeeds(args: &[&str]) -> String {
    let finished = sipsak(args);
    assert_eq!(finished.code, Some(0), "{args:?}: {finished:?}");
    finished.out
}

#[test]
fn it_registers_refreshes_asks_and_unregisters() {
    // It closes its connection after each request.
    let registrar = Registrar::configured("[flows]\nfollow = false");
    for (transport, leg) in [("udp", registrar.udp()), ("tcp", registrar.tcp())] {
        let user = format!("sip:{transport}@{leg}");
        let (aor, proxy) = (format!("sip:{transport}@127.0.0.1"), leg.to_string());
        let usrloc = ["-U", "-i", "-vvv", "-E", transport, "-s", &aor, "-p", &proxy];
        let run = |more: &[&str]| succeeds(&[&usrloc, more].concat());

        let out = run(&["-C", "sip:desk@127.0.0.1:7777", "-x", "60"]);
        assert!(out.contains("SIP/2.0 200 OK") && out.contains("All usrloc tests completed successful"), "{out}");
        let contacts = contacts_of(registrar.udp(), &user);
        assert!(contacts.len() == 1 && contacts[0].contains("sip:desk@127.0.0.1:7777"), "{contacts:?}");

        // The same contact again, with another Call-ID, is the same binding.
        run(&["-C", "sip:desk@127.0.0.1:7777", "-x", "200"]);
        let contacts = contacts_of(registrar.udp(), &user);
        assert!(contacts.len() == 1 && !contacts[0].contains(";expires=60"), "{contacts:?}");

        let out = run(&["-C", "empty"]);
        assert!(out.contains("sip:desk@127.0.0.1:7777"), "{out}");

        run(&["-C", "sip:cell@127.0.0.1:7778", "-x", "60"]);
        assert_eq!(contacts_of(registrar.udp(), &user).len(), 2);
        run(&["-C", "sip:desk@127.0.0.1:7777", "-x", "0"]);
        assert_eq!(contacts_of(registrar.udp(), &user).len(), 1);
        run(&["-C", "*", "-x", "0"]);
        assert!(contacts_of(registrar.udp(), &user).is_empty());
    }
    registrar.stop();
}

#[test]
fn it_is_told_when_it_asks_for_too_little() {
    let registrar = Registrar::start();
    let proxy = registrar.udp().to_string();
    // 15 s is what it asks for by itself, and min_expires is 30.
    let finished =
        sipsak(&["-U", "-i", "-vvv", "-s", "sip:alice@127.0.0.1", "-p", &proxy, "-C", "sip:desk@127.0.0.1:7777"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let said = finished.out + &finished.err;
    assert!(said.contains("423 Interval Too Brief") && said.contains("Min-Expires: 30"), "{said}");
    registrar.stop();
}

#[test]
fn its_ping_is_answered() {
    let registrar = Registrar::start();
    for (transport, leg) in [("udp", registrar.udp()), ("tcp", registrar.tcp())] {
        let out = succeeds(&["-vvv", "-E", transport, "-s", &format!("sip:{leg}")]);
        assert!(out.contains("SIP/2.0 200 OK") && out.contains("Allow: REGISTER, OPTIONS"), "{out}");
    }
    registrar.stop();
}

#[test]
fn the_line_that_the_registrar_prints_at_its_start_registers() {
    for leg in ["udp:127.0.0.1:0", "tcp:127.0.0.1:0", "udp:0.0.0.0:0"] {
        let mut registrar = Registrar::run(&["--listen", leg]);
        let line = registrar.wait_for("or: sipsak ");
        let (_, args) = line.split_once("sipsak ").unwrap();
        let args: Vec<_> = args.split_whitespace().collect();
        let out = succeeds(&args);
        assert!(out.contains("completed successful"), "{out}");
        registrar.stop();
    }
}
