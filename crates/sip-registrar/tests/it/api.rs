//! What others may ask a registrar: query, expire, remove, and its settings (Net::SIP's contract).

use std::sync::Arc;

use sip_dispatch::{Answer, Link, ReceiveChain};
use sip_registrar::{Aor, MemoryLocation, Registrar, Removal};
use sip_transport::Tick;

use crate::harness::{Server, builder, register};

#[test]
fn the_defaults_are_those_of_net_sip() {
    let registrar = Registrar::builder().build().unwrap();
    let limits = registrar.limits();
    assert_eq!((limits.min_expires, limits.max_expires, limits.default_expires), (30, 300, 300));
    assert_eq!((limits.max_contacts, limits.jitter), (10, 10));
    assert!(registrar.domains().is_any());
}

#[test]
fn query_gives_what_is_registered_under_any_spelling() {
    let mut server = Server::new(builder());
    server.registers(&register("a").contact("<sip:a@h>, <sip:b@h>").expires("60"));
    let mut buffer = Vec::new();
    for text in ["alice@example.com", "sip:alice@EXAMPLE.com", "sips:%61lice@example.com:99;x"] {
        let record = server.record_of(&Aor::parse(text, &mut buffer).unwrap()).unwrap();
        let uris: Vec<_> = record.live(server.now.at).map(|binding| binding.uri.to_vec()).collect();
        assert_eq!(uris, [b"sip:a@h", b"sip:b@h"]);
    }
    assert_eq!(server.record_of(&Aor::parse("bob@example.com", &mut buffer).unwrap()), None);
}

#[test]
fn expire_removes_what_has_expired_and_says_how_many() {
    let location = Arc::new(MemoryLocation::default());
    let mut server = Server::new(builder().location(location.clone()));
    for n in 0..3000 {
        let to = format!("<sip:{n}@example.com>");
        let expires = if n % 3 == 0 { "60" } else { "200" };
        server.registers(&register("a").to(&to).contact("<sip:a@h>").expires(expires));
    }
    server.pass(60);
    assert_eq!((location.bindings(), server.registrar.expire(server.now), location.bindings()), (3000, 1000, 2000));
    server.pass(140);
    assert_eq!((server.registrar.expire(server.now), location.bindings()), (2000, 0));
}

#[test]
fn a_tick_keeps_to_its_budget_and_says_when_there_is_more() {
    let location = Arc::new(MemoryLocation::default());
    let mut server = Server::new(builder().location(location.clone()));
    for n in 0..2500 {
        server.registers(&register("a").to(&format!("<sip:{n}@example.com>")).contact("<sip:a@h>").expires("60"));
    }
    server.pass(60);
    let left: Vec<_> = (0..3).map(|_| (server.tick(), location.bindings())).collect();
    assert_eq!(left, [(Tick::More, 1500), (Tick::More, 500), (Tick::Done, 0)]);
}

#[test]
fn remove_takes_one_or_all() {
    let mut server = Server::new(builder());
    server.registers(&register("a").contact("<sip:a@h>, <sip:b@h>, <sip:c@h>"));
    let mut buffer = Vec::new();
    let aor = Aor::parse("alice@example.com", &mut buffer).unwrap();
    let uri = Removal::Contact(sip_message::Uri::parse(b"sip:b@H;x=1").unwrap());
    for (which, left) in [(uri, 2), (uri, 2), (Removal::All, 0), (Removal::All, 0)] {
        assert!(matches!(server.registrar.remove(&aor, which, server.now), Answer::Now(Ok(_))));
        assert_eq!(server.record().map_or(0, |record| record.len()), left);
    }
}

#[test]
fn clones_are_one_registrar() {
    let registrar = builder().build().unwrap();
    let mut first = Server::with_chain(registrar.clone(), ReceiveChain::new([Link::from(registrar.clone())]));
    let second = Server::with_chain(registrar.clone(), ReceiveChain::new([Link::from(registrar)]));
    first.registers(&register("a").contact("<sip:a@h>"));
    assert_eq!(second.record().map(|record| record.len()), Some(1));
}

#[test]
fn other_methods_are_passed_on() {
    let registrar = builder().build().unwrap();
    let mut server = Server::with_chain(registrar.clone(), ReceiveChain::new([Link::from(registrar)]));
    assert_eq!(server.send(&register("a").line("OPTIONS sip:example.com SIP/2.0")).code(), 501);
}
