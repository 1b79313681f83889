//! `registrar load`, gently and on the loopback addresses.

use std::net::UdpSocket;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::{good, run_as, values};
use crate::harness::{Guarded, Process, Registrar, command, contacts_of, secure_leg, secured};

const USER: [&str; 2] = ["--user", "load{n}@example.com"];

fn loaded(uri: &str, args: &[&str]) -> Value {
    let mut values = values(&[&["load", uri], &USER[..], args].concat());
    assert_eq!(values.len(), 1);
    values.remove(0)
}

#[test]
fn it_keeps_its_rate_and_takes_its_bindings_away() {
    let registrar = Registrar::start();
    for uri in [format!("sip:{}", registrar.udp()), format!("sip:{};transport=tcp", registrar.tcp())] {
        let args = ["--users", "10", "--rate", "200", "--duration", "0.5", "--churn", "10", "--connections", "3"];
        let report = loaded(&uri, &args);
        // 100 are due in half a second, whatever this machine is busy with; whoever was still waited for is passed over.
        let (started, held) = (report["started"].as_u64().unwrap(), report["held_back"].as_u64().unwrap());
        assert_eq!(started + held, 100, "{report:#}");
        assert_eq!(report["done"], report["started"], "{report:#}");
        assert_eq!((&report["left"], &report["unfinished"], &report["timed_out"]), (&0.into(), &0.into(), &0.into()));
        assert_eq!(
            (&report["wrong"], &report["errors"]),
            (&serde_json::json!({}), &serde_json::json!({})),
            "{report:#}"
        );
        let of = |kind: &str| report["latency"][kind]["count"].as_u64().unwrap();
        assert_eq!(of("new") + of("refresh") + of("remove"), started, "{report:#}");
        assert!(of("new") >= 10 && of("remove") > 0 && of("refresh") > of("remove"), "{report:#}");
        assert_eq!(report["statuses"]["200"], report["requests"], "{report:#}");
        assert_eq!(contacts_of(registrar.udp(), "sip:load3@example.com"), Vec::<String>::new());
    }
}

#[test]
fn bindings_may_stay() {
    let registrar = Registrar::start();
    let args = ["--users", "2", "--rate", "50", "--duration", "0.1", "--keep"];
    let report = loaded(&format!("sip:{}", registrar.udp()), &args);
    assert_eq!(report["left"], 2, "{report:#}");
    assert_eq!(contacts_of(registrar.udp(), "sip:load1@example.com").len(), 1);
}

#[test]
fn users_prove_who_they_are_and_use_a_nonce_again() {
    let registrar = Guarded::start("");
    let uri = format!("sip:{}", registrar.udp());
    let args =
        ["load", &uri, "--user", "alice@example.com", "--users", "1", "--rate", "50", "--duration", "0.3", "--json"];
    let finished = run_as(&args, |command| {
        command.env("REGISTRAR_PASSWORD", "secret-of-alice");
    });
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let report: Value = serde_json::from_str(&finished.out).unwrap();
    assert_eq!((&report["statuses"]["401"], &report["refused"]), (&1.into(), &0.into()), "{report:#}");
    assert!(report["done"].as_u64().unwrap() > 5 && report["done"] == report["started"], "{report:#}");
    let denied = loaded(&uri, &["--rate", "50", "--duration", "0.1"]);
    assert_eq!((&denied["refused"], &denied["done"]), (&denied["started"], &0.into()), "{denied:#}");
}

#[test]
fn it_speaks_tls() {
    let (registrar, room) = secured("");
    let port = secure_leg(&registrar, true).addr.port();
    let uri = format!("sips:localhost:{port}");
    let args =
        ["--ca", &room.path("own.pem"), "--rate", "50", "--duration", "0.2", "--users", "4", "--connections", "2"];
    let report = loaded(&uri, &args);
    assert_eq!((&report["done"], &report["left"]), (&report["started"], &0.into()), "{report:#}");
    assert!(report["done"].as_u64().unwrap() > 0, "{report:#}");
}

