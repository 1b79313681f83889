//! Events that are sent to whoever wants them.

mod receiver;

use std::sync::Arc;
use std::time::{Duration, Instant};

use receiver::{Mood, Receiver, SECRET};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;

use super::Administered;
use crate::harness::{PATIENCE, Phone, Process, Request, Room, command};

/// A registrar that tells this receiver, with these lines in its table.
fn telling(receiver: &Receiver, more: &str, settings: &str) -> Administered {
    let hook =
        format!("[[admin.webhook]]\nurl = 'http://{}/hooks/17'\nsecret = 'whsec_{SECRET}'\n{more}", receiver.addr);
    Administered::start(&format!("{settings}\n{hook}"))
}

/// So many phones register, and each is an event.
fn register(registrar: &Administered, users: std::ops::Range<usize>) {
    let mut phone = Phone::udp(registrar.registrar.udp());
    for user in users {
        let request = Request::register(&format!("sip:user{user}@example.com"));
        assert_eq!(phone.ask(&request.contact(&format!("<sip:user{user}@192.0.2.7>"))).status(), 200);
    }
}

/// What status says of it, once that is so.
fn wait_for_status(registrar: &Administered, is_so: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let hook = registrar.api().get("/api/v1/status")["webhooks"][0].clone();
        if is_so(&hook) {
            return hook;
        }
        assert!(Instant::now() < deadline, "{hook}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

fn numbers(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["id"].as_u64().unwrap()).collect()
}

#[test]
fn a_receiver_that_is_slow_down_and_back_loses_nothing_and_hears_it_in_order() {
    let receiver = Receiver::start(0, Mood::Slow(Duration::from_millis(100)));
    let mut registrar = telling(&receiver, "", "");
    register(&registrar, 0..150);
    let mut events = receiver.events(50);
    let port = receiver.addr.port();
    // What it has answered, or would have, before it was gone; what was not answered comes again.
    let posts = receiver.stop();
    let answered = posts.iter().filter(|post| post.taken);
    events.extend(answered.flat_map(|post| post.body["events"].as_array().unwrap().clone()));

    register(&registrar, 150..450);
    registrar.registrar.wait_for("the webhook does not take events");
    let down = wait_for_status(&registrar, |hook| hook["failed"].as_u64() >= Some(2));
    assert_eq!((&down["up"], &down["missed"]), (&false.into(), &0.into()), "{down}");
    assert!(down["queued"].as_u64() >= Some(300) && down["failure"].is_string(), "{down}");
    assert!(!down.to_string().contains("hooks/17"), "a path may be a secret: {down}");

    let receiver = Receiver::start(port, Mood::Takes);
    while events.len() < 450 {
        let more = receiver.events(1);
        events.extend(more);
    }
    let first = events[0]["id"].as_u64().unwrap();
    let users: Vec<_> = events.iter().map(|event| event["aor"].as_str().unwrap().to_owned()).collect();
    assert_eq!(numbers(&events), (first..first + 450).collect::<Vec<_>>());
    assert_eq!(users, (0..450).map(|user| format!("sip:user{user}@example.com")).collect::<Vec<_>>());
    registrar.registrar.wait_for("the webhook takes events again");
    let up = wait_for_status(&registrar, |hook| hook["queued"] == 0);
    assert_eq!((&up["up"], &up["delivered"], &up["missed"]), (&true.into(), &450.into(), &0.into()), "{up}");
    registrar.registrar.stop();
}

#[test]
fn one_behind_tls_is_told_if_its_certificate_is_trusted_and_else_it_is_said_why_not() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap());
    let room = Room::new();
    let own = room.file("own.pem", &made.cert.pem());
    let strange = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let strange = room.file("strange.pem", &strange.cert.pem());
    for (trusted, is_taken) in [(own, true), (strange, false)] {
        let receiver = Receiver::secured(Mood::Takes, Arc::clone(&config));
        let url = format!("https://localhost:{}/hooks/17", receiver.addr.port());
        let hook = format!("location.mode = 'memory'\n[[admin.webhook]]\nurl = '{url}'\nsecret = '{SECRET}'");
        let registrar = Administered::started(&hook, |file| {
            Process::start(command().env("SSL_CERT_FILE", &trusted).args(["serve", "--config", file]))
        });
        register(&registrar, 0..1);
        if is_taken {
            assert_eq!(receiver.events(1)[0]["aor"], "sip:user0@example.com");
            wait_for_status(&registrar, |hook| hook["delivered"] == 1 && hook["up"] == true);
        } else {
            let down = wait_for_status(&registrar, |hook| hook["failed"].as_u64() >= Some(1));
            let failure = down["failure"].as_str().unwrap();
            assert!(failure.contains("certificate"), "{failure}");
        }
        registrar.registrar.stop();
    }
}

