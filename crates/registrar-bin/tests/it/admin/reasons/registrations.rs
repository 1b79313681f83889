//! What becomes of registrations, by their phones, by connections and by the operator.

use sip_registrar::reason;

use super::super::add::post;
use super::House;
use super::house::{ALICE, register};
use crate::harness::{Phone, Request};

pub(super) fn what_becomes_of_bindings() -> Vec<&'static str> {
    let mut house = House::start("[registrar]\nmin_expires = 1\njitter = 0\nmax_contacts = 2");
    let first = register();
    house.ends(reason::REGISTERED, &first);
    house.ends(reason::REPEATED, &first);
    house.ends(reason::REFRESHED, &first.again());
    house.ends(reason::OUT_OF_ORDER, &first);
    house.ends(reason::QUERIED, &Request::register(ALICE));
    assert_eq!(house.phone.ask(&Request::register(ALICE).contact("<sip:alice@192.0.2.8>")).status(), 200);
    house.ends(reason::EVICTED, &Request::register(ALICE).contact("<sip:alice@192.0.2.9>"));
    house.ends(reason::REMOVED, &Request::register(ALICE).contact("*").expires(0));
    assert_eq!(house.phone.ask(&register().expires(1)).status(), 200);
    house.tells(reason::EXPIRED);
    house.told()
}

pub(super) fn what_is_wrong_with_contacts() -> Vec<&'static str> {
    let mut house = House::start("domains = 'example.com'");
    let with = |contact: &str| Request::register(ALICE).contact(contact);
    house.ends(reason::FOREIGN_DOMAIN, &Request::new("REGISTER", "sip:example.net", ALICE));
    house.ends(reason::NOT_AN_AOR, &Request::new("REGISTER", "sip:example.com", "tel:+1"));
    house.ends(reason::BAD_CONTACT, &with("<mailto:alice@192.0.2.7>"));
    house.ends(reason::CONTACT_TOO_LONG, &with(&format!("<sip:{}@192.0.2.7>", "a".repeat(1100))));
    house.ends(reason::DUPLICATE_CONTACT, &register().contact("<sip:alice@192.0.2.7>"));
    let own = house.registrar.registrar.udp();
    house.ends(reason::CONTACT_LOOPS, &with(&format!("<sip:alice@{own}>")));
    house.ends(reason::STAR_MISUSED, &with("*").expires(60));
    house.ends(reason::SIPS_REQUIRED, &with("<sips:alice@192.0.2.7>"));
    let secure = Request::new("REGISTER", "sips:example.com", ALICE).contact("<sips:alice@192.0.2.7>");
    house.ends(reason::SIPS_WITHOUT_TLS, &secure);
    house.ends(reason::TOO_BRIEF, &register().expires(1));
    let many = (0..33).fold(Request::register(ALICE), |request, n| request.contact(&format!("<sip:{n}@192.0.2.7>")));
    house.ends(reason::TOO_MANY_CONTACTS, &many);
    house.told()
}

pub(super) fn what_connections_and_operators_do() -> Vec<&'static str> {
    let mut house = House::start("[flows]\ngrace = 1");
    let mut phone = Phone::tcp(house.registrar.registrar.tcp());
    assert_eq!(phone.ask(&register()).status(), 200);
    drop(phone);
    house.tells(reason::SUSPECT);
    house.tells(reason::LOST);
    let path = "/api/v1/aors/sip%3Aalice%40example.com";
    let added = post(&house.registrar, path, "application/json", r#"{"contact": "<sip:alice@192.0.2.9>"}"#);
    assert_eq!(added.status, 201, "{added:?}");
    house.tells(reason::ADDED_BY_OPERATOR);
    assert_eq!(house.registrar.api().ask("DELETE", &format!("{path}/bindings"), &[]).status, 200);
    house.tells(reason::REMOVED_BY_OPERATOR);
    house.told()
}

pub(super) fn a_full_table() -> Vec<&'static str> {
    let mut house = House::start("[registrar]\nmax_bindings = 1");
    let other = Request::register("sip:bob@example.com").contact("<sip:bob@192.0.2.7>");
    assert_eq!(house.phone.ask(&other).status(), 200);
    house.ends(reason::TABLE_FULL, &register());
    house.told()
}
