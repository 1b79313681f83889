//! Whatever stands twice could be read in two ways, and is refused.

use super::{Target, theft};
use crate::harness::{Answer, Challenge, Credentials, Request};

const ALICE: &str = "sip:alice@example.com";

#[test]
fn a_parameter_that_stands_twice_is_refused_in_every_combination() {
    let target = Target::start("");
    let mut phone = target.legs()[0].phone();
    let challenge = target.challenge(&theft(ALICE));
    let mut good = Answer::of("alice").to(&challenge);
    good.add("opaque", "x", true);
    let mut attacks = 0;
    for at in 0..good.0.len() {
        let param = good.0[at].clone();
        let others: &[&str] = match param.name.as_str() {
            "username" => &["bob"],
            "realm" => &["example.org"],
            "nonce" => &["AAAAAAAA"],
            "uri" => &["sip:bob@example.com"],
            "response" => &["00000000000000000000000000000000"],
            "algorithm" => &["SHA-256"],
            "qop" => &["auth-int"],
            "nc" => &["00000002"],
            "cnonce" | "opaque" => &["y"],
            name => panic!("{name}"),
        };
        for value in [&[param.value.as_str()], others].concat() {
            for name in [param.name.clone(), param.name.to_uppercase()] {
                for quoted in [true, false] {
                    // Before it, right behind it, and at the end.
                    for place in [0, at + 1, good.0.len()] {
                        let mut twice = good.clone();
                        let mut second = param.clone();
                        (second.name, second.value, second.quoted) = (name.clone(), value.to_owned(), quoted);
                        twice.0.insert(place, second);
                        target.refuses(&mut phone, &theft(ALICE).authorized(&twice), 400);
                        attacks += 1;
                    }
                }
            }
        }
    }
    assert_eq!(attacks, 10 * 2 * 2 * 2 * 3);
    // Nothing of this has used the nonce up.
    assert_eq!(phone.ask(&Request::register(ALICE).authorized(&good)).contacts().len(), 1);
    target.server.stop();
}

#[test]
fn two_credentials_for_one_realm_are_refused_in_either_order_and_spelling() {
    let target = Target::start("");
    let answers = |target: &Target| {
        let challenge = target.challenge(&theft(ALICE));
        [Answer::of("alice").to(&challenge), Answer::of("bob").to(&challenge)]
    };
    let spellings: [fn(&Credentials) -> String; 4] = [
        Credentials::header,
        |credentials| credentials.header().to_lowercase(),
        |credentials| credentials.header().replace("realm=\"example.com\"", "REALM=\"exa\\mple.com\""),
        |credentials| credentials.header().replace("Authorization:", "AUTHORIZATION :").replace("Digest", "digest"),
    ];
    for aor in [ALICE, "sip:bob@example.com"] {
        for spelling in spellings {
            let [alice, bob] = answers(&target);
            for (first, second) in [(&alice, &bob), (&bob, &alice), (&alice, &alice)] {
                target.refuses_everywhere(&theft(aor).authorized(first).with(&spelling(second)), 400);
                target.refuses_everywhere(&theft(aor).with(&spelling(first)).authorized(second), 400);
            }
        }
    }
    // In one header a second scheme is a parameter that cannot be read.
    let [alice, bob] = answers(&target);
    target.refuses_everywhere(&theft(ALICE).with(&format!("{}, {bob}", alice.header())), 400);
    // One for another realm, which is somebody else's, is not in the way.
    let foreign = Challenge { realm: "elsewhere.test".to_owned(), ..target.challenge(&theft(ALICE)) };
    let both = Request::register(ALICE).authorized(&Answer::of("alice").to(&foreign)).authorized(&alice);
    assert_eq!(target.legs()[0].phone().ask(&both).contacts().len(), 1);
    target.server.stop();
}
