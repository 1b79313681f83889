//! The general rules for every server (RFC 3261 §8.2), link by link.

use std::sync::{Arc, Mutex};

use sip_dispatch::links::{Rate, Throttle};
use sip_dispatch::{Config, Dispatcher, Link, ReceiveChain, Share, reason};
use sip_message::HeaderId;

use crate::harness::{Worker, one, request, usual_links};

fn status(bytes: impl Into<Vec<u8>>) -> String {
    Worker::usual().answer(bytes).status()
}

#[test]
fn what_can_be_read_in_two_ways_is_refused_with_400_and_the_fault_in_its_phrase() {
    let with = |from: &str, to: &str| {
        String::from_utf8(request("OPTIONS").bytes()).unwrap().replacen(from, to, 1).into_bytes()
    };
    let many: String = (0..100).map(|n| format!("X-{n}: 1\r\n")).collect();
    for (bytes, expected) in [
        (with("OPTIONS sip:example.com", "OPTIONS  sip:example.com"), "400 Malformed Request-Line"),
        (with("Max-Forwards: 70\r\n", "Max-Forwards: 70\n"), "400 Bare LF"),
        (with("Max-Forwards: 70", "Max-Forwards: 7\r0"), "400 Bare CR"),
        (with("Max-Forwards: 70", "Max-Forwards: 7\x000"), "400 Control Character"),
        (with("Max-Forwards: 70", "Max Forwards: 70"), "400 Malformed Header Line"),
        (with("Max-Forwards: 70", "Call-ID: other"), "400 Repeated Header"),
        (with("Max-Forwards: 70\r\n", &many), "400 Too Many Headers"),
        (with("\r\n\r\n", "\r\n"), "400 Headers Without End"),
        (with("Content-Length: 0", "Content-Length: none"), "400 Malformed Content-Length"),
        (with("Content-Length: 0", "Content-Length: 1"), "400 Body Shorter Than Content-Length"),
        (with("CSeq: 1 OPTIONS", "CSeq: 1 REGISTER"), "400 CSeq Method Differs"),
    ] {
        let mut worker = Worker::usual();
        let answer = worker.answer(bytes.clone());
        assert_eq!(answer.status(), expected, "{}", String::from_utf8_lossy(&bytes));
    }
    let on_a_stream = Worker::usual().tcp(request("OPTIONS").without("Content-Length"));
    assert_eq!(one(on_a_stream).status(), "400 Missing Content-Length");
}

#[test]
fn what_is_missing_or_malformed_is_refused_with_400_and_named() {
    for name in ["From", "To", "Call-ID", "CSeq"] {
        assert_eq!(status(request("OPTIONS").without(name)), format!("400 Missing {name}"));
    }
    for (name, value) in [
        ("From", "<sip:alice@example.com"),
        ("To", "\"alice <sip:alice@example.com>"),
        ("Call-ID", "a b"),
        ("CSeq", "4294967296 OPTIONS"),
        ("Max-Forwards", "256"),
    ] {
        assert_eq!(status(request("OPTIONS").set(name, value)), format!("400 Malformed {name}"));
    }
    assert_eq!(status(request("OPTIONS").add("Require: a;b")), "400 Malformed Require");
    assert_eq!(status(request("OPTIONS").add("Via: SIP/2.0/UDP")), "400 Malformed Via");
    assert_eq!(status(request("OPTIONS").set("", "OPTIONS sip: SIP/2.0")), "400 Malformed Request-URI");
}

#[test]
fn credentials_that_can_be_read_in_two_ways_are_refused_with_400() {
    let digest = |realm: &str| {
        format!("Digest username=\"a\", realm=\"{realm}\", nonce=\"n\", uri=\"sip:example.com\", response=\"0\"")
    };
    let with = |headers: &[String]| headers.iter().fold(request("OPTIONS"), |request, header| request.add(header));
    let authorization = |value: &str| format!("Authorization: {value}");
    let (a, b) = (authorization(&digest("a")), authorization(&digest("b")));
    let proxy = format!("Proxy-{a}");
    // One for each realm, one of each kind, and schemes of which nothing is known here.
    let other = authorization("NoOneKnowsThisScheme opaque-data=here");
    for plain in [vec![a.clone()], vec![a.clone(), b.clone()], vec![a.clone(), proxy], vec![other.clone(), other]] {
        assert_eq!(status(with(&plain)), "200 OK", "{plain:?}");
    }
    let eight: Vec<_> = (0..8).map(|realm| authorization(&digest(&realm.to_string()))).collect();
    assert_eq!(status(with(&eight)), "200 OK");
    for ambiguous in [
        vec![a.clone(), a.clone()],
        vec![a.clone(), b, a.replace("realm=\"a\"", "REALM=\"\\a\"")],
        vec![format!("{a}, username=\"b\"")],
        vec![format!("{a}, x=1, X=2")],
        vec![a.replace("nonce", "n")],
        vec![authorization("Digest")],
        [eight, vec![a]].concat(),
    ] {
        assert_eq!(status(with(&ambiguous)), "400 Ambiguous Credentials", "{ambiguous:?}");
    }
}

