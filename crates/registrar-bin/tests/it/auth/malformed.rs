//! Credentials that are forged, damaged, incomplete, too large, or of a kind that was not asked for. Where a password
//! is needed to compute them it is the right one: that alone must not be enough.

use super::{Target, theft};
use crate::harness::{Answer, Challenge, Credentials, Phone, Request, hash};

const ALICE: &str = "sip:alice@example.com";

fn good(target: &Target) -> Credentials {
    Answer::of("alice").to(&target.challenge(&theft(ALICE)))
}

#[test]
fn a_nonce_that_was_not_made_here_is_stale_whatever_it_looks_like() {
    let target = Target::start("");
    let nonce = target.challenge(&theft(ALICE)).nonce;
    let changed = |at: usize| {
        let mut bytes = nonce.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let mut forged: Vec<String> = (0..nonce.len()).map(changed).collect();
    forged.extend((0..nonce.len()).map(|length| nonce[..length].to_owned()));
    for suffix in ["A", "=", "==", " ", "%00", &nonce] {
        forged.extend([format!("{nonce}{suffix}"), format!("{suffix}{nonce}")]);
    }
    forged.extend([nonce.to_lowercase(), nonce.replace(['-', '_'], "+"), "A".repeat(40), "A".repeat(10_000)]);
    forged.retain(|other| *other != nonce);
    for (at, forged) in forged.into_iter().enumerate() {
        let challenge = Challenge { nonce: forged, ..target.challenge(&theft(ALICE)) };
        let attack = theft(ALICE).authorized(&Answer::of("alice").to(&challenge));
        let leg = target.legs()[at % 2];
        let response = target.refuses(&mut leg.phone(), &attack, 401);
        let renewed = Challenge::of(&response);
        assert!(renewed.stale && renewed.nonce != nonce, "{}", response.text());
    }
    target.server.stop();
}

#[test]
fn nothing_but_what_was_offered_is_taken() {
    let target = Target::start("");
    let challenge = |algorithm: &str| Challenge { algorithm: algorithm.to_owned(), ..target.challenge(&theft(ALICE)) };
    let sha = Answer::of("alice").to(&challenge("SHA-256"));
    target.refuses_everywhere(&theft(ALICE).authorized(&sha), 401);
    for algorithm in ["MD5-sess", "SHA-512-256", "AKAv1-MD5", "none", "MD4", "MD5 ", "MD5,MD5", "\\MD5", ""] {
        let mut other = good(&target).without("algorithm");
        other.add("algorithm", algorithm, true);
        target.refuses_everywhere(&theft(ALICE).authorized(&other), 401);
    }
    for qop in ["auth-int", "auth,auth-int", "none", "AUTH-CONF", "auth ", ""] {
        let answer = Answer { qop: Some(qop.to_owned()), ..Answer::of("alice") };
        let mut other = answer.to(&challenge("MD5")).without("qop");
        other.add("qop", qop, true);
        target.refuses_everywhere(&theft(ALICE).authorized(&other), 400);
    }
    let mut hashed = Answer::of("alice").to(&challenge("MD5")).with("username", &hash("MD5", "alice:example.com"));
    hashed.add("userhash", "true", false);
    target.refuses_everywhere(&theft(ALICE).authorized(&hashed), 401);
    let mut named = good(&target).without("username");
    named.add("username*", "UTF-8''bob", false);
    target.refuses_everywhere(&theft("sip:bob@example.com").authorized(&named), 401);
    for scheme in ["Basic YWxpY2U6c2VjcmV0LW9mLWFsaWNl", "Bearer c2VjcmV0LW9mLWFsaWNl", "Digestx realm=\"example.com\""]
    {
        target.refuses_everywhere(&theft(ALICE).with(&format!("Authorization: {scheme}")), 401);
    }
    for header in ["Proxy-Authorization", "X-Authorization", "Authentication-Info", "WWW-Authenticate"] {
        target.refuses_everywhere(&theft(ALICE).with(&format!("{header}: {}", good(&target))), 401);
    }
    target.server.stop();
}

#[test]
fn a_nonce_count_is_eight_hexadecimal_digits_and_not_zero() {
    let target = Target::start("");
    for nc in [
        "",
        "1",
        "0000001",
        "000000001",
        "00000000",
        "0000000g",
        "+0000001",
        "-0000001",
        "0x000001",
        "0000 001",
        "１",
        "ffffffffffffffff",
    ] {
        let answer = Answer { nc: nc.to_owned(), ..Answer::of("alice") };
        for quoted in [true, false] {
            if !quoted && (nc.is_empty() || nc.contains(' ')) {
                continue;
            }
            let mut credentials = answer.to(&target.challenge(&theft(ALICE))).without("nc");
            credentials.add("nc", nc, quoted);
            target.refuses_everywhere(&theft(ALICE).authorized(&credentials), 400);
        }
    }
    target.server.stop();
}

#[test]
fn no_parameter_may_be_missing_but_those_that_some_phones_leave_out() {
    let target = Target::start("");
    for name in ["username", "realm", "nonce", "uri", "response", "nc", "cnonce"] {
        target.refuses_everywhere(&theft(ALICE).authorized(&good(&target).without(name)), 400);
    }
    // Without qop it is another answer, and this is not it.
    target.refuses_everywhere(&theft(ALICE).authorized(&good(&target).without("qop")), 401);
    target.refuses_everywhere(&theft(ALICE).with("Authorization: Digest"), 400);
    target.refuses_everywhere(&theft(ALICE).with("Authorization:"), 400);
    let own = Request::register(ALICE).authorized(&good(&target).without("algorithm"));
    assert_eq!(target.legs()[0].phone().ask(&own).contacts().len(), 1);
    target.server.stop();
}

#[test]
fn a_response_is_the_whole_digest() {
    let target = Target::start("");
    let right = good(&target).0.iter().find(|param| param.name == "response").unwrap().value.clone();
    let zeros = "0".repeat(32);
    for response in ["", "0", &right[..31], &right[..16], &format!("{right}0"), &format!("{right}{right}"), &zeros, "g"]
    {
        target.refuses_everywhere(&theft(ALICE).authorized(&good(&target).with("response", response)), 401);
    }
    // Of nobody's password, and of nobody.
    for (username, password) in [("", ""), ("alice", ""), ("nobody", ""), ("nobody", "nobody"), ("alice", "nobody")] {
        let answer = Answer { username: username.to_owned(), password: password.to_owned(), ..Answer::of("alice") };
        let credentials = answer.to(&target.challenge(&theft(ALICE)));
        target.refuses_everywhere(&theft(ALICE).authorized(&credentials), 401);
    }
    target.server.stop();
}

#[test]
fn huge_values_are_answered_and_register_nothing() {
    let target = Target::start("");
    let huge = "A".repeat(10_000);
    for (name, status) in
        [("username", 401), ("realm", 401), ("nonce", 401), ("uri", 401), ("response", 401), ("cnonce", 401)]
    {
        target.refuses_everywhere(&theft(ALICE).authorized(&good(&target).with(name, &huge)), status);
    }
    let many = format!("Authorization: Digest {}", (0..1000).map(|n| format!("p{n}=v, ")).collect::<String>());
    target.refuses_everywhere(&theft(ALICE).with(many.trim_end_matches(", ")), 400);
    target.server.stop();
}

#[test]
fn control_characters_and_escaped_zeros_are_refused() {
    let target = Target::start("");
    for (username, status) in [
        ("alice\0", 400),
        ("alice\\\0", 400),
        ("alice\u{1}", 400),
        ("alice\u{7f}", 400),
        ("alice\u{b}", 400),
        ("alice%00", 401),
        ("%61lice", 401),
        ("alice\\", 400),
        ("alice\"", 400),
        ("alice@example.com\\@example.org", 401),
    ] {
        let answer = Answer { username: username.to_owned(), ..Answer::of("alice") };
        let credentials = answer.to(&target.challenge(&theft(ALICE)));
        let mut phone = Phone::udp(target.server.udp());
        target.refuses(&mut phone, &theft(ALICE).authorized(&credentials), status);
    }
    target.server.stop();
}
