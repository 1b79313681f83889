//! RFC 3261 §10.3 steps 1, 2 and 5: whose bindings these are.

use sip_dispatch::links::Fallback;
use sip_dispatch::{Link, ReceiveChain};
use sip_message::HeaderId;
use sip_registrar::{Aor, ForeignDomain};

use crate::harness::{Server, builder, register};

#[test]
fn a_foreign_request_uri_is_answered_404() {
    let mut server = Server::new(builder());
    for line in [
        "REGISTER sip:other.org SIP/2.0",
        "REGISTER sip:evilexample.com SIP/2.0",
        "REGISTER sip:example.com.evil.org SIP/2.0",
        "REGISTER sip:sub.example.com SIP/2.0",
    ] {
        let request = register("a").line(line).contact("<sip:a@127.0.0.1:1>");
        assert_eq!(server.refuses(&request), ("404 Not Found".to_owned(), "foreign-domain"), "{line}");
    }
}

#[test]
fn a_foreign_request_uri_can_be_left_to_the_next_link() {
    let registrar = builder().foreign_domain(ForeignDomain::Pass).build().unwrap();
    let chain = ReceiveChain::new([Link::from(registrar.clone()), Fallback { allow: &["OPTIONS"] }.into()]);
    let mut server = Server::with_chain(registrar, chain);
    let request = register("a").line("REGISTER sip:other.org SIP/2.0").contact("<sip:a@127.0.0.1:1>");
    assert_eq!(server.refuses(&request), ("405 Method Not Allowed".to_owned(), "method-not-allowed"));
    // To is looked at only for domains that are ours.
    let request = register("a").to("<sip:alice@other.org>").contact("<sip:a@127.0.0.1:1>");
    assert_eq!(server.refuses(&request), ("404 Not Found".to_owned(), "foreign-domain"));
}

#[test]
fn an_address_of_record_in_a_foreign_domain_is_answered_404() {
    let mut server = Server::new(builder());
    for (to, reason) in [
        ("<sip:alice@other.org>", "foreign-domain"),
        ("<sip:alice@evilexample.com>", "foreign-domain"),
        ("<tel:+491234>", "not-an-aor"),
        ("<mailto:alice@example.com>", "not-an-aor"),
    ] {
        let request = register("a").to(to).contact("<sip:a@127.0.0.1:1>");
        assert_eq!(server.refuses(&request), ("404 Not Found".to_owned(), reason), "{to}");
    }
}

#[test]
fn a_required_extension_that_is_unknown_is_answered_420_with_its_name() {
    let mut server = Server::new(builder());
    let request = register("a").contact("<sip:a@127.0.0.1:1>").header("Require: path, gruu").header("Require: fancy");
    let response = server.send(&request);
    assert_eq!((response.code(), server.reason()), (420, "extension"));
    assert_eq!(response.lines(HeaderId::Unsupported), ["gruu, fancy"]);
    assert_eq!(server.record(), None);
    let request = register("a").contact("<sip:a@127.0.0.1:1>").header("Require: path");
    assert_eq!(server.send(&request).code(), 200);
}

#[test]
fn require_is_looked_at_without_sanity_too_and_after_the_domain() {
    let registrar = builder().build().unwrap();
    let mut server = Server::with_chain(registrar.clone(), ReceiveChain::new([Link::from(registrar)]));
    let request = register("a").contact("<sip:a@127.0.0.1:1>").header("Require: fancy");
    assert_eq!(server.refuses(&request).0, "420 Bad Extension");
    assert_eq!(server.refuses(&request.line("REGISTER sip:other.org SIP/2.0")).0, "404 Not Found");
}

#[test]
fn every_spelling_of_an_address_of_record_is_one() {
    let mut server = Server::new(builder());
    for (n, to) in [
        "<sip:alice@example.com>",
        "sip:alice@EXAMPLE.COM;tag=x",
        "\"Alice\" <SIP:%61lice@Example.com:5070;transport=tcp;user=phone>",
        "<sips:al%69ce@example.com.>",
        "Alice <sip:alice:secret@example.com>;tag=9",
    ]
    .into_iter()
    .enumerate()
    {
        let contact = format!("<sip:a@127.0.0.1:{}>", n + 1);
        let bindings = server.registers(&register(&format!("call{n}")).to(to).contact(&contact));
        assert_eq!(bindings.len(), n + 1, "{to}");
    }
    let mut buffer = Vec::new();
    assert_eq!(Aor::parse("sip:alice@example.com", &mut buffer).unwrap(), server.record().unwrap().aor());
}

#[test]
fn users_that_differ_in_case_are_two() {
    let mut server = Server::new(builder());
    server.registers(&register("a").contact("<sip:a@127.0.0.1:1>"));
    assert_eq!(server.registers(&register("b").to("<sip:Alice@example.com>").contact("<sip:b@127.0.0.1:1>")).len(), 1);
}

#[test]
fn a_user_in_the_request_uri_and_a_tag_in_to_mean_nothing() {
    let mut server = Server::new(builder());
    let request = register("a").line("REGISTER sip:alice@example.com;transport=udp SIP/2.0");
    let request = request.to("<sip:alice@example.com>;tag=abc").contact("<sip:a@127.0.0.1:1>");
    assert_eq!(server.registers(&request).len(), 1);
}

#[test]
fn an_address_of_record_that_is_too_long_is_refused() {
    let mut server = Server::new(builder());
    let request = register("a").to(&format!("<sip:{}@example.com>", "x".repeat(600))).contact("<sip:a@127.0.0.1:1>");
    assert_eq!(server.refuses(&request), ("400 Address Too Long".to_owned(), "contact-too-long"));
}

#[test]
fn a_malformed_to_or_request_uri_is_refused_without_sanity_too() {
    let registrar = builder().build().unwrap();
    let mut server = Server::with_chain(registrar.clone(), ReceiveChain::new([Link::from(registrar)]));
    assert_eq!(server.refuses(&register("a").to("<sip:")).0, "400 Missing or Malformed To");
    assert_eq!(server.refuses(&register("a").line("REGISTER sip: SIP/2.0")).0, "400 Malformed Request-URI");
}