#[test]
fn limits_are_inclusive() {
    let with_body =
        |length: usize| request("OPTIONS").set("Content-Length", &length.to_string()).with_body(&"x".repeat(length));
    assert_eq!(status(with_body(16 * 1024)), "200 OK");
    assert_eq!(status(with_body(16 * 1024 + 1)), "413 Request Entity Too Large");
    let with_vias = |more: usize| {
        // Commas inside quotes do not count.
        (0..more).fold(request("OPTIONS"), |request, n| {
            request.add(&format!("Via: SIP/2.0/UDP p{n};x=\"a,b,c\" , SIP/2.0/TCP q{n}"))
        })
    };
    assert_eq!(status(with_vias(3)), "200 OK");
    assert_eq!(status(with_vias(4)), "400 Too Many Vias");
}

#[test]
fn another_version_is_refused_with_505() {
    assert_eq!(status(request("OPTIONS").set("", "OPTIONS sip:example.com SIP/7.0")), "505 Version Not Supported");
}

#[test]
fn schemes_other_than_sip_are_refused_with_416() {
    for uri in ["tel:+15551234", "nobodyKnowsThisScheme:totallyopaquecontent", "http://example.com/"] {
        let line = format!("OPTIONS {uri} SIP/2.0");
        assert_eq!(status(request("OPTIONS").set("", &line)), "416 Unsupported URI Scheme");
    }
    assert_eq!(status(request("OPTIONS").set("", "OPTIONS sips:example.com SIP/2.0")), "200 OK");
}

#[test]
fn exactly_the_unknown_extensions_are_listed_with_420() {
    let asked = request("OPTIONS").add("Require: Path, gruu").add("Require: x.y").add("Proxy-Require: foo");
    let answer = Worker::usual().answer(asked);
    assert_eq!(answer.status(), "420 Bad Extension");
    assert_eq!(answer.header(HeaderId::Unsupported), "gruu, x.y");
    assert_eq!(status(request("OPTIONS").add("Require: path")), "200 OK");
    // A CANCEL has none, and one is not looked at (RFC 3261 §8.2.2.3).
    assert_eq!(status(request("CANCEL").add("Require: gruu")), "481 Call/Transaction Does Not Exist");
}

#[test]
fn hops_are_exhausted_only_for_what_would_go_on() {
    let last_hop = |method| status(request(method).set("Max-Forwards", "0"));
    assert_eq!(last_hop("OPTIONS"), "200 OK");
    assert_eq!(last_hop("REGISTER"), "404 Not Found");
    assert_eq!(last_hop("CANCEL"), "481 Call/Transaction Does Not Exist");
    assert_eq!(last_hop("INVITE"), "483 Too Many Hops");
    assert_eq!(last_hop("MESSAGE"), "483 Too Many Hops");
    assert_eq!(status(request("MESSAGE").without("Max-Forwards")), "405 Method Not Allowed");
}

#[test]
fn what_no_link_took_is_refused_in_the_right_words() {
    let in_dialog = |method| status(request(method).set("To", "<sip:alice@example.com>;tag=t1"));
    for method in ["CANCEL", "BYE"] {
        assert_eq!(status(request(method)), "481 Call/Transaction Does Not Exist");
    }
    for method in ["INVITE", "UPDATE", "INFO", "BYE", "NOTIFY", "CHAT"] {
        assert_eq!(in_dialog(method), "481 Call/Transaction Does Not Exist", "{method}");
    }
    let unserved = Worker::usual().answer(request("INVITE"));
    assert_eq!(unserved.status(), "405 Method Not Allowed");
    assert_eq!(unserved.header(HeaderId::Allow), "OPTIONS, REGISTER");
    assert_eq!(status(request("CHAT")), "501 Not Implemented");
    assert_eq!(status(request("register")), "501 Not Implemented", "methods are case-sensitive");
    assert_eq!(status(request("REGISTER")), "404 Not Found");
    assert_eq!(in_dialog("REGISTER"), "404 Not Found");
}

#[test]
fn options_are_answered_with_what_the_server_can_do() {
    let answer = Worker::usual().answer(request("OPTIONS").set("", "OPTIONS sip:nobody@example.com SIP/2.0"));
    assert_eq!(answer.status(), "200 OK");
    for (id, value) in [
        (HeaderId::Allow, "OPTIONS, REGISTER"),
        (HeaderId::Accept, ""),
        (HeaderId::AcceptEncoding, "identity"),
        (HeaderId::AcceptLanguage, "en"),
        (HeaderId::Supported, "path"),
        (HeaderId::ContentLength, "0"),
    ] {
        assert_eq!(answer.header(id), value, "{id:?}");
    }
}

