//! Credentials for another realm, another nonce's realm, another uri.

use super::{Target, theft};
use crate::harness::{Answer, Challenge, Request};

const ALICE: &str = "sip:alice@example.com";

#[test]
fn the_user_of_that_name_in_another_domain_is_somebody_else_though_the_password_is_the_same() {
    let target = Target::start("");
    let org = target.challenge(&theft("sip:alice@example.org"));
    assert_eq!(org.realm, "example.org");
    let credentials = Answer::of("alice").to(&org);
    // They are for another realm, and so nobody has proved anything.
    target.refuses_everywhere(&theft(ALICE).authorized(&credentials), 401);
    // The realm they are for, for an address of the other.
    let crossed = theft(ALICE).from("sip:alice@example.org").authorized(&credentials);
    target.refuses(&mut target.legs()[0].phone(), &crossed, 403);
    // A realm that is served by nobody.
    for realm in ["evil.test", "", "EXAMPLE.COM", "example.com ", "*"] {
        let challenge = Challenge { realm: realm.to_owned(), ..target.challenge(&theft(ALICE)) };
        target.refuses_everywhere(&theft(ALICE).authorized(&Answer::of("alice").to(&challenge)), 401);
    }
    target.server.stop();
}

#[test]
fn a_nonce_of_another_realm_is_not_believed() {
    let target = Target::start("");
    let nonce = target.challenge(&theft("sip:alice@example.org")).nonce;
    let crossed = Challenge { nonce, ..target.challenge(&theft(ALICE)) };
    for leg in target.legs() {
        let attack = theft(ALICE).authorized(&Answer::of("alice").to(&crossed));
        assert!(Challenge::of(&target.refuses(&mut leg.phone(), &attack, 401)).stale);
    }
    target.server.stop();
}

/// SIPp, pyVoIP and others write another uri into a REGISTER, which goes nowhere else for that; a call would.
#[test]
fn the_uri_may_differ_in_a_register_and_in_nothing_else() {
    let target = Target::start("");
    let mut phone = target.legs()[0].phone();
    for uri in ["sip:127.0.0.1:5060", "sip:bob@example.com", "*"] {
        let answer = Answer::of("alice").sending("REGISTER", uri);
        let response = target.server.prove(&mut phone, &Request::register(ALICE), &answer);
        assert_eq!(response.contacts().len(), 1, "{uri}");
    }
    let bob = "sip:bob@example.com";
    for method in ["INVITE", "MESSAGE", "SUBSCRIBE"] {
        let request = Request::new(method, bob, bob).from(ALICE);
        let own = target.server.prove(&mut phone, &request, &Answer::of("alice").sending(method, bob));
        assert_eq!((own.status(), own.contacts().len()), (302, 1), "{method}");
        for uri in ["sip:carol@example.com", "sip:example.com", "sip:bob@example.org", "sip:bob@example.com:5099", "*"]
        {
            let credentials = Answer::of("alice").sending(method, uri).to(&target.challenge(&request));
            target.refuses_everywhere(&request.authorized(&credentials), 400);
        }
    }
    target.server.stop();
}