#[test]
fn what_is_refused_comes_again_unchanged_and_nothing_overtakes_it() {
    let receiver = Receiver::start(0, Mood::Refuses("400 Bad Request"));
    let registrar = telling(&receiver, "", "");
    register(&registrar, 0..1);
    let first = receiver.post();
    register(&registrar, 1..2);
    receiver.becomes(Mood::Refuses("503 Service Unavailable\r\nRetry-After: 1"));
    let mut again = receiver.post();
    receiver.becomes(Mood::Takes);
    while !again.taken {
        assert_eq!((&again.id, &again.body), (&first.id, &first.body));
        again = receiver.post();
    }
    assert_eq!((&again.id, &again.body), (&first.id, &first.body));
    let next = receiver.post();
    assert_eq!(next.body["events"][0]["aor"], "sip:user1@example.com", "{next:?}");
    assert_ne!(next.id, first.id);
    registrar.registrar.stop();
}

#[test]
fn only_what_is_wanted_is_told() {
    let receiver = Receiver::start(0, Mood::Takes);
    let registrar = telling(&receiver, "events = ['refused']\ndomains = ['example.org']", "");
    let mut phone = Phone::udp(registrar.registrar.udp());
    for (aor, expires) in [("sip:a@example.org", 100), ("sip:b@example.net", 1), ("sip:c@EXAMPLE.org", 1)] {
        phone.ask(&Request::register(aor).contact("<sip:phone@192.0.2.7>").expires(expires));
    }
    let [event] = &receiver.events(1)[..] else { panic!("more than one event") };
    assert_eq!((&event["aor"], &event["reason"]), (&"sip:c@example.org".into(), &"interval-too-brief".into()));
    wait_for_status(&registrar, |hook| hook["queued"] == 0 && hook["delivered"] == 1);
    registrar.registrar.stop();
    assert!(receiver.stop().is_empty());
}

#[test]
fn a_store_that_is_down_from_the_start_is_the_first_that_is_told() {
    let receiver = Receiver::start(0, Mood::Takes);
    let users = "domains = 'example.com'\n[users.sql]\nurl = 'sqlite:/does/not/exist.db'\nfailures = 1";
    let registrar = telling(&receiver, "domains = ['example.org']", users);
    let event = receiver.events(1).swap_remove(0);
    assert_eq!((&event["kind"], &event["backend"]), (&"backend-down".into(), &"users".into()), "{event}");
    registrar.registrar.stop();
}

#[test]
fn one_that_is_away_for_too_long_is_told_how_many_it_missed() {
    const CONTACTS: usize = 200;
    let receiver = Receiver::start(0, Mood::Takes);
    let registrar = telling(&receiver, "", "[registrar]\nmax_contacts = 255\n");
    register(&registrar, 0..1);
    let known = numbers(&receiver.events(1))[0];
    let port = receiver.addr.port();
    receiver.stop();
    let mut phone = Phone::udp(registrar.registrar.udp());
    let contacts: Vec<_> = (0..CONTACTS).map(|n| format!("<sip:{n}@192.0.2.7>")).collect();
    let mut request = Request::register("sip:alice@example.com").contact(&contacts.join(", "));
    let happened = 400 * CONTACTS;
    for _ in 0..400 {
        assert_eq!(phone.ask(&request).status(), 200);
        request = request.again();
    }
    let receiver = Receiver::start(port, Mood::Takes);
    let (mut told, mut missed) = (0, 0);
    let mut last = known;
    while told + missed < happened {
        let post = receiver.post();
        let gone = post.body.get("missed").map_or(0, |missed| missed.as_u64().unwrap());
        for (at, id) in numbers(post.body["events"].as_array().unwrap()).into_iter().enumerate() {
            let before = if at == 0 { gone } else { 0 };
            assert_eq!(id, last + before + 1, "what is missing is counted");
            last = id;
            told += 1;
        }
        missed += usize::try_from(gone).unwrap();
    }
    // The ring, and what was on its way.
    assert!((65_536..=65_536 + 100).contains(&told), "{told} told, {missed} missed");
    let up = wait_for_status(&registrar, |hook| hook["queued"] == 0);
    assert_eq!(up["missed"], missed, "{up}");
    registrar.registrar.stop();
}
