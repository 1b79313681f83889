//! Bindings that the operator adds.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use super::Administered;
use super::http::Answered;
use crate::harness::{PATIENCE, Registrar, Room, contacts_of};

const ALICE: &str = "/api/v1/aors/sip%3Aalice%40example.com";

/// Posts a body to the bindings of an address.
pub(super) fn post(registrar: &Administered, path: &str, kind: &str, body: &str) -> Answered {
    let mut stream = UnixStream::connect(registrar.socket()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let head = format!(
        "POST {path}/bindings HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    Answered { status: head[9..12].parse().unwrap(), head: head.to_owned(), body: body.to_owned() }
}

#[test]
fn what_is_added_is_told_to_callers_and_watchers_and_written_down() {
    let registrar = Administered::start("");
    let mut events = registrar.api().lines("/api/v1/events");
    events.find(|line| line == ":").unwrap();
    let body = r#"{"contact": "<sip:gateway@192.0.2.9;transport=tcp>;q=0.3", "path": "<sip:edge.example.net;lr>"}"#;
    let added = post(&registrar, ALICE, "application/json", body);
    assert_eq!(added.status, 201, "{added:?}");
    let binding = &added.json()["bindings"][0];
    assert_eq!((&binding["granted"], &binding["q"]), (&u32::MAX.into(), &300.into()), "{binding}");
    assert_eq!((&binding["path"], &binding["nat"]), (&"<sip:edge.example.net;lr>".into(), &false.into()), "{binding}");
    assert_eq!(events.find(|line| line.starts_with("event:")).unwrap(), "event: registered");
    let event = events.find(|line| line.starts_with("data:")).unwrap();
    assert!(event.contains("added-by-operator") && event.contains("gateway"), "{event}");
    let told = contacts_of(registrar.registrar.udp(), "sip:alice@example.com");
    assert!(told.len() == 1 && told[0].starts_with("<sip:gateway@192.0.2.9;transport=tcp>;q=0.3"), "{told:?}");
    let again = post(&registrar, ALICE, "application/json", r#"{"contact": "sip:b@192.0.2.8", "expires": 60}"#);
    let bindings = again.json()["bindings"].clone();
    assert_eq!((bindings[0]["granted"].clone(), bindings.as_array().unwrap().len()), (60.into(), 2), "{bindings}");
    let finished = registrar.registrar.stop();
    let audits: Vec<_> = finished.err.lines().filter(|line| line.contains("asked to change something")).collect();
    assert!(audits.len() == 2 && audits.iter().all(|line| line.contains("status=201")), "{}", finished.err);
}

#[test]
fn what_cannot_be_added_is_refused_with_a_code_and_changes_nothing() {
    let registrar = Administered::start("[registrar]\nmax_contacts = 1\neviction = 'refuse'");
    let long = format!(r#"{{"contact": "sip:{}@h"}}"#, "x".repeat(65 * 1024));
    let json = "application/json";
    for (path, kind, body, status, code) in [
        (ALICE, "text/plain", "{}", 415, "not-json"),
        (ALICE, json, "{", 400, "bad-body"),
        (ALICE, json, "{}", 422, "bad-body"),
        (ALICE, json, r#"{"contact": "sip:a@h", "colour": "red"}"#, 422, "bad-body"),
        (ALICE, json, r#"{"contact": "sip:a@h", "expires": -1}"#, 422, "bad-body"),
        (ALICE, json, &long, 413, "too-long"),
        (ALICE, json, r#"{"contact": "sip:a@h", "expires": 0}"#, 422, "bad-expires"),
        (ALICE, json, r#"{"contact": "no contact"}"#, 422, "bad-contact"),
        (ALICE, json, r#"{"contact": "<sip:a@h>\r\nX: y"}"#, 422, "bad-contact"),
        ("/api/v1/aors/tel%3A%2B49", json, r#"{"contact": "sip:a@h"}"#, 400, "bad-address"),
    ] {
        let answered = post(&registrar, path, kind, body);
        let body: String = body.chars().take(60).collect();
        assert_eq!((answered.status, answered.code().as_str()), (status, code), "{path} {body}: {answered:?}");
    }
    assert_eq!(contacts_of(registrar.registrar.udp(), "sip:alice@example.com"), Vec::<String>::new());
    assert_eq!(post(&registrar, ALICE, json, r#"{"contact": "sip:a@h"}"#).status, 201);
    let full = post(&registrar, ALICE, json, r#"{"contact": "sip:b@h"}"#);
    assert_eq!((full.status, full.code().as_str()), (409, "too-many-contacts"), "{full:?}");
    assert_eq!(contacts_of(registrar.registrar.udp(), "sip:alice@example.com").len(), 1);
}

#[test]
fn nobody_is_added_in_a_domain_that_is_not_served() {
    let room = Room::new();
    let settings = "listen = 'udp:127.0.0.1:0'\ndomains = ['example.com']\nlocation.mode = 'memory'\n";
    let file = room.file("registrar.toml", &format!("{settings}admin.listen = 'unix:admin.sock'\n"));
    let mut registrar = Registrar::run(&["serve", "--config", &file]);
    registrar.wait_for("  api ");
    let registrar = Administered { registrar, room };
    let add = |path| post(&registrar, path, "application/json", r#"{"contact": "sip:a@h"}"#);
    let foreign = add("/api/v1/aors/sip%3Aalice%40example.org");
    assert_eq!((foreign.status, foreign.code().as_str()), (422, "foreign-domain"), "{foreign:?}");
    assert_eq!(add(ALICE).status, 201);
}
