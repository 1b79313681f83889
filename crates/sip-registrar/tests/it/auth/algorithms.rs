//! Algorithms, sessions, bodies and hashed names.

use sip_message::HeaderId;
use sip_message::header::Algorithm;
use sip_registrar::auth::{Account, Algorithms, HashFunction, Policy, Qop, UserTable};

use super::*;

fn offering(algorithms: impl IntoIterator<Item = Algorithm>) -> Policy {
    Policy { algorithms: Algorithms::new(algorithms), ..Policy::default() }
}

#[test]
fn every_algorithm_works_with_every_protection() {
    for algorithm in Algorithm::ALL {
        for qop in [None, Some("auth"), Some("auth-int")] {
            let policy = Policy { qops: vec![Qop::Auth, Qop::AuthInt], ..offering([algorithm]) };
            let mut server = guarded(link().policy(policy));
            let alice = Phone { qop, ..phone("alice") };
            let response = server.answers(&alice, &contact("a"));
            assert_eq!(response.code(), 200, "{algorithm:?} {qop:?} {response:?}");
            let wrong = Phone { password: "guess".to_owned(), ..alice.clone() };
            assert_eq!(server.answers(&wrong, &contact("b")).code(), 401, "{algorithm:?} {qop:?}");
        }
    }
}

#[test]
fn challenges_come_in_the_order_of_their_list_and_others_are_not_taken() {
    let mut server = guarded(link().policy(offering([Algorithm::Sha512_256, Algorithm::Md5])));
    let challenges = server.challenged(&contact("a"));
    let names: Vec<_> = challenges.iter().map(|challenge| challenge.algorithm.as_str()).collect();
    assert_eq!(names, ["SHA-512-256", "MD5"]);
    for takes in ["SHA-512-256", "MD5"] {
        let phone = Phone { takes: Some(takes), ..phone("alice") };
        assert_eq!(server.answers(&phone, &contact(takes)).code(), 200, "{takes}");
    }
    let other = [Challenged { algorithm: "SHA-256".to_owned(), ..challenges[0].clone() }];
    let response = server.send(&with(contact("a").cseq(2), &phone("alice").answer(&other)));
    assert_eq!((response.code(), server.reason()), (401, "not-offered"));
    let unknown = phone("alice").answer(&challenges).replace("SHA-512-256", "SHA3-256");
    assert_eq!(server.send(&with(contact("a").cseq(2), &unknown)).code(), 401);
    assert_eq!(server.reason(), "not-offered");
}

#[test]
fn each_domain_has_a_list_of_its_own() {
    let policy = Policy { realm: Some("Strong".to_owned()), ..offering([Algorithm::Sha256]) };
    let mut server = guarded(link().policy_of("example.org", policy));
    assert_eq!(server.challenged(&contact("a"))[0].algorithm, "MD5");
    let org = contact("b").from("<sip:alice@example.org>").to("<sip:alice@example.org>");
    let challenge = &server.challenged(&org)[0];
    assert_eq!((challenge.algorithm.as_str(), challenge.realm.as_str()), ("SHA-256", "Strong"));
}

#[test]
fn a_user_with_better_algorithms_is_challenged_with_them_and_with_nothing_less() {
    let mut users = users();
    let strong = account("dave", "example.com").algorithms(Algorithms::new([Algorithm::Sha256]));
    users.insert(b"example.com", strong);
    let mut server = guarded(Authorize::builder().credentials(users).domains(["example.com"]));
    let dave = contact("d").from("<sip:dave@example.com>").to("<sip:d%61ve@example.com>");
    let challenges = server.challenged(&dave);
    assert_eq!((challenges.len(), challenges[0].algorithm.as_str()), (1, "SHA-256"));
    assert_eq!(server.answers(&phone("dave"), &dave).code(), 200);
    let weak = [Challenged { algorithm: "MD5".to_owned(), ..challenges[0].clone() }];
    assert_eq!(server.send(&with(dave.cseq(3), &phone("dave").answer(&weak))).code(), 401);
    assert_eq!(server.reason(), "not-offered");
    assert_eq!(server.challenged(&contact("a"))[0].algorithm, "MD5");
    // Nor does he get away with From of somebody who may.
    let borrowed = contact("e").to("<sip:dave@example.com>");
    let challenges = server.challenged(&borrowed);
    let response = server.send(&with(borrowed.cseq(2), &phone("dave").answer(&challenges)));
    assert_eq!((response.code(), server.reason()), (401, "not-offered"));
}