/// A silent registrar: nothing it is sent is answered before `pause` is over, and then all of it at once.
#[test]
fn a_registrar_that_stops_cannot_hide_it() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let uri = format!("sip:{}", socket.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let mut waiting = Vec::new();
        let mut buffer = [0; 4096];
        socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let mut first = None;
        while let Ok((n, from)) = socket.recv_from(&mut buffer) {
            waiting.push((String::from_utf8(buffer[..n].to_vec()).unwrap(), from));
            let since = *first.get_or_insert_with(std::time::Instant::now);
            if since.elapsed() > Duration::from_millis(300) {
                for (request, from) in waiting.drain(..) {
                    let answer = request.replacen("REGISTER sip:example.com SIP/2.0", "SIP/2.0 200 OK", 1);
                    let answer = answer.replace(">\r\nExpires", ">;expires=60\r\nExpires");
                    socket.send_to(answer.as_bytes(), from).unwrap();
                }
            }
        }
    });
    let report = loaded(&uri, &["--users", "100", "--rate", "100", "--duration", "0.5", "--keep"]);
    answering.join().unwrap();
    assert_eq!((&report["done"], &report["started"]), (&50.into(), &50.into()), "{report:#}");
    let new = &report["latency"]["new"];
    // Those that were due in the pause waited 150 ms in the middle, whoever was first all of it.
    assert!(new["max"].as_f64().unwrap() >= 300.0 && new["p50"].as_f64().unwrap() >= 50.0, "{report:#}");
}

#[test]
fn wrong_answers_are_counted_and_shown() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let uri = format!("sip:{}", socket.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // It ends with the process of the test. Every request is answered with its own contact, and for too long.
        while let Ok((n, from)) = socket.recv_from(&mut buffer) {
            let request = String::from_utf8(buffer[..n].to_vec()).unwrap();
            let answer = request.replacen("REGISTER sip:example.com SIP/2.0", "SIP/2.0 200 OK", 1);
            let answer = answer.replace(">\r\nExpires", ">;expires=9999\r\nExpires");
            socket.send_to(answer.as_bytes(), from).unwrap();
        }
    });
    let args = [&["load", &uri], &USER[..], &["--users", "2", "--rate", "20", "--duration", "0.2"]].concat();
    let finished = run_as(&args, |_| {});
    assert_eq!(finished.code, Some(65), "{finished:?}");
    assert!(
        finished.out.contains("WRONG longer-than-asked: 4 times, the first: 9999 s are granted for 60"),
        "{finished:?}"
    );
    assert!(finished.out.contains("WRONG not-removed: 2 times"), "{finished:?}");
}

#[test]
fn where_nobody_answers_it_says_so() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let uri = format!("sip:{}", silent.local_addr().unwrap());
    let args = ["load", &uri, "--rate", "20", "--duration", "0.2", "--timeout", "0.6", "--json"];
    let finished = run_as(&args, |_| {});
    assert_eq!(finished.code, Some(69), "{finished:?}");
    let report: Value = serde_json::from_str(&finished.out).unwrap();
    assert_eq!(
        (&report["timed_out"], &report["started"], &report["repeated"]),
        (&4.into(), &4.into(), &4.into()),
        "{report:#}"
    );
    let refused = run_as(&["load", "sip:127.0.0.1:1;transport=tcp"], |_| {});
    assert_eq!(refused.code, Some(69), "{refused:?}");
    let nameless = run_as(&["load", "sip:registrar.invalid"], |_| {});
    assert_eq!(nameless.code, Some(68), "{nameless:?}");
}

#[test]
fn an_interrupt_ends_it_with_its_report() {
    let registrar = Registrar::start();
    let uri = format!("sip:{}", registrar.udp());
    let mut command = command();
    command.args(["load", &uri, "--duration", "600", "--users", "5"]).args(USER);
    let process = Process::start(&mut command);
    crate::harness::wait_until_contacts(registrar.udp(), "sip:load4@example.com", |contacts| contacts.len() == 1);
    process.signal(Signal::SIGINT);
    let finished = process.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.out.contains("left there ") && finished.out.contains("MILLISECONDS"), "{finished:?}");
}

#[test]
fn for_people_it_is_a_table() {
    let registrar = Registrar::start();
    let uri = format!("sip:{}", registrar.udp());
    let text = good(&[&["load", &uri, "--rate", "50", "--duration", "0.1"], &USER[..]].concat());
    for wanted in [
        "  started    5 in 0.1 s: 50.0/s of 50.0/s\n",
        "  refused    0\n",
        "MILLISECONDS  COUNT",
        "new               5",
    ] {
        assert!(text.contains(wanted), "{wanted:?}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "{text:?}");
}
