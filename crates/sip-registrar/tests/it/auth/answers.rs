//! What strangers are told.

use sip_message::HeaderId;
use sip_registrar::auth::{Authorize, Check, Ha1, HashFunction, IpNet, Policy, Qop, UriMayDiffer};

use super::*;

#[test]
fn a_phone_with_the_right_password_registers_and_one_with_another_does_not() {
    let mut server = guarded(link());
    let response = server.answers(&phone("alice"), &contact("a"));
    assert_eq!(response.code(), 200, "{response:?}");
    assert_eq!((server.reason(), response.contacts().len()), ("registered", 1));

    let wrong = Phone { password: "guess".to_owned(), ..phone("alice") };
    let response = server.answers(&wrong, &contact("b"));
    assert_eq!((response.code(), server.reason()), (401, "wrong-password"));
    assert!(!challenges(&response)[0].stale);
    assert_eq!(server.record().unwrap().len(), 1);
}

#[test]
fn the_default_challenge_is_what_every_phone_can_do() {
    let mut server = guarded(link());
    let response = server.send(&contact("a"));
    assert_eq!((response.status().as_str(), server.reason()), ("401 Unauthorized", "no-credentials"));
    let [challenge] = &challenges(&response)[..] else { panic!("{response:?}") };
    let Challenged { realm, nonce, algorithm, qop, opaque, stale, userhash } = challenge;
    assert_eq!((realm.as_str(), algorithm.as_str(), qop.as_deref()), ("example.com", "MD5", Some("auth")));
    assert_eq!((nonce.len(), opaque, *stale, *userhash), (40, &None, false, false));
}

/// Everything but what differs from challenge to challenge.
fn without_nonce(response: &Response) -> String {
    let text = format!("{response:?}");
    let nonce = &challenges(response)[0].nonce;
    let tag = text.split(";tag=").nth(2).unwrap().split("\r\n").next().unwrap();
    text.replace(nonce, "").replace(tag, "")
}

#[test]
fn an_unknown_user_and_a_wrong_password_are_answered_alike() {
    let mut server = guarded(link());
    let mut answers = Vec::new();
    for name in ["alice", "erich"] {
        let guess = Phone { password: "guess".to_owned(), ..phone(name) };
        let to = |request: Request| request.to("<sip:alice@example.com>");
        answers.push(without_nonce(&server.answers(&guess, &to(contact("a")))));
        // The branch is the only other thing in which the requests differ.
        answers.push(server.reason().to_owned());
    }
    let branchless = |text: &str| text.lines().filter(|line| !line.starts_with("Via")).collect::<String>();
    assert_eq!(branchless(&answers[0]), branchless(&answers[2]));
    assert_eq!((answers[1].as_str(), answers[3].as_str()), ("wrong-password", "unknown-user"));
}

#[test]
fn credentials_for_other_realms_are_left_to_others() {
    let mut server = guarded(link());
    let mine = server.challenged(&contact("a"));
    let foreign = [Challenged { realm: "example.net".to_owned(), ..mine[0].clone() }];
    let other = phone("alice").answer(&foreign);
    let response = server.send(&with(contact("a").cseq(2), &other));
    assert_eq!((response.code(), server.reason()), (401, "no-credentials"));
    let both = with(with(contact("a").cseq(3), &other), &phone("alice").answer(&mine));
    assert_eq!(server.send(&both).code(), 200);
}

#[test]
fn a_foreign_domain_is_answered_404_without_a_challenge() {
    let mut server = guarded(link());
    let request = register("a").line("REGISTER sip:example.net SIP/2.0").to("<sip:alice@example.net>");
    let response = server.send(&request);
    assert_eq!((response.code(), server.reason()), (404, "foreign-domain"));
}

