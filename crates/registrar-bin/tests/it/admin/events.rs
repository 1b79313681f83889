//! What happens, as it happens.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::Administered;
use crate::harness::{Phone, Request};

/// The next event of a stream.
pub(super) fn next(lines: &mut impl Iterator<Item = String>) -> Value {
    let data = lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).expect("an event");
    serde_json::from_str(&data).unwrap()
}

/// A change of alice's, and its event; with the time from before it was sent until the event was there.
fn changed(phone: &mut Phone, lines: &mut impl Iterator<Item = String>, request: &Request, kind: &str) -> Duration {
    let sent = Instant::now();
    assert_eq!(phone.ask(request).status(), 200);
    let event = next(lines);
    let took = sent.elapsed();
    assert_eq!((&event["kind"], &event["aor"]), (&kind.into(), &"sip:alice@example.com".into()), "{event}");
    took
}

#[test]
fn an_event_is_there_within_100_ms_of_its_register() {
    let registrar = Administered::start("");
    let mut lines = registrar.api().lines("/api/v1/events");
    // The answer has begun, so that nothing is missed from here on.
    lines.find(|line| line == ":").unwrap();
    let mut phone = Phone::udp(registrar.registrar.udp());
    let request = Request::register("sip:alice@example.com");
    let mut took = Vec::new();
    for cseq in (1..=60).step_by(3) {
        for (more, change, kind) in [
            (0, "<sip:alice@192.0.2.7>", "registered"),
            (1, "<sip:alice@192.0.2.7>", "refreshed"),
            (2, "<sip:alice@192.0.2.7>;expires=0", "removed"),
        ] {
            let request = Request { cseq: cseq + more, ..request.clone() }.contact(change);
            took.push(changed(&mut phone, &mut lines, &request, kind));
        }
    }
    // One of them may have met with a machine that had something else to do.
    took.sort_unstable();
    let median = took[took.len() / 2];
    println!("median {median:?}, longest {:?}", took.last());
    assert!(median < Duration::from_millis(100), "{took:?}");
}

#[test]
fn who_was_cut_off_goes_on_where_it_was() {
    let registrar = Administered::start("");
    let mut lines = registrar.api().lines("/api/v1/events");
    lines.find(|line| line == ":").unwrap();
    let mut phone = Phone::udp(registrar.registrar.udp());
    let mut request = Request::register("sip:alice@example.com").contact("<sip:alice@192.0.2.7>");
    changed(&mut phone, &mut lines, &request, "registered");
    request = request.again();
    assert_eq!(phone.ask(&request).status(), 200);
    let last = next(&mut lines)["id"].as_u64().unwrap();
    drop(lines);
    for _ in 0..2 {
        request = request.again();
        assert_eq!(phone.ask(&request).status(), 200);
    }
    let mut lines = registrar.api().lines_with("/api/v1/events", &[&format!("Last-Event-ID: {last}")]);
    assert_eq!([(); 2].map(|()| next(&mut lines)["id"].as_u64().unwrap()), [last + 1, last + 2]);

    // As from a process before this one.
    let mut lines = registrar.api().lines_with("/api/v1/events", &["Last-Event-ID: 17"]);
    lines.find(|line| line == "event: missed").unwrap();
    assert_eq!(next(&mut lines), serde_json::json!({}));
    let wrong = registrar.api().ask("GET", "/api/v1/events", &["Last-Event-ID: the last"]);
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "bad-event-id"));
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
