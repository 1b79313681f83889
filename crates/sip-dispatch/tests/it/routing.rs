//! What an answer repeats of its request, and where it goes (RFC 3261 §8.2.6, §18.2; RFC 3581 §4).

use sip_dispatch::{Exchange, Status, Verdict, reason};
use sip_message::HeaderId;
use sip_transport::{Destination, LegId};

use crate::harness::{CLIENT, Response, Worker, chain_with, link, one, request, udp_from};

fn datagram_to(answer: &Response) -> String {
    match answer.to {
        Destination::Datagram { leg, remote } => {
            assert_eq!(leg, LegId(2), "it leaves by the leg on which the request came");
            remote.to_string()
        }
        Destination::Stream(_) => unreachable!("{answer:?}"),
    }
}

#[test]
fn an_answer_repeats_what_identifies_its_request() {
    let asked = request("OPTIONS").add("Via: SIP/2.0/TCP b;branch=2, SIP/2.0/TCP c").add("Via: SIP/2.0/TLS d");
    let answer = Worker::usual().answer(asked);
    assert_eq!(
        answer.lines(HeaderId::Via),
        ["SIP/2.0/UDP 192.0.2.4:40000;branch=z9hG4bKOPTIONS", "SIP/2.0/TCP b;branch=2, SIP/2.0/TCP c", "SIP/2.0/TLS d"]
    );
    assert_eq!(answer.header(HeaderId::From), "<sip:alice@example.com>;tag=f1");
    assert_eq!(answer.header(HeaderId::CallId), "c1@192.0.2.4");
    assert_eq!(answer.header(HeaderId::CSeq), "1 OPTIONS");
}

#[test]
fn to_gets_a_tag_unless_it_has_one() {
    let mut worker = Worker::usual();
    let first = worker.answer(request("OPTIONS")).header(HeaderId::To);
    let tag = first.strip_prefix("<sip:alice@example.com>;tag=").unwrap();
    assert!(tag.len() == 16 && tag.bytes().all(|letter| matches!(letter, b'a'..=b'p')), "{tag}");
    // Another request another tag; another server another tag.
    assert_ne!(worker.answer(request("OPTIONS").set("CSeq", "2 OPTIONS")).header(HeaderId::To), first);
    assert_ne!(Worker::usual().answer(request("OPTIONS")).header(HeaderId::To), first);
    // PySIP repeats the tag of the 401 in its authenticated REGISTER.
    let tagged = worker.answer(request("REGISTER").set("To", "<sip:alice@example.com>;tag=as1"));
    assert_eq!(tagged.header(HeaderId::To), "<sip:alice@example.com>;tag=as1");
    // sipsak and Net::SIP send To without angle brackets.
    let bare = worker.answer(request("OPTIONS").set("CSeq", "3 OPTIONS").set("To", "sip:alice@example.com;tag=x"));
    assert_eq!(bare.header(HeaderId::To), "sip:alice@example.com;tag=x");
}

#[test]
fn a_request_is_answered_with_the_same_tag_even_if_its_answer_was_forgotten() {
    let mut worker = Worker::usual();
    let first = one(worker.tcp(request("OPTIONS")));
    assert_eq!(one(worker.tcp(request("OPTIONS"))), first, "streams remember nothing");
}

#[test]
fn the_wire_shows_where_the_request_came_from() {
    for (via, to, shown) in [
        ("SIP/2.0/UDP 192.0.2.4:5070;branch=z9hG4bK1", "192.0.2.4:5070", ""),
        ("SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1", "192.0.2.4:5070", ";received=192.0.2.4"),
        ("SIP/2.0/UDP pc.example.com;branch=z9hG4bK1", "192.0.2.4:5060", ";received=192.0.2.4"),
        ("SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;rport", CLIENT, "=40000;received=192.0.2.4"),
    ] {
        let answer = Worker::usual().answer(request("OPTIONS").set("Via", via));
        assert_eq!(answer.header(HeaderId::Via), format!("{via}{shown}"));
        assert_eq!(datagram_to(&answer), to, "{via}");
    }
    // What the sender says about itself is replaced; rport may stand before the branch (pjsua).
    let asked = request("OPTIONS").set("Via", "SIP/2.0/UDP 10.0.0.1;rport=1;received=203.0.113.1;branch=z9hG4bK1");
    let answer = Worker::usual().answer(asked);
    assert_eq!(answer.header(HeaderId::Via), "SIP/2.0/UDP 10.0.0.1;rport=40000;branch=z9hG4bK1;received=192.0.2.4");
    assert_eq!(datagram_to(&answer), CLIENT);
}

#[test]
fn ipv6_is_answered_like_ipv4() {
    let asked = request("OPTIONS").set("Via", "SIP/2.0/UDP [2001:db8::9]:5070;branch=z9hG4bK1;rport").bytes();
    let answer = one(Worker::usual().receive(&asked, udp_from("[2001:db8::4]:40000")));
    assert_eq!(
        answer.header(HeaderId::Via),
        "SIP/2.0/UDP [2001:db8::9]:5070;branch=z9hG4bK1;rport=40000;received=2001:db8::4"
    );
    assert_eq!(datagram_to(&answer), "[2001:db8::4]:40000");
}

#[test]
fn a_stream_is_answered_on_its_connection() {
    let asked = request("OPTIONS").set("Via", "SIP/2.0/TCP 10.0.0.1:5070;branch=z9hG4bK1");
    let answer = one(Worker::usual().tcp(asked));
    assert!(matches!(answer.to, Destination::Stream(flow) if flow.slot == 7 && flow.generation == 3));
    assert_eq!(answer.header(HeaderId::Via), "SIP/2.0/TCP 10.0.0.1:5070;branch=z9hG4bK1;received=192.0.2.4");
}

#[test]
fn via_may_stand_anywhere_and_in_its_compact_form() {
    let via = "SIP/2.0/UDP 192.0.2.4:5070;branch=z9hG4bK1";
    for place in [3, 99] {
        // sipbot puts it into the middle, aiosip to the end.
        let asked = request("OPTIONS").set("Via", via).moved("Via", place);
        assert_eq!(Worker::usual().answer(asked).header(HeaderId::Via), via);
    }
    let compact = request("OPTIONS").without("Via").add(&format!("v:{via}"));
    assert_eq!(Worker::usual().answer(compact).header(HeaderId::Via), via);
}

#[test]
fn an_answer_that_does_not_fit_a_datagram_becomes_500_and_what_cannot_even_be_that_is_dropped() {
    let with_long_contact = |ex: &mut Exchange<'_>| {
        let contact = format!("<sip:{}@example.com>", "y".repeat(2000));
        Verdict::Handled(ex.reply(Status::OK, reason::OPTIONS_ANSWERED, |answer| {
            answer.header(HeaderId::Contact, contact.as_str());
        }))
    };
    let mut worker = Worker::new(chain_with([link(with_long_contact)]));
    let from = |length| {
        let asked = request("OPTIONS").set("CSeq", &format!("{length} OPTIONS"));
        asked.set("From", &format!("<sip:{}@example.com>;tag=1", "x".repeat(length)))
    };
    assert_eq!(worker.answer(from(63_000)).status(), "200 OK");
    assert_eq!(worker.answer(from(64_000)).status(), "500 Server Internal Error");
    assert_eq!(one(worker.tcp(from(63_100))).status(), "200 OK");
    let as_long_as_can_be = 65_535 - (from(10_000).bytes().len() - 10_000);
    assert_eq!(worker.udp(from(as_long_as_can_be)), []);
}
