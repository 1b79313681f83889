//! `registrar probe`, at registrars that are right and at some that are not.

use std::net::{SocketAddr, UdpSocket};
use std::thread;

use serde_json::Value;

use super::{run, run_as};
use crate::harness::{Finished, Guarded, Registrar, contacts_of, secure_leg, secured};

/// What it reports, and its exit code.
fn probed(uri: &str, args: &[&str], password: Option<&str>) -> (Value, Option<i32>) {
    let all = [&["probe", uri, "--json", "--user", "alice@example.com"], args].concat();
    let finished = run_as(&all, |command| {
        if let Some(password) = password {
            command.env("REGISTRAR_PASSWORD", password);
        }
    });
    (serde_json::from_str(&finished.out).unwrap_or_else(|error| panic!("{error}: {finished:?}")), finished.code)
}

fn steps(report: &Value) -> Vec<(&str, bool)> {
    let steps = report["steps"].as_array().unwrap().iter();
    steps.map(|step| (step["name"].as_str().unwrap(), step["ok"].as_bool().unwrap())).collect()
}

fn findings(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// The text of the step of this name.
fn said<'a>(report: &'a Value, name: &str) -> &'a str {
    let mut steps = report["steps"].as_array().unwrap().iter();
    steps.find(|step| step["name"] == name).unwrap()["says"].as_str().unwrap()
}

#[test]
fn it_registers_says_each_step_and_leaves_nothing_behind() {
    let registrar = Registrar::start();
    for addr in [registrar.udp(), registrar.leg(true, false)] {
        let (report, code) = probed(&format!("sip:{addr}"), &[], None);
        assert_eq!((code, &report["verdict"]), (Some(0), &"right".into()), "{report:#}");
        let wanted = ["resolve", "connect", "grant", "look", "remove"].map(|name| (name, true));
        assert_eq!(steps(&report), wanted);
        assert_eq!(findings(&report), Vec::<&str>::new());
        let granted = report["granted"].as_u64().unwrap();
        assert!((30..=60).contains(&granted), "{granted}");
        assert_eq!(said(&report, "look"), "200 OK: 1 contacts");
    }
    assert_eq!(contacts_of(registrar.udp(), "sip:alice@example.com"), Vec::<String>::new());
}

#[test]
fn streams_are_probed_too() {
    let registrar = Registrar::start();
    let (report, code) = probed(&format!("sip:{};transport=tcp", registrar.tcp()), &[], None);
    assert_eq!(code, Some(0), "{report:#}");
    let (registrar, room) = secured("");
    let port = secure_leg(&registrar, true).addr.port();
    let ca = room.path("own.pem");
    for uri in [format!("sip:localhost:{port};transport=tls"), format!("sips:localhost:{port}")] {
        let (report, code) = probed(&uri, &["--ca", &ca], None);
        assert_eq!(code, Some(0), "{report:#}");
        assert!(said(&report, "connect").contains("TLSv1_3"), "{report:#}");
    }
    // The system's authorities do not know the certificate.
    let (report, code) = probed(&format!("sips:localhost:{port}"), &[], None);
    assert_eq!((code, &report["verdict"]), (Some(69), &"unreachable".into()), "{report:#}");
    assert!(said(&report, "connect").contains("certificate"), "{report:#}");
}

#[test]
fn a_password_is_proved_by_each_algorithm() {
    for algorithm in ["MD5", "SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess"] {
        let registrar = Guarded::start(&format!("algorithms = ['{algorithm}']"));
        let uri = format!("sip:{}", registrar.udp());
        let (report, code) = probed(&uri, &[], Some("secret-of-alice"));
        assert_eq!(code, Some(0), "{report:#}");
        let challenge = said(&report, "challenge");
        assert!(challenge.contains(&format!("realm \"example.com\", algorithms {algorithm}, qop auth")), "{challenge}");
        assert_eq!(registrar.contacts_of("sip:alice@example.com"), Vec::<String>::new());
    }
}

