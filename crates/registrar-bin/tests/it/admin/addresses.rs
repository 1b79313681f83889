//! Who is registered, why somebody is not, and removing.

use super::Administered;
use crate::harness::{Answer, Challenge, Phone, Request, contacts_of};

const ALICE: &str = "/api/v1/aors/sip%3Aalice%40example.com";

fn register(phone: &mut Phone, user: &str) {
    let request = Request::register(&format!("sip:{user}@example.com"));
    let request = request.contact(&format!("<sip:{user}@192.0.2.7>;q=0.5")).with("User-Agent: a phone").expires(100);
    assert_eq!(phone.ask(&request).status(), 200);
}

#[test]
fn a_registration_is_listed_shown_and_explained() {
    let registrar = Administered::start("[registrar]\njitter = 0");
    let mut phone = Phone::udp(registrar.registrar.udp());
    register(&mut phone, "alice");
    let api = registrar.api();
    let page = api.get("/api/v1/aors");
    assert_eq!(page["aors"].as_array().unwrap().len(), 1, "{page}");
    assert!(page.get("next").is_none(), "{page}");
    let aor = api.get(ALICE);
    assert_eq!(aor["aor"], "sip:alice@example.com");
    assert_eq!(aor["bindings"][0]["contact"], page["aors"][0]["bindings"][0]["contact"]);
    let binding = &aor["bindings"][0];
    for (key, value) in
        [("uri", "sip:alice@192.0.2.7"), ("state", "reachable"), ("transport", "udp"), ("user_agent", "a phone")]
    {
        assert_eq!(binding[key], value, "{binding}");
    }
    assert_eq!((&binding["q"], &binding["granted"], &binding["nat"]), (&500.into(), &100.into(), &true.into()));
    assert!((95..=100).contains(&binding["expires_in"].as_u64().unwrap()), "{binding}");
    let why = api.get(&format!("{ALICE}/why"));
    assert_eq!(why["summary"], "It can be reached, by one binding.");
    assert_eq!(
        (&why["outcomes"][0]["reason"], &why["outcomes"][0]["count"]),
        (&"registered".into(), &1.into()),
        "{why}"
    );
    let status = api.get("/api/v1/status");
    assert_eq!((&status["location"]["bindings"], &status["state"]), (&1.into(), &"serving".into()), "{status}");
    assert_eq!(status["pid"].as_i64(), Some(registrar.registrar.pid().as_raw().into()));
}

#[test]
fn a_connection_that_ends_makes_it_suspect_and_why_says_so() {
    let registrar = Administered::start("[flows]\ngrace = 300");
    let mut phone = Phone::tcp(registrar.registrar.tcp());
    register(&mut phone, "alice");
    let api = registrar.api();
    let binding = api.get(ALICE)["bindings"][0].clone();
    assert_eq!((&binding["transport"], &binding["follows_flow"]), (&"tcp".into(), &true.into()), "{binding}");
    assert_eq!(binding["flow"].as_str().unwrap().split('-').count(), 3, "{binding}");
    let mut lines = api.lines("/api/v1/events?kinds=lost");
    lines.find(|line| line == ":").unwrap();
    drop(phone);
    lines.find(|line| line == "event: lost").unwrap();
    let why = api.get(&format!("{ALICE}/why"));
    assert!(why["summary"].as_str().unwrap().contains("its connection has ended"), "{why}");
    assert_eq!((&why["advice"][0]["reason"], &why["bindings"][0]["state"]), (&"suspect".into(), &"suspect".into()));
}