#[test]
fn a_user_of_whom_there_is_only_an_old_hash_is_not_asked_for_more() {
    use sip_registrar::auth::Ha1;
    let mut users = users();
    let ha1 = Ha1::of(HashFunction::Md5, b"erna", b"example.com", b"erna's password");
    users.insert(b"example.com", Account::new(*b"erna", *b"example.com").ha1(ha1));
    let policy = offering([Algorithm::Sha256, Algorithm::Md5]);
    let mut server = guarded(Authorize::builder().credentials(users).domains(["example.com"]).policy(policy));
    let erna = contact("e").from("<sip:erna@example.com>").to("<sip:erna@example.com>");
    assert_eq!(server.answers(&phone("erna"), &erna).code(), 200);
    let names = |challenges: Vec<Challenged>| challenges.into_iter().map(|c| c.algorithm).collect::<Vec<_>>();
    assert_eq!(names(server.challenged(&erna)), ["MD5"]);
    assert_eq!(names(server.challenged(&contact("a"))), ["SHA-256", "MD5"]);
}

#[test]
fn auth_int_protects_the_body() {
    let policy = Policy { qops: vec![Qop::AuthInt], ..Policy::default() };
    let mut server = guarded(link().policy(policy));
    let alice = Phone { qop: Some("auth-int"), body: "hello".to_owned(), ..phone("alice") };
    let challenge = server.challenged(&contact("a"));
    assert_eq!(challenge[0].qop.as_deref(), Some("auth-int"));
    let credentials = alice.answer(&challenge);
    let send = |server: &mut Server, body: &str| {
        let text = with(contact("a").cseq(2), &credentials).text(100 + body.len() as u32);
        let text = text.replace("Content-Length: 0\r\n\r\n", &format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        server.receive(text.as_bytes()).unwrap().code()
    };
    assert_eq!(send(&mut server, "hallo!"), 401);
    assert_eq!(send(&mut server, "hello"), 200);
    // Whoever offers only this does not take answers that protect less.
    let bare = Phone { qop: None, ..phone("alice") };
    assert_eq!(server.answers(&bare, &contact("b")).code(), 400);
}

#[test]
fn a_session_is_bound_to_the_first_cnonce_that_comes() {
    let mut server = guarded(link().policy(offering([Algorithm::Sha256Sess])));
    let challenge = server.challenged(&contact("a"));
    for nc in 1..4 {
        let credentials = Phone { nc: Some(nc), ..phone("alice") }.answer(&challenge);
        assert_eq!(server.send(&with(contact("a").cseq(1 + nc), &credentials)).code(), 200);
    }
}

#[test]
fn a_name_may_come_as_its_hash_where_that_is_offered() {
    let users = users().with_userhash(&HashFunction::ALL);
    let link = || Authorize::builder().domains(["example.com"]);
    let policy = Policy { userhash: true, ..offering([Algorithm::Sha256, Algorithm::Md5]) };
    let mut server = guarded(link().credentials(users).policy(policy));
    assert!(server.challenged(&contact("a")).iter().all(|challenge| challenge.userhash));
    for takes in ["SHA-256", "MD5"] {
        let alice = Phone { userhash: true, takes: Some(takes), ..phone("alice") };
        let response = server.answers(&alice, &contact(takes));
        assert_eq!(response.code(), 200, "{takes}");
        let nobody = Phone { userhash: true, takes: Some(takes), ..phone("erich") };
        assert_eq!(server.answers(&nobody, &contact(takes)).code(), 401, "{takes}");
        assert_eq!(server.reason(), "unknown-user");
    }
    assert_eq!(server.answers(&phone("alice"), &contact("plain")).code(), 200);
    // bob is not alice, hashed or not.
    let bob = Phone { userhash: true, ..phone("bob") };
    assert_eq!(server.answers(&bob, &contact("b")).code(), 403);
    let broken = server.challenged(&contact("c"));
    let credentials = phone("alice").answer(&broken) + ", userhash=true";
    assert_eq!(server.send(&with(contact("c").cseq(2), &credentials)).status(), "400 Malformed userhash");

    let mut server = guarded(super::link());
    let alice = Phone { userhash: true, ..phone("alice") };
    assert_eq!(server.answers(&alice, &contact("a")).code(), 401);
    assert_eq!(server.reason(), "not-offered");
}

#[test]
fn a_name_in_another_alphabet_registers() {
    let name = "J\u{e4}s\u{f8}n \"Doe\"";
    let mut users = UserTable::new();
    users.insert(b"example.com", Account::new(name.as_bytes(), *b"example.com").password(b"Secret, or not?"));
    let mut server = guarded(Authorize::builder().credentials(users).domains(["example.com"]));
    let phone = Phone { password: "Secret, or not?".to_owned(), ..phone(name) };
    let to = "<sip:J%C3%A4s%C3%B8n%20%22Doe%22@example.com>";
    let request = contact("a").from(to).to(to);
    assert_eq!(server.answers(&phone, &request).code(), 200);
    // RFC 7616 §3.9.2: username*.
    let challenge = server.challenged(&request);
    let credentials = phone.answer(&challenge);
    let extended = "username*=UTF-8''J%C3%A4s%C3%B8n%20%22Doe%22";
    let credentials = credentials.replace(&format!("username=\"{}\"", name.replace('"', "\\\"")), extended);
    assert!(credentials.contains(extended), "{credentials}");
    assert_eq!(server.send(&with(request.clone().cseq(3), &credentials)).code(), 200);
    let broken = credentials.replace("UTF-8''", "KOI8-R''");
    assert_eq!(server.send(&with(request.cseq(4), &broken)).status(), "400 Malformed username*");
}

#[test]
fn a_short_request_gets_as_many_challenges_as_fit() {
    use sip_dispatch::{Config, Dispatcher, Share};
    use sip_transport::{Inbound, Ingress, Now, Outbox};
    let registrar = builder().build().unwrap();
    let all = [Algorithm::Sha512_256, Algorithm::Sha256, Algorithm::Md5];
    let link = link().policy(offering(all)).build().unwrap();
    let config = Config { answer_ratio: std::num::NonZeroU8::new(2), ..Config::default() };
    let mut dispatcher = Dispatcher::new(chain(&registrar, link.into()), config, Share::WHOLE);
    let mut out = Outbox::new();
    let mut answers = Vec::new();
    for padding in 0..500 {
        let text = format!(
            "REGISTER sip:example.com SIP/2.0\r\nv:SIP/2.0/UDP 127.0.0.1:40000;branch=z9hG4bK{padding}\r\n\
             f:<sip:alice@example.com>;tag=1\r\nt:<sip:alice@example.com>\r\ni:a\r\nCSeq:1 REGISTER\r\nX:{}\r\n\r\n",
            "x".repeat(padding)
        );
        let rx = Inbound { bytes: text.as_bytes(), peer: crate::harness::local_peer(), now: Now::from_millis(1) };
        assert!(dispatcher.on_message(rx, &mut out).is_none());
        let sent = out.iter().map(|(_, bytes)| bytes.to_vec()).next();
        out.clear();
        assert!(sent.as_ref().is_none_or(|answer| answer.len() <= 2 * text.len()), "{padding}");
        let count = sent.map(|answer| {
            let text = String::from_utf8(answer).unwrap();
            text.lines().filter(|line| line.starts_with(HeaderId::WwwAuthenticate.name())).count()
        });
        answers.push(count.unwrap_or(0));
    }
    assert!(answers.is_sorted(), "{answers:?}");
    assert_eq!((answers.first(), answers.last()), (Some(&0), Some(&3)));
    answers.dedup();
    assert_eq!(answers, [0, 1, 2, 3]);
}
