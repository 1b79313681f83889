//! How many contacts there may be (needs: no lock-out; threats: contact bombs).

use sip_registrar::{Eviction, MemoryLocation, Registrar, RegistrarBuilder};
use std::sync::Arc;

use crate::harness::{Server, builder, register};

const REFUSED: (&str, &str) = ("403 Too Many Contacts", "too-many-contacts");

/// A server that allows three bindings and has them: a, b and c, which expires soonest.
fn full(builder: RegistrarBuilder) -> Server {
    let mut server = Server::new(builder.max_contacts(3));
    for (name, expires) in [("a", "200"), ("b", "150"), ("c", "100")] {
        server.registers(&register(name).contact(&format!("<sip:{name}@h>")).expires(expires));
    }
    server
}

fn names(contacts: &[String]) -> String {
    contacts.iter().map(|contact| contact.split_once("sip:").unwrap().1.split_once('@').unwrap().0).collect()
}

#[test]
fn the_binding_that_would_expire_soonest_makes_room() {
    let mut server = full(builder());
    assert_eq!(names(&server.registers(&register("d").contact("<sip:d@h>").expires("50"))), "dab");
    assert_eq!(server.reason(), "registered-evicting");
    // Those of the request itself never go, though they expire sooner.
    assert_eq!(names(&server.registers(&register("e").contact("<sip:e@h>,<sip:f@h>").expires("30"))), "efa");
}

#[test]
fn a_binding_that_the_request_renews_does_not_go() {
    let mut server = full(builder());
    let contacts = server.registers(&register("c").cseq(2).contact("<sip:c@h>;expires=40, <sip:d@h>").expires("50"));
    assert_eq!(names(&contacts), "cda");
}

#[test]
fn refusing_is_the_other_policy() {
    let mut server = full(builder().eviction(Eviction::Refuse));
    let (status, reason) = server.refuses(&register("d").contact("<sip:d@h>"));
    assert_eq!((status.as_str(), reason), REFUSED);
    // Who leaves makes room, in the same request too, and so does time.
    let contacts = server.registers(&register("d").contact("<sip:d@h>, <sip:a@h>;expires=0"));
    assert_eq!(names(&contacts), "dbc");
    assert_eq!(server.registers(&register("b").cseq(2).contact("<sip:b@h>")).len(), 3);
    server.pass(100);
    assert_eq!(names(&server.registers(&register("e").contact("<sip:e@h>"))), "ebd");
}

#[test]
fn a_request_names_no_more_than_there_may_be() {
    let mut server = Server::new(builder().max_contacts(3));
    let contacts = |n: usize| (0..n).map(|n| format!("<sip:{n}@h>")).collect::<Vec<_>>().join(",");
    let (status, reason) = server.refuses(&register("a").contact(&contacts(4)));
    assert_eq!((status.as_str(), reason), REFUSED);
    assert_eq!(server.registers(&register("a").contact(&contacts(3))).len(), 3);
    // More may be removed, but not without end.
    assert!(server.registers(&register("b").contact(&contacts(32)).expires("0")).is_empty());
    let (status, reason) = server.refuses(&register("b").contact(&contacts(33)).expires("0"));
    assert_eq!((status.as_str(), reason), REFUSED);
}

#[test]
fn a_lowered_limit_refuses_nothing_that_adds_nothing() {
    let location = Arc::new(MemoryLocation::default());
    let mut server = Server::new(builder().location(location.clone()));
    for name in ["a", "b", "c", "d", "e"] {
        server.registers(&register(name).contact(&format!("<sip:{name}@h>")));
    }
    for eviction in [Eviction::SoonestToExpire, Eviction::Refuse] {
        server = Server::new(builder().location(location.clone()).max_contacts(2).eviction(eviction));
        let cseq = if eviction == Eviction::Refuse { 3 } else { 2 };
        assert_eq!(server.registers(&register("a").cseq(cseq).contact("<sip:a@h>")).len(), 5);
    }
    assert_eq!(server.registers(&register("e").cseq(2).contact("<sip:e@h>").expires("0")).len(), 4);
    let (status, reason) = server.refuses(&register("f").contact("<sip:f@h>, <sip:d@h>;expires=0"));
    assert_eq!((status.as_str(), reason), REFUSED);
    server = Server::new(builder().location(location).max_contacts(2));
    let contacts = server.registers(&register("f").contact("<sip:f@h>"));
    assert_eq!((contacts.len(), server.reason()), (2, "registered-evicting"));
}

#[test]
fn the_answer_is_bounded_however_many_long_contacts_there_are() {
    let mut server = Server::new(builder().max_contacts(255));
    let long = "x".repeat(900);
    let mut last = String::new();
    for n in 0..200 {
        last = format!("<sip:{n}@h;p={long}>");
        let contacts = server.registers(&register(&n.to_string()).contact(&last).expires("60"));
        assert_eq!(contacts[0], format!("{last};expires=60"));
        assert!(contacts.iter().map(String::len).sum::<usize>() < 34 * 1024);
    }
    let all = server.record().unwrap();
    assert!(all.len() == 200 && all.bindings().last().unwrap().contact == last.as_bytes());
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    for (builder, text) in [
        (Registrar::builder().min_expires(0), "min_expires is 0: a binding lives for at least one second"),
        (Registrar::builder().min_expires(400), "min_expires (400) is greater than max_expires (300)"),
        (
            Registrar::builder().default_expires(20),
            "default_expires (20) is not between min_expires (30) and max_expires (300)",
        ),
        (
            Registrar::builder().default_expires(301),
            "default_expires (301) is not between min_expires (30) and max_expires (300)",
        ),
        (Registrar::builder().jitter(101), "jitter (101) is not between 0 and 100 percent"),
        (Registrar::builder().max_contacts(0), "max_contacts (0) is not between 1 and 255"),
        (Registrar::builder().max_contacts(256), "max_contacts (256) is not between 1 and 255"),
    ] {
        assert_eq!(builder.build().unwrap_err().to_string(), text);
    }
    let error = Registrar::builder().domains(["exa mple"]).build().unwrap_err().to_string();
    assert!(error.contains("\"exa mple\" is no domain"), "{error}");
}
