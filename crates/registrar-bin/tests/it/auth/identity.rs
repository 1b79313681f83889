//! Who has a password registers its own address, however the other is written.

use super::{Target, theft};
use crate::harness::{Answer, Request};

/// alice tries to register mallory's contact at the address in To, in the name of who is in From.
fn alice_steals(target: &Target, from: &str, to: &str) {
    let attack = Request { to: to.to_owned(), ..theft("sip:x@example.com").from(from) };
    for leg in target.legs() {
        let credentials = Answer::of("alice").to(&target.challenge(&attack));
        target.refuses(&mut leg.phone(), &attack.authorized(&credentials), 403);
    }
}

#[test]
fn a_user_registers_nobody_else_however_the_address_is_written() {
    let target = Target::start("");
    for to in [
        "sip:bob@example.com",
        "sip:%62ob@example.com",
        "sip:%62%6F%62@EXAMPLE.COM",
        "sip:bob@example.com:5060",
        "sip:bob@example.com:5070;transport=tcp",
        "sip:bob@example.com.",
        "sips:bob@example.com",
        "sip:bob:secret-of-alice@example.com",
        "sip:bob;alice@example.com",
        "sip:bob%00@example.com",
        "sip:alice%00@example.com",
        "sip:alice%40example.com@example.com",
        "sip:alice%20@example.com",
        "sip:ALICE@example.com",
        "sip:example.com",
        "\"alice\" <sip:bob@example.com>",
        "\"sip:alice@example.com\" <sip:bob@example.com>",
        "\"<sip:alice@example.com>\" <sip:bob@example.com>",
        "\"\\\" <sip:alice@example.com>\" <sip:bob@example.com>",
        "alice <sip:bob@example.com>;x=\"<sip:alice@example.com>\"",
        "<sip:bob@example.com?To=sip:alice%40example.com>",
        // A user of the same name, of another domain that is served here.
        "sip:alice@example.org",
    ] {
        for from in ["sip:alice@example.com", "sip:bob@example.com"] {
            alice_steals(&target, from, to);
        }
        // Nobody of elsewhere.test is known here: then To says in whose name it is sent.
        if !to.ends_with("example.org") {
            alice_steals(&target, "sip:alice@elsewhere.test", to);
        }
    }
    target.server.stop();
}

#[test]
fn domains_are_compared_whole() {
    let target = Target::start("");
    for domain in [
        "example.com.evil.test",
        "evilexample.com",
        "evil-example.com",
        "sub.example.com",
        "example.co",
        "xample.com",
        "com",
        "127.0.0.1",
    ] {
        for user in ["alice", "bob"] {
            let attack = Request { to: format!("sip:{user}@{domain}"), ..theft("sip:x@example.com") };
            let credentials = Answer::of("alice").to(&target.challenge(&theft("sip:alice@example.com")));
            target.refuses_everywhere(&attack.from("sip:alice@example.com").authorized(&credentials), 404);
        }
    }
    target.server.stop();
}

#[test]
fn what_is_no_address_or_more_than_one_registers_nobody() {
    let target = Target::start("");
    for (to, status) in [
        ("<sip:alice@example.com>, <sip:bob@example.com>", 400),
        ("<sip:alice@example.com> <sip:bob@example.com>", 400),
        ("<sip:alice@example.com", 400),
        ("<sip:al%zzice@example.com>", 400),
        ("<sip:bob@example.com;user=alice@example.com>", 400),
        ("<tel:+15551234>", 404),
    ] {
        let attack = Request { to: to.to_owned(), ..theft("sip:x@example.com").from("sip:alice@example.com") };
        let credentials = Answer::of("alice").to(&target.challenge(&theft("sip:alice@example.com")));
        target.refuses_everywhere(&attack.authorized(&credentials), status);
    }
    // Two To headers, in either order.
    for (first, second) in [("alice", "bob"), ("bob", "alice")] {
        let attack = theft(&format!("sip:{first}@example.com")).with(&format!("To: <sip:{second}@example.com>"));
        let credentials = Answer::of("alice").to(&target.challenge(&theft("sip:alice@example.com")));
        target.refuses_everywhere(&attack.authorized(&credentials), 400);
    }
    target.server.stop();
}