#[test]
fn what_rfc_7616_forbids_is_answered_400_and_named() {
    let mut server = guarded(link());
    let challenge = server.challenged(&contact("a"));
    let good = phone("alice").answer(&challenge);
    for (from, to, phrase) in [
        ("nc=00000001", "nc=1", "Malformed nc"),
        ("nc=00000001", "nc=0000000g", "Malformed nc"),
        ("nc=00000001", "nc=00000000", "Malformed nc"),
        (", nc=00000001", "", "Malformed nc"),
        (", cnonce=\"0a4f113b\"", "", "Missing cnonce"),
        ("qop=auth", "qop=auth-int", "qop Was Not Offered"),
        ("qop=auth", "qop=\"auth,auth-int\"", "qop Was Not Offered"),
        ("qop=auth", "qop=auth, qop=auth", "Ambiguous Credentials"),
        ("nc=00000001", "nc=00000001, NC=00000001", "Ambiguous Credentials"),
        (", uri=\"sip:example.com\"", "", "Ambiguous Credentials"),
    ] {
        assert!(good.contains(from), "{good}");
        let response = server.send(&with(contact("a").cseq(2), &good.replace(from, to)));
        assert_eq!(response.status(), format!("400 {phrase}"), "{from} → {to}");
        assert!(response.contacts().is_empty());
    }
    // Nothing of this has used the nonce up.
    assert_eq!(server.send(&with(contact("a").cseq(2), &good)).code(), 200);
}

#[test]
fn qop_in_quotes_and_other_habits_of_phones_are_taken() {
    let mut server = guarded(link());
    for (n, (from, to)) in [
        ("qop=auth", "qop=\"auth\""),
        ("algorithm=MD5", "algorithm=\"MD5\""),
        (", algorithm=MD5", ""),
        ("algorithm=MD5", "algorithm=md5"),
        (", ", ","),
        (", ", " ,  "),
    ]
    .into_iter()
    .enumerate()
    {
        let request = contact(&format!("habit{n}"));
        let challenge = server.challenged(&request);
        let credentials = phone("alice").answer(&challenge).replace(from, to);
        let response = server.send(&with(request.cseq(2), &credentials));
        assert_eq!(response.code(), 200, "{credentials}: {response:?}");
    }
}

#[test]
fn a_name_may_be_written_as_an_address() {
    let mut server = guarded(link());
    for (n, username) in ["alice@example.com", "alice@EXAMPLE.com", "alice@"].into_iter().enumerate() {
        let phone = Phone { username: username.to_owned(), ..phone("alice") };
        assert_eq!(server.answers(&phone, &contact(&format!("name{n}"))).code(), 200, "{username}");
    }
    for username in ["alice@example.org", "@example.com", "Alice", "alice@example.com@", ""] {
        let phone = Phone { username: username.to_owned(), ..phone("alice") };
        assert_eq!(server.answers(&phone, &contact("wrong")).code(), 401, "{username}");
    }
}

#[test]
fn the_digest_uri_may_differ_in_a_register_but_says_where_other_requests_go() {
    let odd = |uri: &str, method: &str| Phone { uri: uri.to_owned(), method: method.to_owned(), ..phone("alice") };
    let uris = ["sip:127.0.0.1:5060", "sip:example.com;transport=UDP", "sip:127.0.0.1:25060:25060;transport=TCP"];
    let mut server = guarded(link());
    for (n, uri) in uris.into_iter().enumerate() {
        assert_eq!(server.answers(&odd(uri, "REGISTER"), &contact(&format!("uri{n}"))).code(), 200, "{uri}");
    }
    let invite = register("i").line("INVITE sip:bob@example.com SIP/2.0").to("<sip:bob@example.com>");
    for (uri, code) in [
        ("sip:bob@example.com", 480),
        ("sip:%62ob@EXAMPLE.com", 480),
        ("sip:carol@example.com", 400),
        ("sip:bob@example.com;transport=tcp", 400),
        ("bob", 400),
    ] {
        assert_eq!(server.answers(&odd(uri, "INVITE"), &invite).code(), code, "{uri}");
    }
    let policy = |uri_may_differ| Policy { uri_may_differ, ..Policy::default() };
    let mut strict = guarded(link().policy(policy(UriMayDiffer::Never)));
    assert_eq!(strict.answers(&odd(uris[0], "REGISTER"), &contact("a")).code(), 400);
    assert_eq!(strict.reason(), "digest-uri");
    assert_eq!(strict.answers(&phone("alice"), &contact("a")).code(), 200);
    let mut lax = guarded(link().policy(policy(UriMayDiffer::Always)));
    assert_eq!(lax.answers(&odd("bob", "INVITE"), &invite).code(), 480);
}

