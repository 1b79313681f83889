//! Lists of lists: one of them must hold as a whole.

use sip_message::Method;
use sip_registrar::auth::Check;

use super::*;

fn status(link: AuthorizeBuilder, from: &str, to: &str) -> (u16, &'static str) {
    let mut server = guarded(link.any_address(true));
    let response = server.answers(&phone("alice"), &contact("a").from(from).to(to));
    (response.code(), server.reason())
}

#[test]
fn the_checks_of_net_sip_compare_addresses() {
    let (alice, bob) = ("<sip:alice@example.com>;tag=1", "<sip:bob@example.com>;tag=1");
    let one = |check| link().filter(Method::Register, [[check]]);
    let passes = |check, from, to| status(one(check), from, to).0 == 200;
    assert!(passes(Check::ToIsFrom, alice, "\"A\" <sip:%61lice@EXAMPLE.com>"));
    assert!(!passes(Check::ToIsFrom, alice, "<sip:bob@example.com>"));
    assert!(passes(Check::FromIsAuthUser, "<sip:%61lice@example.com>", "<sip:bob@example.com>"));
    assert!(!passes(Check::FromIsAuthUser, bob, "<sip:alice@example.com>"));
    assert!(passes(Check::FromIsRealm, alice, "<sip:alice@example.com>"));
    let in_realm = |from: &str| status(one(Check::FromIsRealm), from, "<sip:alice@example.com>");
    assert_eq!(in_realm("<sip:alice@a.b.EXAMPLE.com>").0, 200);
    assert_eq!(in_realm("<sip:alice@evilexample.com>"), (403, "filtered"));
    assert_eq!(in_realm("<tel:+49>"), (403, "filtered"));
}

#[test]
fn one_list_must_hold_as_a_whole() {
    let yes = || Check::own(|_, identity| identity.name == b"alice".as_slice());
    let no = || Check::own(|_, _| false);
    let alice = "<sip:alice@example.com>";
    for (lists, expected) in [
        (vec![vec![yes(), yes()]], 200),
        (vec![vec![yes(), no()]], 403),
        (vec![vec![yes(), no()], vec![yes()]], 200),
        (vec![vec![no()], vec![no(), yes()]], 403),
        (vec![], 403),
    ] {
        let label = format!("{lists:?}");
        assert_eq!(status(link().filter(Method::Register, lists), alice, alice).0, expected, "{label}");
    }
    // Net::SIP's own example, and a filter for another method.
    let register = [vec![Check::ToIsFrom, Check::FromIsRealm, Check::FromIsAuthUser], vec![no()]];
    let link = link().filter(Method::Register, register).filter(Method::Invite, [[no()]]);
    assert_eq!(status(link, alice, alice).0, 200);
}