#[test]
fn a_missing_and_a_wrong_password_are_told_apart() {
    let registrar = Guarded::start("");
    let uri = format!("sip:{}", registrar.udp());
    let (report, code) = probed(&uri, &[], None);
    assert_eq!((code, &report["verdict"]), (Some(77), &"wants-password".into()), "{report:#}");
    let (report, code) = probed(&uri, &[], Some("guess"));
    assert_eq!((code, &report["verdict"]), (Some(77), &"wrong-password".into()), "{report:#}");
    assert_eq!(steps(&report).last(), Some(&("grant", false)));
    let (report, code) = probed(&uri, &["--auth-user", "bob"], Some("secret-of-bob"));
    assert_eq!((code, &report["verdict"]), (Some(65), &"refused".into()), "{report:#}");
    assert!(said(&report, "grant").starts_with("403 "), "{report:#}");
}

#[test]
fn a_longer_interval_is_asked_for_if_it_must_be() {
    let registrar = Registrar::start();
    let (report, code) = probed(&format!("sip:{}", registrar.udp()), &["--expires", "5"], None);
    assert_eq!((code, &report["granted"]), (Some(0), &30.into()), "{report:#}");
    assert!(said(&report, "interval").contains("at least 30 s"), "{report:#}");
}

#[test]
fn nobody_there_and_no_such_name_have_codes_of_their_own() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let uri = format!("sip:{}", silent.local_addr().unwrap());
    let (report, code) = probed(&uri, &["--timeout", "0.6"], None);
    assert_eq!((code, &report["verdict"]), (Some(69), &"unreachable".into()), "{report:#}");
    assert!(said(&report, "register").contains("no answer within 0.6 s"), "{report:#}");
    assert_eq!(findings(&report), ["lost-datagrams"]);
    let (report, code) = probed("sip:registrar.invalid", &[], None);
    assert_eq!((code, &report["verdict"]), (Some(68), &"no-address".into()), "{report:#}");
    let wrong = run(&["probe", "sip:alice@example.com", "--user", "alice"]);
    assert_eq!(wrong.code, Some(64), "{wrong:?}");
}

#[test]
fn for_people_each_step_is_a_line() {
    let registrar = Guarded::start("");
    let uri = format!("sip:{}", registrar.udp());
    let Finished { code, out, .. } = run_as(&["probe", &uri, "--user", "alice@example.com"], |command| {
        command.env("REGISTRAR_PASSWORD", "secret-of-alice");
    });
    assert_eq!(code, Some(0), "{out}");
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with("ok    resolve    127.0.0.1 is 127.0.0.1"), "{out}");
    assert!(lines[2].starts_with("ok    challenge  401 Unauthorized: realm \"example.com\""), "{out}");
    assert_eq!(*lines.last().unwrap(), format!("{uri};transport=udp: it registers as it should"));
    assert!(!out.contains('\u{1b}'), "{out:?}");
}

/// A registrar that answers each request as `change` says, which gets the right answer.
fn strange(change: impl Fn(String) -> String + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        // It ends with the process of the test.
        while let Ok((n, from)) = socket.recv_from(&mut buffer) {
            let request = String::from_utf8(buffer[..n].to_vec()).unwrap();
            let line = |name: &str| request.lines().find(|line| line.starts_with(name)).map(str::to_owned);
            let via = line("Via").unwrap().replace(";rport", &format!(";received={};rport={}", from.ip(), from.port()));
            let contact = line("Contact").map(|line| format!("{line};expires=60\r\n"));
            let removes = line("Expires").is_some_and(|line| line == "Expires: 0");
            let contact = contact.filter(|_| !removes).unwrap_or_default();
            let others: String = ["From", "Call-ID", "CSeq"].map(|name| line(name).unwrap() + "\r\n").concat();
            let answer = format!(
                "SIP/2.0 200 OK\r\n{via}\r\n{others}{};tag=1\r\n{contact}Date: Tue, 24 Nov 2026 03:00:00 GMT\r\n\
                 Content-Length: 0\r\n\r\n",
                line("To").unwrap()
            );
            socket.send_to(change(answer).as_bytes(), from).unwrap();
        }
    });
    addr
}