#[test]
fn callers_are_challenged_whether_or_not_whom_they_call_exists() {
    let mut server = guarded(link());
    for method in ["INVITE", "MESSAGE", "SUBSCRIBE", "OPTIONS"] {
        let mut answers = Vec::new();
        for user in ["alice", "bob", "nobody"] {
            let uri = format!("sip:{user}@example.com");
            let request = register("c").line(&format!("{method} {uri} SIP/2.0")).to("<sip:x@example.com>");
            let response = server.send(&request);
            assert_eq!(response.code(), 401);
            answers.push(without_nonce(&response).lines().filter(|line| !line.starts_with("Via")).collect::<String>());
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    }
}

#[test]
fn ack_and_cancel_are_never_challenged() {
    let mut server = guarded(link());
    let cancel = register("a").line("CANCEL sip:bob@example.com SIP/2.0").to("<sip:bob@example.com>");
    let response = server.send(&cancel);
    assert_eq!((response.code(), server.reason()), (481, "no-credentials"));
    assert!(response.lines(HeaderId::WwwAuthenticate).is_empty());
    let invite = register("a").line("INVITE sip:bob@example.com SIP/2.0").to("<sip:bob@example.com>");
    let challenge = server.challenged(&invite);
    for method in ["CANCEL", "INVITE"] {
        let alice = Phone { method: method.to_owned(), uri: "sip:bob@example.com".to_owned(), ..phone("alice") };
        let response = server.send(&with(cancel.clone(), &alice.answer(&challenge)));
        // It passed: Fallback answers it.
        assert_eq!((response.code(), server.reason()), (481, "no-transaction"), "{method}");
    }
}

#[test]
fn a_proxy_asks_with_its_own_headers() {
    let mut server = guarded(link().proxy(true));
    let response = server.send(&contact("a"));
    assert_eq!(response.status(), "407 Proxy Authentication Required");
    let credentials = phone("alice").answer(&challenges(&response));
    assert_eq!(server.send(&with(contact("a").cseq(2), &credentials)).code(), 407);
    let request = contact("a").cseq(3).header(&format!("Proxy-Authorization: {credentials}"));
    assert_eq!(server.send(&request).code(), 200);
}

#[test]
fn opaque_must_come_back() {
    let mut server = guarded(link().opaque("5ccc069c403ebaf9f0171e9517f40e41"));
    let challenge = server.challenged(&contact("a"));
    assert_eq!(challenge[0].opaque.as_deref(), Some("5ccc069c403ebaf9f0171e9517f40e41"));
    for opaque in [None, Some("other".to_owned())] {
        let altered = [Challenged { opaque, ..challenge[0].clone() }];
        let response = server.send(&with(contact("a").cseq(2), &phone("alice").answer(&altered)));
        assert_eq!((response.code(), server.reason()), (401, "not-offered"));
    }
    assert_eq!(server.send(&with(contact("a").cseq(2), &phone("alice").answer(&challenge))).code(), 200);
}

#[test]
fn users_come_by_name_as_in_net_sip() {
    let realm = "p5-net-sip";
    let ha1 =
        |name: &str, password: &str| Ha1::of(HashFunction::Md5, name.as_bytes(), realm.as_bytes(), password.as_bytes());
    let link = Authorize::builder()
        .realm(realm)
        .user2a1([("alice", ha1("alice", "alice's password"))])
        .user2a1_with(move |name, realm| {
            (name == b"dave").then(|| Ha1::of(HashFunction::Md5, name, realm, b"dave's password"))
        })
        .user2pass([("bob", "bob's password"), ("alice", "another, which does not count")])
        .user2pass_with(|name| (name == b"carol").then(|| b"carol's password".to_vec()));
    let mut server = guarded(link);
    for name in ["alice", "bob", "carol", "dave"] {
        let request = contact(name).to(&format!("<sip:{name}@example.com>"));
        let response = server.answers(&phone(name), &request);
        assert_eq!(response.code(), 200, "{name}");
        let wrong = Phone { password: "guess".to_owned(), ..phone(name) };
        assert_eq!(server.answers(&wrong, &request.cseq(7)).code(), 401, "{name}");
    }
    assert_eq!(server.challenged(&contact("z"))[0].realm, realm);
    assert_eq!(server.answers(&phone("erich"), &contact("z").to("<sip:erich@example.com>")).code(), 401);
    assert_eq!(server.reason(), "unknown-user");
}

#[test]
fn some_addresses_need_no_authorization() {
    use sip_registrar::auth::{Exempt, Grants};
    let registrar = builder().build().unwrap();
    let exempt = Exempt {
        sources: vec!["192.0.2.0/24".parse::<IpNet>().unwrap()],
        addresses: Grants::new(["door@example.com"]).unwrap(),
    };
    // A chain of its own with a filter, as in Net::SIP.
    let guards = ReceiveChain::new([Link::from(exempt), link().build().unwrap().into()]);
    let guards = Link::new(guards).filter(|ex| ex.peer().remote.port() != 9);
    let mut server = Server::with_chain(registrar.clone(), chain(&registrar, guards));
    assert_eq!(server.send(&contact("a")).code(), 401);
    assert_eq!(server.send(&contact("b").to("<sip:door@EXAMPLE.com>")).code(), 200);
    server.peer.remote = "192.0.2.7:5060".parse().unwrap();
    assert_eq!(server.send(&contact("c")).code(), 200);
    server.peer.remote = "[::ffff:192.0.2.8]:5060".parse().unwrap();
    assert_eq!(server.send(&contact("d")).code(), 200);
    server.peer.remote = "192.0.3.7:5060".parse().unwrap();
    assert_eq!(server.send(&contact("e")).code(), 401);
    server.peer.remote = "192.0.3.7:9".parse().unwrap();
    assert_eq!(server.send(&contact("f")).code(), 200);
}

#[test]
fn wrong_passwords_cost_a_source_time_and_no_other_source() {
    let mut server = guarded(link().wrong_passwords(3));
    let guess = |n: usize| Phone { password: format!("guess {n}"), ..phone("alice") };
    for n in 0..3 {
        assert_eq!(server.answers(&guess(n), &contact("a")).code(), 401);
    }
    let response = server.answers(&phone("alice"), &contact("a"));
    assert_eq!(response.status(), "480 Too Many Wrong Passwords");
    assert_eq!((server.reason(), response.lines(HeaderId::RetryAfter)), ("too-many-failures", vec!["10".to_owned()]));
    // Another user behind the same address, and the same user elsewhere.
    assert_eq!(server.answers(&phone("bob"), &contact("b").to("<sip:bob@example.com>")).code(), 200);
    let here = server.peer.remote;
    server.peer.remote = "127.0.0.2:40000".parse().unwrap();
    assert_eq!(server.answers(&phone("alice"), &contact("c")).code(), 200);
    server.peer.remote = here;
    server.pass(10);
    assert_eq!(server.answers(&guess(9), &contact("a")).code(), 401);
    assert_eq!(server.answers(&phone("alice"), &contact("a")).code(), 480);
    server.pass(10);
    assert_eq!(server.answers(&phone("alice"), &contact("a")).code(), 200);
    // An unknown user is treated alike.
    for n in 0..3 {
        assert_eq!(server.answers(&phone("erich"), &contact("x").cseq(n)).code(), 401);
    }
    assert_eq!(server.answers(&phone("erich"), &contact("x")).code(), 480);
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let text = |link: AuthorizeBuilder| link.build().unwrap_err().to_string();
    assert!(text(Authorize::builder()).starts_with("no users"));
    assert!(text(link().user2pass([("a", "b")])).starts_with("credentials stand beside"));
    assert!(text(link().nonce_life(59)).contains("(59 s)") && text(link().nonce_life(301)).contains("(301 s)"));
    assert!(text(link().realm("say \"hello\"")).contains("realm"));
    assert!(text(link().opaque("")).contains("opaque"));
    assert!(text(link().domains(["exa mple"])).contains("exa mple"));
    let none = Policy { algorithms: Default::default(), qops: vec![Qop::Auth], ..Policy::default() };
    assert!(text(link().policy_of("example.com", none)).contains("without algorithms"));
    assert!(link().filter(sip_message::Method::Register, [[Check::ToIsFrom]]).build().is_ok());
}
