//! Requests that do not register.

use crate::harness::{Phone, Registrar, Request};

/// Leaves alice at two places and returns the phone of one who wants to call her.
fn with_alice_registered(registrar: &Registrar) -> Phone {
    let contacts = "<sip:later@127.0.0.1:7001>;q=0.2, <sip:first@127.0.0.1:7002>;q=0.8";
    let register = Request::register("sip:alice@example.com").contact(contacts);
    assert_eq!(Phone::tcp(registrar.tcp()).ask(&register).contacts().len(), 2);
    Phone::udp(registrar.udp())
}

fn invite(aor: &str) -> Request {
    Request::new("INVITE", aor, aor).contact("<sip:caller@127.0.0.1:7003>")
}

#[test]
fn with_redirect_a_caller_is_told_every_contact_the_preferred_one_first() {
    let registrar = Registrar::configured("[registrar]\nredirect = true\n[flows]\nfollow = false");
    let mut caller = with_alice_registered(&registrar);
    let answer = caller.ask(&invite("sip:alice@example.com"));
    assert_eq!(answer.status(), 302);
    let contacts = answer.contacts();
    assert!(contacts.len() == 2 && contacts[0].contains("first@") && contacts[1].contains("later@"), "{contacts:?}");
    // What a redirect does not understand it ignores (RFC 3261 section 8.3).
    assert_eq!(caller.ask(&invite("sip:alice@example.com").with("Require: 100rel")).status(), 302);
    assert_eq!(caller.ask(&invite("sip:nobody@example.com")).status(), 480);
    registrar.stop();
}

#[test]
fn without_redirect_a_caller_is_told_what_is_served() {
    let registrar = Registrar::start();
    let mut caller = with_alice_registered(&registrar);
    let answer = caller.ask(&invite("sip:alice@example.com"));
    assert_eq!((answer.status(), answer.header("Allow")), (405, "REGISTER, OPTIONS"));
    registrar.stop();
}

#[test]
fn options_is_answered_with_what_is_served() {
    let registrar = Registrar::start();
    for leg in registrar.legs() {
        let to = format!("sip:{}", leg.addr);
        let answer = leg.phone().ask(&Request::new("OPTIONS", &to, &to));
        assert_eq!((answer.status(), answer.header("Allow")), (200, "REGISTER, OPTIONS"));
        answer.header("Accept");
        answer.header("Supported");
    }
    registrar.stop();
}