#[test]
fn a_refusal_is_explained_in_words_until_it_is_mended() {
    let users = crate::harness::Room::new();
    let file = users.file("users.toml", "[user.'alice@example.com']\npassword = 'secret-of-alice'\n");
    let registrar = Administered::start(&format!("[users]\nfile = '{file}'"));
    let mut phone = Phone::udp(registrar.registrar.udp());
    let mut attempt = |password: &str| {
        let request = Request::register("sip:alice@example.com").contact("<sip:alice@192.0.2.7>");
        let challenge = Challenge::of(&phone.ask(&request));
        let answer = Answer { password: password.to_owned(), ..Answer::of("alice") };
        phone.ask(&request.again().with(&answer.to(&challenge).header())).status()
    };
    assert_eq!((attempt("guess"), attempt("guess")), (401, 401));
    let api = registrar.api();
    let why = api.get(&format!("{ALICE}/why"));
    assert_eq!(why["summary"], "It cannot be reached: its last request was refused (wrong-password).");
    let reason = sip_registrar::reason::WRONG_PASSWORD;
    assert_eq!(
        (&why["advice"][0]["reason"], &why["advice"][0]["says"]),
        (&reason.code().into(), &reason.says().into())
    );
    let refusals = api.get("/api/v1/refusals");
    let refusal = &refusals[0];
    assert_eq!(
        (&refusal["aor"], &refusal["status"], &refusal["count"]),
        (&"sip:alice@example.com".into(), &401.into(), &2.into())
    );
    assert_eq!(refusals.as_array().unwrap().len(), 1, "a challenge is no refusal: {refusals}");
    assert_eq!(attempt("secret-of-alice"), 200);
    let why = api.get(&format!("{ALICE}/why"));
    assert_eq!(
        (&why["summary"], &why["advice"]),
        (&"It can be reached, by one binding.".into(), &serde_json::json!([]))
    );
}

#[test]
fn bindings_are_removed_one_or_all() {
    let registrar = Administered::start("");
    let addr = registrar.registrar.udp();
    let mut phone = Phone::udp(addr);
    let request = Request::register("sip:alice@example.com");
    for n in 1..=3 {
        assert_eq!(phone.ask(&request.clone().next().contact(&format!("<sip:alice@192.0.2.{n}>"))).status(), 200);
    }
    let remove = |query: &str| registrar.api().ask("DELETE", &format!("{ALICE}/bindings{query}"), &[]);
    let one = remove("?contact=sip%3Aalice%40192.0.2.2").json();
    assert_eq!(
        one,
        serde_json::json!({"aor": "sip:alice@example.com", "removed": ["<sip:alice@192.0.2.2>"], "left": 2})
    );
    assert_eq!(contacts_of(addr, "sip:alice@example.com").len(), 2);
    let none = remove("?contact=sip%3Aalice%40192.0.2.2");
    assert_eq!((none.status, none.code().as_str()), (404, "no-such-binding"));
    assert_eq!(remove("").json()["left"], 0);
    assert_eq!(contacts_of(addr, "sip:alice@example.com"), Vec::<String>::new());
    let finished = registrar.registrar.stop();
    let audits: Vec<_> = finished.err.lines().filter(|line| line.contains("asked to change something")).collect();
    assert_eq!(audits.len(), 3, "{}", finished.err);
    assert!(audits[0].contains("who=\"unix socket\"") && audits[0].contains("status=200"), "{audits:?}");
}