#[test]
fn the_server_names_itself_in_every_answer_if_told_to() {
    let config = Config { server: Some("house/1".to_owned()), ..Config::default() };
    let mut worker = Worker::with(ReceiveChain::new(usual_links()), config);
    assert_eq!(worker.answer(request("OPTIONS")).header(HeaderId::Server), "house/1");
    assert_eq!(worker.answer(request("BYE")).header(HeaderId::Server), "house/1");
    assert_eq!(Worker::usual().answer(request("OPTIONS")).lines(HeaderId::Server), [""; 0]);
}

#[test]
fn an_ack_is_never_answered() {
    let mut worker = Worker::usual();
    // The CSeq of the INVITE before it, and a malformed one, change nothing.
    let invite = request("INVITE");
    worker.answer(invite.clone());
    for ack in [
        request("ACK"),
        invite.clone().set("", "ACK sip:example.com SIP/2.0"),
        request("ACK").set("", "ACK  sip:example.com SIP/2.0"),
        request("ACK").set("", "ACK sip:example.com SIP/3.0"),
        request("ACK").without("From"),
        request("ACK").add("Require: gruu"),
    ] {
        assert_eq!(worker.udp(ack.clone()), []);
        assert_eq!(worker.tcp(ack), []);
    }
    assert_eq!(worker.counters().acks, 12);
}

#[test]
fn responses_and_what_is_no_sip_are_counted_and_never_answered() {
    let mut worker = Worker::usual();
    for line in ["SIP/2.0 200 OK", "SIP/2.0 4294967301 better not break", "sip/2.0 200", "SIP/7.0 100 Trying"] {
        assert_eq!(worker.udp(request("OPTIONS").set("", line)), []);
    }
    assert_eq!(worker.udp("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"), []);
    assert_eq!(worker.udp("x\r\nVia: SIP/2.0/UDP 192.0.2.9\r\n\r\n"), [], "no amplifier for short datagrams");
    assert_eq!(worker.udp([0xFF; 100]), []);
    assert_eq!(worker.udp(""), []);
    assert_eq!(worker.udp([b'a'; 65_536]), []);
    assert_eq!(worker.udp(request("OPTIONS").without("Via")), []);
    assert_eq!(worker.udp(request("OPTIONS").set("Via", "SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK1;branch=z9hG4bK1")), []);
    let counters = worker.counters();
    assert_eq!((counters.stray_responses, counters.junk, counters.too_long, counters.no_via), (4, 4, 1, 2));
    assert_eq!(counters.requests, 0);
}

#[test]
fn a_source_beyond_its_budget_is_not_heard_whatever_it_sends() {
    let throttle = Throttle::new(Some(Rate { per_second: 1, burst: 3 }), None);
    let config = Config { throttle: Some(Arc::new(throttle)), ..Config::default() };
    let mut worker = Worker::with(ReceiveChain::new(usual_links()), config);
    let heard = |worker: &mut Worker, bytes: Vec<u8>| worker.udp(bytes).len();
    assert_eq!(heard(&mut worker, request("OPTIONS").bytes()), 1);
    assert_eq!(heard(&mut worker, request("OPTIONS").bytes()), 1, "a repetition counts");
    assert_eq!(heard(&mut worker, request("CHAT").without("To").bytes()), 1, "a malformed one counts");
    assert_eq!(heard(&mut worker, request("OPTIONS").bytes()), 0);
    assert_eq!(worker.counters().throttled, 1);
    worker.pass(1000);
    assert_eq!(heard(&mut worker, request("OPTIONS").bytes()), 1);
}

#[test]
fn every_end_of_a_request_is_told_with_its_reason() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut links = usual_links();
    links.insert(0, Link::new(Throttle::new(Some(Rate { per_second: 1, burst: 4 }), None)));
    let listener = told.clone();
    let dispatcher = Dispatcher::new(ReceiveChain::new(links), Config::default(), Share::WHOLE);
    let mut worker = Worker::driving(dispatcher.on_outcome(move |outcome| {
        let status = outcome.status.map(|status| status.code());
        listener.lock().unwrap().push((outcome.method.to_string(), status, outcome.reason));
    }));
    worker.udp(request("OPTIONS"));
    worker.udp(request("OPTIONS"));
    worker.udp(request("OPTIONS").set("CSeq", "2 OPTIONS").without("To"));
    worker.udp(request("OPTIONS").set("", "OPTIONS sip:example.com").set("CSeq", "3 OPTIONS"));
    worker.udp(request("BYE"));
    worker.udp(request("CHAT"));
    worker.udp(request("INVITE"));
    assert_eq!(
        *told.lock().unwrap(),
        [
            ("OPTIONS".to_owned(), Some(200), reason::OPTIONS_ANSWERED),
            ("OPTIONS".to_owned(), Some(400), reason::MISSING_HEADER),
            (String::new(), Some(400), reason::MALFORMED),
            ("BYE".to_owned(), Some(481), reason::NO_TRANSACTION),
            ("CHAT".to_owned(), Some(501), reason::METHOD_UNKNOWN),
            ("INVITE".to_owned(), None, reason::THROTTLED),
        ]
    );
}
