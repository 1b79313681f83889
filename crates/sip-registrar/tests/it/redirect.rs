//! Where a user can be reached (RFC 3261 §8.3, §21.3.3; RFC 5630 §5.4).

use crate::harness::{Request, Server, builder, register};

fn invite(uri: &str) -> Request {
    register("invite").line(&format!("INVITE {uri} SIP/2.0"))
}

#[test]
fn all_contacts_are_told_the_preferred_and_the_latest_first() {
    let mut server = Server::new(builder());
    server.registers(&register("a").contact("<sip:a@h>;q=0.5").expires("60"));
    server.registers(&register("b").contact("\"B\" <sip:b@h;ob>;x=y").expires("60"));
    server.pass(10);
    server.registers(&register("c").contact("<tel:+49>;q=0.5, sip:d@h;q=0.025").expires("60"));
    let response = server.send(&invite("sip:%61lice@EXAMPLE.com;user=phone"));
    assert_eq!((response.status().as_str(), server.reason()), ("302 Moved Temporarily", "redirected"));
    let told = [
        "<sip:b@h;ob>;q=1;expires=50",
        "<tel:+49>;q=0.500;expires=60",
        "<sip:a@h>;q=0.500;expires=50",
        "<sip:d@h>;q=0.025;expires=60",
    ];
    assert_eq!(response.contacts(), told);
    // What has expired is told to nobody, swept or not.
    server.pass(50);
    assert_eq!(server.send(&invite("sip:alice@example.com")).contacts().len(), 2);
    server.pass(10);
    assert_eq!(server.refuses(&invite("sip:alice@example.com")).1, "not-registered");
}

#[test]
fn who_is_not_registered_is_unavailable_and_who_is_foreign_unknown() {
    let mut server = Server::new(builder());
    for method in ["INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE", "WHATEVER"] {
        let to = |uri: &str| register("x").line(&format!("{method} {uri} SIP/2.0"));
        let refused = server.refuses(&to("sip:bob@example.com"));
        assert_eq!(refused, ("480 Temporarily Unavailable".to_owned(), "not-registered"), "{method}");
        assert_eq!(
            server.refuses(&to("sip:bob@other.org")),
            ("404 Not Found".to_owned(), "foreign-domain"),
            "{method}"
        );
    }
}

#[test]
fn a_sips_request_goes_to_sips_contacts_only() {
    let mut server = Server::new(builder());
    server.connect(sip_transport::Transport::Tls, crate::harness::FLOW);
    let sips = |call_id: &str| register(call_id).line("REGISTER sips:example.com SIP/2.0");
    server.registers(&sips("a").contact("<sip:a@h>"));
    assert_eq!(server.refuses(&invite("sips:alice@example.com")).1, "not-registered");
    server.registers(&sips("b").contact("<sips:b@h>"));
    assert_eq!(server.send(&invite("sips:alice@example.com")).contacts(), ["<sips:b@h>;q=1;expires=300"]);
    assert_eq!(server.send(&invite("sip:alice@example.com")).contacts().len(), 2);
}

#[test]
fn nobody_is_sent_back_to_where_he_came_from() {
    let mut server = Server::new(builder());
    server.registers(&register("a").contact("<sip:Alice@example.com>, <sip:%61lice@example.COM>"));
    assert_eq!(server.send(&invite("sip:alice@example.com")).contacts(), ["<sip:Alice@example.com>;q=1;expires=300"]);
}

#[test]
fn what_is_not_for_a_user_is_left_to_the_next_link() {
    let mut server = Server::new(builder());
    server.registers(&register("a").contact("<sip:a@h>"));
    assert_eq!(server.send(&invite("sip:example.com")).code(), 405);
    let bye = register("x").line("BYE sip:alice@example.com SIP/2.0");
    assert_eq!(server.send(&bye).code(), 481);
    // A request inside a dialog is for one phone.
    assert_eq!(server.send(&invite("sip:alice@example.com").to("<sip:alice@example.com>;tag=d")).code(), 481);
}