#[test]
fn pages_and_lines_have_all_addresses_once() {
    let registrar = Administered::start("");
    let mut phone = Phone::udp(registrar.registrar.udp());
    let names: std::collections::BTreeSet<_> = (0..700).map(|n| format!("sip:u{n:03}@example.com")).collect();
    (0..700).for_each(|n| register(&mut phone, &format!("u{n:03}")));
    let api = registrar.api();
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/api/v1/aors?limit=300{after}"));
        let aors = page["aors"].as_array().unwrap();
        assert!(aors.len() <= 300);
        seen.extend(aors.iter().map(|aor| aor["aor"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 700);
    assert_eq!(seen.into_iter().collect::<std::collections::BTreeSet<_>>(), names);
    let lines =
        api.ask("GET", "/api/v1/aors?user=u00&transport=udp&source=127.0.0.0/8", &["Accept: application/x-ndjson"]);
    assert!(lines.head.contains("content-type: application/x-ndjson"), "{}", lines.head);
    let mut listed: Vec<_> =
        lines.body.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect();
    listed.sort_by_key(|aor| aor["aor"].to_string());
    assert_eq!(listed.len(), 10);
    assert_eq!(listed[7]["aor"], "sip:u007@example.com");
    for nobody in ["domain=example.org", "transport=tcp", "source=192.0.2.1", "contact=other", "user_agent=other"] {
        let page = api.get(&format!("/api/v1/aors?{nobody}"));
        assert_eq!(page["aors"], serde_json::json!([]), "{nobody}");
    }
}

#[test]
fn what_is_asked_wrongly_is_refused_with_a_code() {
    let registrar = Administered::start("");
    let api = registrar.api();
    for (method, path, status, code) in [
        ("GET", "/api/v1/nothing", 404, "no-such-path"),
        ("PUT", "/api/v1/status", 405, "method-not-allowed"),
        ("GET", ALICE, 404, "no-such-binding"),
        ("GET", "/api/v1/aors/tel%3A%2B49", 400, "bad-address"),
        ("GET", "/api/v1/aors?limit=0", 400, "bad-limit"),
        ("GET", "/api/v1/aors?limit=1001", 400, "bad-limit"),
        ("GET", "/api/v1/aors?limit=x", 400, "bad-query"),
        ("GET", "/api/v1/aors?colour=red", 400, "bad-query"),
        ("GET", "/api/v1/aors?source=here", 400, "bad-source"),
        ("GET", "/api/v1/aors?transport=sctp", 400, "bad-transport"),
        ("GET", "/api/v1/aors?after=xyz", 400, "bad-after"),
        ("GET", "/api/v1/events?kinds=gone", 400, "bad-kind"),
        ("DELETE", "/api/v1/aors/sip%3Aalice%40example.com/bindings?contact=%3C", 400, "bad-contact"),
    ] {
        let answered = api.ask(method, path, &[]);
        assert_eq!((answered.status, answered.code().as_str()), (status, code), "{method} {path}: {answered:?}");
        assert!(answered.head.contains("cache-control: no-store"), "{answered:?}");
    }
    let reasons = api.get("/api/v1/reasons");
    let all = sip_dispatch::reason::ALL.len() + sip_registrar::reason::ALL.len();
    assert_eq!(reasons.as_array().unwrap().len(), all);
}

#[test]
fn a_connection_is_ended_and_only_once() {
    let registrar = Administered::start("");
    let mut phone = Phone::tcp(registrar.registrar.tcp());
    register(&mut phone, "alice");
    let api = registrar.api();
    let flow = api.get(ALICE)["bindings"][0]["flow"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/flows/{flow}");
    assert_eq!(api.ask("DELETE", &path, &[]).status, 204);
    phone.wait_for_close();
    let again = api.ask("DELETE", &path, &[]);
    assert_eq!((again.status, again.json()["code"].as_str()), (404, Some("no-such-flow")), "{again:?}");
    for wrong in ["0-1", "0-1-2-3", "a-b-c", "99999999999-1-1"] {
        let answered = api.ask("DELETE", &format!("/api/v1/flows/{wrong}"), &[]);
        assert_eq!((answered.status, answered.json()["code"].as_str()), (400, Some("bad-flow")), "{answered:?}");
    }
}

#[test]
fn the_round_trip_of_a_phone_that_answers_pings_is_shown() {
    let registrar = Administered::start("[flows]\nping = 1");
    let mut phone = Phone::tcp(registrar.registrar.tcp());
    register(&mut phone, "alice");
    let api = registrar.api();
    assert_eq!(api.get(ALICE)["bindings"][0].get("round_trip_ms"), None);
    assert_eq!(phone.receive_bytes(4), b"\r\n\r\n");
    phone.send(b"\r\n");
    // What is answered over the same connection is answered after it.
    register(&mut phone, "bob");
    let took = api.get(ALICE)["bindings"][0]["round_trip_ms"].as_u64();
    assert!(took.is_some_and(|took| took < 20_000), "{took:?}");
}

#[test]
fn it_is_ready_until_it_drains() {
    let registrar = Administered::start("");
    let api = registrar.api();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(api.ask("GET", path, &[]).status, 200, "{path}");
    }
    // A request that is not whole keeps the drain going.
    let mut phone = Phone::tcp(registrar.registrar.tcp());
    register(&mut phone, "alice");
    let ready = api.ask("GET", "/readyz", &[]);
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
}
