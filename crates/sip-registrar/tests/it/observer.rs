//! Observers are told of every change once it is accepted, and of nothing else.

use std::sync::Arc;

use sip_dispatch::Answer;
use sip_registrar::{Aor, Removal};

use crate::harness::{Change, Request, Server, Told, builder, register};

fn observed() -> (Server, Told) {
    let told = Told::default();
    (Server::new(builder().max_contacts(2).observer(Arc::new(told.clone()))), told)
}

fn change(why: &'static str, before: &[&str], after: &[&str]) -> Change {
    let owned = |uris: &[&str]| uris.iter().map(|&uri| uri.to_owned()).collect();
    Change { aor: "sip:alice@example.com".to_owned(), why, before: owned(before), after: owned(after) }
}

#[test]
fn every_change_is_told_with_before_and_after() {
    let (mut server, told) = observed();
    let (a, b, c) = ("sip:a@h", "sip:b@h", "sip:c@h");
    let steps: Vec<(Request, Option<Change>)> = vec![
        (register("a").contact(a).expires("60"), Some(change("registered", &[], &[a]))),
        (register("a").contact(a).expires("60"), None),
        (register("a").cseq(2).contact(a).expires("60"), Some(change("refreshed", &[a], &[a]))),
        (register("x"), None),
        (register("b").contact(b).expires("50"), Some(change("registered", &[a], &[a, b]))),
        (register("c").contact(c).expires("70"), Some(change("registered-evicting", &[a, b], &[a, c]))),
        (register("b").cseq(2).contact(b).expires("0"), None),
        (register("b").cseq(2).contact(b).expires("5"), None),
        (register("a").cseq(1).contact(a), None),
        (register("a").cseq(3).contact(a).expires("0"), Some(change("removed", &[a, c], &[c]))),
        (register("x").contact("*").expires("0"), Some(change("removed", &[c], &[]))),
        (register("x").contact("*").expires("0"), None),
    ];
    for (request, expected) in steps {
        server.send(&request);
        assert_eq!(told.take(), Vec::from_iter(expected), "{}", request.text(0));
    }
}

#[test]
fn expiry_is_told_when_it_is_swept() {
    let (mut server, told) = observed();
    server.registers(&register("a").contact("sip:a@h").expires("60"));
    server.registers(&register("b").contact("sip:b@h").expires("90"));
    told.take();
    server.pass(60);
    server.tick();
    assert_eq!(told.take(), [change("expired", &["sip:a@h", "sip:b@h"], &["sip:b@h"])]);
    server.pass(30);
    assert_eq!(server.registrar.expire(server.now), 1);
    assert_eq!(told.take(), [change("expired", &["sip:b@h"], &[])]);
    assert_eq!(server.registrar.expire(server.now), 0);
    assert_eq!(told.take(), []);
}

#[test]
fn what_an_operator_removes_is_told() {
    let (mut server, told) = observed();
    server.registers(&register("a").contact("sip:a@h,sip:b@h").expires("60"));
    told.take();
    let mut buffer = Vec::new();
    let aor = Aor::parse("alice@example.com", &mut buffer).unwrap();
    let uri = |text: &'static str| Removal::Contact(sip_message::Uri::parse(text.as_bytes()).unwrap());
    for (which, expected) in [
        (uri("sip:nobody@h"), None),
        (uri("sip:%61@H"), Some(change("removed-by-operator", &["sip:a@h", "sip:b@h"], &["sip:b@h"]))),
        (Removal::All, Some(change("removed-by-operator", &["sip:b@h"], &[]))),
        (Removal::All, None),
    ] {
        let Answer::Now(Ok(done)) = server.registrar.remove(&aor, which, server.now) else { panic!("{which:?}") };
        assert_eq!(done.is_change(), expected.is_some());
        assert_eq!(told.take(), Vec::from_iter(expected));
    }
}