/// The same with the lines that begin so left out.
fn without(answer: &str, name: &str) -> String {
    answer.split_inclusive("\r\n").filter(|line| !line.starts_with(name)).collect()
}

/// What is odd about such a registrar.
fn oddities(change: impl Fn(String) -> String + Send + 'static) -> (Vec<String>, Option<i32>) {
    let (report, code) = probed(&format!("sip:{}", strange(change)), &["--timeout", "2"], None);
    (findings(&report).into_iter().map(str::to_owned).collect(), code)
}

#[test]
fn what_is_odd_is_named() {
    // A stand-in forgets contacts when it is only asked.
    let usual = || vec!["forgotten".to_owned()];
    assert_eq!(oddities(|answer| answer), (usual(), Some(65)));
    let wrong = |code: &str, change: fn(String) -> String| {
        let (found, exit) = oddities(change);
        assert!(found.iter().any(|found| found == code), "{code}: {found:?}");
        assert_eq!(exit, Some(65), "{code}");
    };
    wrong("no-contact", |answer| without(&answer, "Contact"));
    wrong("no-expires", |answer| answer.replace(";expires=60", ""));
    wrong("longer-than-asked", |answer| answer.replace(";expires=60", ";expires=3600"));
    wrong("expired-at-once", |answer| answer.replace(";expires=60", ";expires=0"));
    wrong("via-mangled", |answer| answer.replace("branch=z9hG4bK", "branch=z9hG4bKx"));
    wrong("via-mangled", |answer| answer.replace("Via:", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKy\r\nVia:"));
    wrong("call-id-changed", |answer| answer.replace("Call-ID: ", "Call-ID: x"));
    wrong("from-changed", |answer| answer.replace(";tag=", ";tag=x"));
    wrong("no-to-tag", |answer| answer.replace(";tag=1\r\n", "\r\n"));
    wrong("no-min-expires", |answer| without(&answer.replace("200 OK", "423 Interval Too Brief"), "Contact"));
    wrong("no-date", |answer| without(&answer, "Date"));
    wrong("q-lost", |answer| answer.replace(";q=0.7", ""));
    wrong("instance-lost", |answer| answer.replace(";+sip.instance", ";+other"));
    wrong("no-rport", |answer| {
        let (before, after) = answer.split_once(";received=").unwrap();
        format!("{before}{}", &after[after.find('\r').unwrap()..])
    });
    wrong("nat", |answer| answer.replace("received=127.0.0.1", "received=203.0.113.1"));
}

#[test]
fn a_challenge_that_no_answer_satisfies_ends() {
    let challenge =
        |stale: &str| format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"n1234\"{stale}\r\nContent-Length");
    let stale = challenge(", stale=true");
    let for_ever = strange(move |answer| answer.replace("200 OK", "401 No").replace("Content-Length", &stale));
    let (report, code) = probed(&format!("sip:{for_ever}"), &[], Some("secret"));
    assert_eq!((code, &report["verdict"]), (Some(65), &"refused".into()), "{report:#}");
    for wanted in ["stale-at-once", "no-qop", "md5-only", "short-nonce"] {
        assert!(findings(&report).contains(&wanted), "{wanted}: {report:#}");
    }
    let other = strange(|answer| {
        answer
            .replace("200 OK", "401 No")
            .replace("Content-Length", "WWW-Authenticate: Bearer realm=\"r\"\r\nContent-Length")
    });
    let (report, code) = probed(&format!("sip:{other}"), &[], Some("secret"));
    assert_eq!((code, &report["verdict"]), (Some(65), &"refused".into()), "{report:#}");
    assert!(said(&report, "register").contains("it wants Bearer"), "{report:#}");
}
