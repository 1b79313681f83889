//! What others keep for the registrar: whether it answers is told as it changes.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Administered;
use super::events::next;
use crate::harness::{Answer, Challenge, PATIENCE, Phone, Request};
use crate::stores::Service;

/// What status says of the one backend.
fn backend(registrar: &Administered) -> Value {
    let status = registrar.api().get("/api/v1/status");
    let [backend] = &status["backends"].as_array().unwrap()[..] else { panic!("{status}") };
    backend.clone()
}

fn assert_event(event: &Value, kind: &str, backend: &str, reason: &str) {
    let told = [&event["kind"], &event["backend"], &event["reason"]];
    assert_eq!(told, [kind, backend, reason].map(Value::from).each_ref(), "{event}");
    assert_eq!(event["failure"].is_string(), kind == "backend-down", "{event}");
}

#[test]
fn a_store_of_users_that_goes_down_and_comes_back_is_told_with_its_reason() {
    let service = Service::start(0);
    let url = format!("http://{}/{{domain}}/{{username}}", service.address);
    let registrar = Administered::start(&format!(
        "domains = 'example.com'\n[users.http]\nurl = '{url}'\nbearer = 'token'\nfailures = 1\nopen = 0\n"
    ));
    let mut lines = registrar.api().lines("/api/v1/events?kinds=backend-up,backend-down");
    lines.find(|line| line == ":").unwrap();
    let mut phone = Phone::udp(registrar.registrar.udp());
    let mut register = |user: &str| {
        let request = Request::register(&format!("sip:{user}@example.com")).contact("<sip:phone@192.0.2.7>");
        let challenge = Challenge::of(&phone.ask(&request));
        phone.ask(&request.again().with(&Answer::of(user).to(&challenge).header())).status()
    };
    assert_eq!(backend(&registrar).get("delay_ms"), None);
    assert_eq!(register("alice"), 200);
    let up = backend(&registrar);
    assert!(up["up"] == true && up["delay_ms"].as_u64() < Some(1000), "{up}");
    assert!(up["delay_ms"].is_u64(), "{up}");
    let port = service.stop();
    assert_eq!(register("bob"), 503);
    let down = next(&mut lines);
    assert_event(&down, "backend-down", "users", "credentials-unavailable");
    let told = backend(&registrar);
    assert_eq!([&told["name"], &told["up"], &told["failure"]], [&"users".into(), &false.into(), &down["failure"]]);
    let service = Service::start(port);
    let deadline = Instant::now() + PATIENCE;
    while register("bob") != 200 {
        assert!(Instant::now() < deadline, "it does not come back");
    }
    assert_event(&next(&mut lines), "backend-up", "users", "credentials-unavailable");
    assert_eq!(backend(&registrar)["up"], true);
    service.stop();
    registrar.registrar.stop();
}

#[test]
fn a_disk_that_fails_and_is_well_again_is_told_and_phones_may_come_then() {
    let registrar = Administered::on_disk("");
    let api = registrar.api();
    let ready = || api.ask("GET", "/readyz", &[]).status;
    assert_eq!((ready(), &backend(&registrar)["up"]), (200, &true.into()));
    let mut lines = api.lines("/api/v1/events?kinds=backend-up,backend-down");
    lines.find(|line| line == ":").unwrap();
    registrar.limit_files(&fs::metadata(registrar.room.path("data/location.redb")).unwrap().len().to_string());
    let mut phone = Phone::udp(registrar.registrar.udp());
    let mut register = |n: usize| {
        let request = Request::register(&format!("sip:user{n}@example.com"));
        phone.ask(&request.contact(&format!("<sip:{n}@192.0.2.7;x={}>", "x".repeat(900)))).status()
    };
    let full = (0..4000).find(|n| register(*n) == 503).expect("a disk that is full");
    let down = next(&mut lines);
    assert_event(&down, "backend-down", "location", "store-unavailable");
    let told = backend(&registrar);
    assert_eq!([&told["name"], &told["failure"]], [&"location".into(), &down["failure"]], "{told}");
    assert_eq!(ready(), 503);

    registrar.limit_files("unlimited");
    let deadline = Instant::now() + PATIENCE;
    while register(full) != 200 {
        assert!(Instant::now() < deadline, "it does not recover");
        std::thread::park_timeout(Duration::from_millis(100));
    }
    assert_event(&next(&mut lines), "backend-up", "location", "store-unavailable");
    assert_eq!((ready(), &backend(&registrar)["up"]), (200, &true.into()));
    registrar.registrar.stop();
}
