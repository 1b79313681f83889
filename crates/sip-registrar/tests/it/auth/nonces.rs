//! Nothing that was captured can be used again.

use sip_message::HeaderId;
use sip_registrar::auth::NonceKeys;

use super::*;

#[test]
fn right_credentials_on_an_old_nonce_are_stale_and_wrong_ones_are_not() {
    let mut server = guarded(link().nonce_life(60));
    let challenge = server.challenged(&contact("a"));
    server.pass(60);
    let wrong = Phone { password: "guess".to_owned(), ..phone("alice") };
    let stale = |server: &mut Server, credentials: &str| {
        let response = server.send(&with(contact("a").cseq(2), credentials));
        challenges(&response)[0].stale
    };
    assert_eq!(server.send(&with(contact("b").cseq(1), &phone("alice").answer(&challenge))).code(), 200);
    let challenge = server.challenged(&contact("a"));
    server.pass(61);
    assert!(stale(&mut server, &phone("alice").answer(&challenge)));
    assert_eq!(server.reason(), "stale-nonce");
    assert!(!stale(&mut server, &wrong.answer(&challenge)));
    assert!(!stale(&mut server, &phone("erich").answer(&challenge)));
    // A nonce of before a restart, or of somebody else.
    let foreign = [Challenged { nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093".to_owned(), ..challenge[0].clone() }];
    assert!(stale(&mut server, &phone("alice").answer(&foreign)));
    assert!(!stale(&mut server, &wrong.answer(&foreign)));
    // The new nonce of a stale challenge is good.
    let response = server.send(&with(contact("a").cseq(3), &phone("alice").answer(&challenge)));
    let renewed = phone("alice").answer(&challenges(&response));
    assert_eq!(server.send(&with(contact("a").cseq(4), &renewed)).code(), 200);
}

#[test]
fn forged_and_damaged_nonces_never_register() {
    let mut server = guarded(link());
    let challenge = server.challenged(&contact("a"));
    let nonce = challenge[0].nonce.clone();
    let forged =
        [&nonce[..39], &nonce[..20], "", &format!("{nonce}A"), &nonce.replace(&nonce[..1], "!")].map(str::to_owned);
    for (n, nonce) in forged.into_iter().enumerate() {
        let forged = [Challenged { nonce, ..challenge[0].clone() }];
        let response = server.send(&with(contact("a").cseq(2), &phone("alice").answer(&forged)));
        assert_eq!((response.code(), server.reason()), (401, "stale-nonce"), "{n}");
    }
    assert!(server.record().is_none());
}

#[test]
fn a_count_may_only_rise() {
    let mut server = guarded(link());
    let challenge = server.challenged(&contact("a"));
    let mut cseq = 1;
    let mut send = |server: &mut Server, nc| {
        cseq += 1;
        let credentials = Phone { nc: Some(nc), ..phone("alice") }.answer(&challenge);
        server.send(&with(contact("a").cseq(cseq), &credentials))
    };
    for (nc, code) in [(1, 200), (2, 200), (2, 401), (1, 401), (9, 200), (8, 401), (10, 200)] {
        let response = send(&mut server, nc);
        assert_eq!(response.code(), code, "{nc}");
        if code == 401 {
            assert_eq!((server.reason(), challenges(&response)[0].stale), ("used-nonce", true));
            assert!(response.contacts().is_empty());
        }
    }
}

#[test]
fn a_captured_request_is_worth_nothing_to_another() {
    let mut server = guarded(link());
    let challenge = server.challenged(&contact("a"));
    let credentials = phone("alice").answer(&challenge);
    assert_eq!(server.send(&with(contact("a").cseq(2), &credentials)).code(), 200);
    let before = server.record();
    let evil = register("evil").contact("<sip:evil@203.0.113.66>");
    server.peer.remote = "203.0.113.66:5060".parse().unwrap();
    assert_eq!(server.send(&with(evil.clone(), &credentials)).code(), 401);
    // Nor without its counters, nor for another method.
    let bare = credentials.replace(", qop=auth, nc=00000001, cnonce=\"0a4f113b\"", "");
    assert_eq!(server.send(&with(evil.clone(), &bare)).code(), 401);
    let invite = evil.line("INVITE sip:alice@example.com SIP/2.0");
    let response = server.send(&with(invite, &credentials.replace("sip:example.com", "sip:alice@example.com")));
    assert_eq!(response.code(), 401);
    server.peer = crate::harness::local_peer();
    assert_eq!(server.record(), before);
}

#[test]
fn an_answer_without_qop_serves_for_one_set_of_contacts() {
    let mut server = guarded(link());
    let old = Phone { qop: None, ..phone("alice") };
    let challenge = server.challenged(&contact("a"));
    let credentials = old.answer(&challenge);
    let mut send = |request: Request| server.send(&with(request, &credentials)).code();
    assert_eq!(send(contact("a").cseq(2)), 200);
    // pyVoIP sends the same answer with the same nonce again.
    assert_eq!(send(contact("a").cseq(3)), 200);
    assert_eq!(send(register("x").contact("<sip:evil@203.0.113.66>")), 401);
    assert_eq!(send(contact("x").contact("<sip:evil@203.0.113.66>")), 401);
    assert_eq!(send(register("a").cseq(4).contact("<sip:phone@127.0.0.1:7777>;expires=0")), 401);
    assert_eq!(send(contact("a").cseq(5).expires("0")), 401);
    assert_eq!(send(register("a").cseq(6).contact("*").expires("0")), 401);
    assert_eq!(send(contact("a").cseq(7).header("Path: <sip:evil.example;lr>")), 401);
    assert_eq!(send(contact("a").cseq(7)), 200);
    let here = server.peer.remote;
    server.peer.remote = "203.0.113.66:5060".parse().unwrap();
    let elsewhere = server.send(&with(contact("b").cseq(8), &credentials));
    assert_eq!((elsewhere.code(), elsewhere.contacts().len()), (401, 0));
    server.peer.remote = here;
    // Nor does a count make it good for others.
    let counted = phone("alice").answer(&challenge);
    assert_eq!(server.send(&with(register("x"), &counted)).code(), 401);
}

#[test]
fn an_answer_without_qop_can_be_refused() {
    let policy = sip_registrar::auth::Policy { qop_may_be_missing: false, ..Default::default() };
    let mut server = guarded(link().policy(policy));
    let old = Phone { qop: None, ..phone("alice") };
    let response = server.answers(&old, &contact("a"));
    assert_eq!((response.status().as_str(), server.reason()), ("400 Missing qop", "bad-credentials"));
}

#[test]
fn a_challenge_as_in_rfc_2069_has_no_qop() {
    let policy = sip_registrar::auth::Policy { qops: Vec::new(), ..Default::default() };
    let mut server = guarded(link().policy(policy));
    assert_eq!(server.challenged(&contact("a"))[0].qop, None);
    assert_eq!(server.answers(&Phone { qop: None, ..phone("alice") }, &contact("a")).code(), 200);
    assert_eq!(server.answers(&phone("alice"), &contact("b")).status(), "400 qop Was Not Offered");
}

#[test]
fn a_nonce_may_be_bound_to_where_it_was_sent() {
    let mut server = guarded(link().bind_nonce_to_source(true));
    let challenge = server.challenged(&contact("a"));
    let here = server.peer.remote;
    server.peer.remote = "127.0.0.2:40000".parse().unwrap();
    let response = server.send(&with(contact("a").cseq(2), &phone("alice").answer(&challenge)));
    assert!(challenges(&response)[0].stale);
    // Another port of the same address is the same phone behind its router.
    server.peer.remote = (here.ip(), 40001).into();
    assert_eq!(server.send(&with(contact("a").cseq(2), &phone("alice").answer(&challenge))).code(), 200);
}

#[test]
fn nodes_share_nonces_and_a_restarted_one_does_not_believe_its_past() {
    let node = || guarded(link().nonce_keys(NonceKeys::shared([[7; 32]]).unwrap()));
    let (mut one, mut other) = (node(), node());
    // Both have begun, and know their own nonces at once.
    for server in [&mut one, &mut other] {
        assert_eq!(server.answers(&phone("alice"), &contact("a")).code(), 200);
        server.pass(1);
    }
    let challenge = one.challenged(&contact("a"));
    let credentials = phone("alice").answer(&challenge);
    assert_eq!(other.send(&with(contact("a").cseq(2), &credentials)).code(), 200);
    let mut restarted = node();
    restarted.pass(2);
    let response = restarted.send(&with(contact("b").cseq(2), &credentials));
    assert_eq!((challenges(&response)[0].stale, restarted.reason()), (true, "used-nonce"));
}

#[test]
fn a_repetition_is_answered_as_before_and_is_no_replay() {
    let mut server = guarded(link());
    let challenge = server.challenged(&contact("a"));
    let text = with(contact("a").cseq(2), &phone("alice").answer(&challenge)).text(77);
    let first = server.receive(text.as_bytes()).unwrap();
    assert_eq!(first.code(), 200);
    assert_eq!(server.receive(text.as_bytes()).as_ref(), Some(&first));
}

#[test]
fn of_a_challenge_nothing_is_kept_and_of_a_refusal_the_answer() {
    let mut server = guarded(link());
    let text = contact("a").text(77);
    let [first, again] = [1, 2].map(|_| server.receive(text.as_bytes()).unwrap());
    assert_ne!(challenges(&first)[0].nonce, challenges(&again)[0].nonce);
    assert_eq!(first.lines(HeaderId::To), again.lines(HeaderId::To));
    // A wrong password that comes twice is one.
    let wrong = Phone { password: "guess".to_owned(), ..phone("alice") };
    let text = with(contact("a").cseq(2), &wrong.answer(&challenges(&first))).text(78);
    let [first, again] = [1, 2].map(|_| server.receive(text.as_bytes()).unwrap());
    assert_eq!(first, again);
}

#[test]
fn a_success_may_bring_the_next_nonce() {
    let mut server = guarded(link().next_nonce(true));
    let response = server.answers(&phone("alice"), &contact("a"));
    let [info] = &response.lines(HeaderId::AuthenticationInfo)[..] else { panic!("{response:?}") };
    let nonce = info.strip_prefix("nextnonce=\"").unwrap().strip_suffix('"').unwrap().to_owned();
    let next = [Challenged {
        realm: "example.com".to_owned(),
        nonce,
        algorithm: "MD5".to_owned(),
        qop: None,
        opaque: None,
        stale: false,
        userhash: false,
    }];
    let response = server.send(&with(contact("a").cseq(3), &phone("alice").answer(&next)));
    assert_eq!(response.code(), 200);
    // A refusal brings none.
    let too_brief = register("a").contact("<sip:phone@127.0.0.1:7777>;expires=5");
    let response = server.answers(&phone("alice"), &too_brief);
    assert_eq!((response.code(), response.lines(HeaderId::AuthenticationInfo).len()), (423, 0));
}
