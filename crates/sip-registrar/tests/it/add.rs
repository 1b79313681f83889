//! What an operator adds is bound as a phone's contact is, for as long as the operator says.

use std::sync::Arc;

use sip_dispatch::Answer;
use sip_registrar::{AddError, Addition, Aor, Eviction, Nat, PlanError, RegisterError, Registered, Target};
use sip_transport::Transport;

use crate::harness::{Server, Told, builder, register};

fn adds(server: &Server, aor: &str, addition: &Addition<'_>) -> Result<Registered, AddError> {
    let mut buffer = Vec::new();
    match server.registrar.add(&Aor::parse(aor, &mut buffer).unwrap(), addition, server.now) {
        Answer::Now(done) => done,
        _ => panic!("memory does not wait"),
    }
}

fn addition(contact: &str) -> Addition<'_> {
    Addition { contact: contact.as_bytes(), expires: u32::MAX, path: b"" }
}

#[test]
fn it_lasts_beyond_the_limits_of_phones_and_callers_are_sent_there() {
    let mut server = Server::new(builder());
    adds(&server, "alice@example.com", &addition("<sip:gateway@192.0.2.9>;q=0.3;expires=5")).unwrap();
    server.pass(100 * 365 * 86_400);
    server.registrar.expire(server.now);
    assert_eq!(server.bindings().len(), 1);
    let record = server.record().unwrap();
    let binding = record.bindings().next().unwrap();
    assert_eq!((binding.contact, binding.granted), (b"<sip:gateway@192.0.2.9>;q=0.3".as_slice(), u32::MAX));
    let response = server.send(&register("i").line("INVITE sip:alice@example.com SIP/2.0"));
    assert_eq!((response.code(), response.contacts().len()), (302, 1));
    adds(&server, "bob@example.com", &Addition { expires: 1, ..addition("sip:b@h") }).unwrap();
    server.pass(1);
    assert_eq!(server.registrar.expire(server.now), 1);
}

#[test]
fn it_is_reached_where_its_uri_points() {
    for (contact, path, transport, nat) in [
        ("sip:g@192.0.2.9", "", Transport::Udp, Nat::Direct),
        ("sip:g@[2001:db8::1]:5070", "", Transport::Udp, Nat::Direct),
        ("sip:g@192.0.2.9;transport=TCP", "", Transport::Tcp, Nat::Direct),
        ("sips:g@192.0.2.9", "", Transport::Tls, Nat::Direct),
        ("sip:g@gateway.example.net", "", Transport::Udp, Nat::Unknown),
        ("tel:+4930123", "", Transport::Udp, Nat::Unknown),
        ("sip:g@192.0.2.9", "<sip:edge.example.net;lr>", Transport::Udp, Nat::Proxied),
    ] {
        let server = Server::new(builder());
        let done = adds(&server, "alice@example.com", &Addition { path: path.as_bytes(), ..addition(contact) });
        let record = done.unwrap().after.unwrap();
        let binding = record.bindings().next().unwrap();
        let target = if path.is_empty() { Target::Uri(contact.as_bytes()) } else { Target::Path(path.as_bytes()) };
        assert_eq!((binding.target(), binding.transport, binding.nat()), (Some(target), transport, nat), "{contact}");
    }
}

#[test]
fn the_same_contact_is_renewed_and_observers_are_told_who_did_it() {
    let told = Told::default();
    let mut server = Server::new(builder().observer(Arc::new(told.clone())));
    for before in [0, 1] {
        adds(&server, "alice@example.com", &addition("sip:g@h;transport=tcp")).unwrap();
        let [change] = &told.take()[..] else { panic!("one change") };
        assert_eq!((change.why, change.before.len(), change.after.len()), ("added-by-operator", before, 1));
    }
    // A phone at the same contact takes it over.
    server.registers(&register("a").contact("<sip:g@h;transport=tcp>").expires("60"));
    assert_eq!(server.record().unwrap().bindings().next().unwrap().granted, 60);
}

#[test]
fn what_is_wrong_is_refused_and_changes_nothing() {
    let own = builder().own_address("192.0.2.1", 5060);
    let mut server = Server::new(own.max_contacts(1).eviction(Eviction::Refuse));
    let bad = |error: PlanError| AddError::Plan(error);
    let long = format!("sip:{}@h", "x".repeat(2000));
    for (aor, addition, error) in [
        ("a@elsewhere.org", addition("sip:g@h"), AddError::ForeignDomain),
        ("alice@example.com", Addition { expires: 0, ..addition("sip:g@h") }, AddError::NoExpiry),
        ("alice@example.com", addition("<sip:g@h>, <sip:f@h>"), bad(PlanError::TooManyContacts)),
        ("alice@example.com", addition("<sip:g@h>;reg-id=1;+sip.instance=\"<urn:x>\""), AddError::NoFlow),
        ("alice@example.com", addition("sip:g@h;ob"), AddError::NoFlow),
        ("alice@example.com", addition("sip:g@192.0.2.1"), bad(PlanError::Loop)),
        ("alice@example.com", addition("*"), bad(PlanError::StarMisused)),
        ("alice@example.com", addition(""), bad(PlanError::BadContact)),
        ("alice@example.com", addition("http://h/"), bad(PlanError::BadContact)),
        ("alice@example.com", addition("<sip:g@h>\r\nExpires: 0"), bad(PlanError::BadContact)),
        ("alice@example.com", addition("<sip:g@h"), bad(PlanError::BadContact)),
        ("alice@example.com", addition(&long), bad(PlanError::TooLong)),
        ("alice@example.com", Addition { path: b"nonsense <", ..addition("sip:g@h") }, bad(PlanError::BadContact)),
        ("alice@example.com", Addition { path: b"<sip:p>", ..addition("sips:g@h") }, bad(PlanError::SipsRequired)),
    ] {
        assert_eq!(adds(&server, aor, &addition).unwrap_err(), error, "{aor} {addition:?}");
        assert_eq!(server.record(), None);
    }
    server.registers(&register("a").contact("<sip:phone@h>").expires("60"));
    let full = adds(&server, "alice@example.com", &addition("sip:g@h")).unwrap_err();
    assert_eq!(full, AddError::Register(RegisterError::TooManyContacts));
    assert_eq!(server.bindings().len(), 1);
}

#[test]
fn two_contacts_are_more_than_one() {
    let server = Server::new(builder());
    assert_eq!(adds(&server, "alice@example.com", &addition("<sip:g@h>, <sip:f@h>")).unwrap_err(), AddError::NotOne);
    assert_eq!(server.record(), None);
}
