//! What happens, as it happens.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::Administered;
use crate::harness::{Phone, Request};

/// The next event of a stream.
fn next(lines: &mut impl Iterator<Item = String>) -> Value {
    let data = lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).expect("an event");
    serde_json::from_str(&data).unwrap()
}

#[test]
fn an_event_is_there_within_100_ms_of_its_register() {
    let registrar = Administered::start("");
    let mut lines = registrar.api().lines("/api/v1/events");
    // The answer has begun, so that nothing is missed from here on.
    lines.find(|line| line == ":").unwrap();
    let mut phone = Phone::udp(registrar.registrar.udp());
    let request = Request::register("sip:alice@example.com");
    for (cseq, change, kind) in [
        (1, "<sip:alice@192.0.2.7>", "registered"),
        (2, "<sip:alice@192.0.2.7>", "refreshed"),
        (3, "<sip:alice@192.0.2.7>;expires=0", "removed"),
    ] {
        let request = Request { cseq, ..request.clone() };
        let sent = Instant::now();
        assert_eq!(phone.ask(&request.contact(change)).status(), 200);
        let event = next(&mut lines);
        let took = sent.elapsed();
        assert_eq!((&event["kind"], &event["aor"]), (&kind.into(), &"sip:alice@example.com".into()), "{event}");
        assert!(took < Duration::from_millis(100), "{kind}: {took:?}");
    }
}

#[test]
fn only_what_is_watched_for_is_told() {
    let registrar = Administered::start("");
    let mut lines = registrar.api().lines("/api/v1/events?kinds=registered,refused&aor=sip%3Abob%40example.com");
    lines.find(|line| line == ":").unwrap();
    let mut phone = Phone::udp(registrar.registrar.udp());
    for (user, expires) in [("alice", 100), ("bob", 1), ("bob", 100)] {
        let request = Request::register(&format!("sip:{user}@example.com"));
        phone.ask(&request.contact(&format!("<sip:{user}@192.0.2.7>")).expires(expires));
    }
    let (refused, registered) = (next(&mut lines), next(&mut lines));
    assert_eq!(
        (&refused["kind"], &refused["reason"], &refused["status"]),
        (&"refused".into(), &"interval-too-brief".into(), &423.into())
    );
    assert_eq!((&registered["kind"], &registered["aor"]), (&"registered".into(), &"sip:bob@example.com".into()));
}

#[test]
fn an_eviction_and_an_expiry_are_told() {
    let registrar = Administered::start("[registrar]\nmin_expires = 1\njitter = 0\nmax_contacts = 1");
    let mut lines = registrar.api().lines("/api/v1/events?kinds=evicted,expired");
    lines.find(|line| line == ":").unwrap();
    let mut phone = Phone::udp(registrar.registrar.udp());
    for n in [1, 2] {
        let request = Request::register("sip:alice@example.com").contact(&format!("<sip:alice@192.0.2.{n}>"));
        assert_eq!(phone.ask(&request.expires(1)).status(), 200);
    }
    let (evicted, expired) = (next(&mut lines), next(&mut lines));
    assert_eq!(
        (&evicted["kind"], &evicted["contact"]),
        (&"evicted".into(), &"<sip:alice@192.0.2.1>".into()),
        "{evicted}"
    );
    assert_eq!(
        (&expired["kind"], &expired["contact"]),
        (&"expired".into(), &"<sip:alice@192.0.2.2>".into()),
        "{expired}"
    );
}
