//! Requests that are refused whatever they are for, and those that are not for a registrar.

use sip_dispatch::reason;
use sip_registrar::reason as registrations;

use super::House;
use super::house::{ALICE, register};
use crate::harness::{Answer, Challenge, Request, Room};

pub(super) fn what_is_wrong_in_itself() -> Vec<&'static str> {
    let mut house = House::start("");
    house.ends(reason::MALFORMED, &register().with("a line without a colon"));
    house.ends(reason::MISSING_HEADER, &register().with("Max-Forwards: x").without_hops());
    house.ends(reason::CREDENTIALS, &register().with("Authorization: Digest realm=\"a\", realm=\"b\""));
    house.ends(reason::BAD_REQUEST_URI, &Request::new("REGISTER", "sip:[::1", ALICE));
    house.ends(reason::URI_SCHEME, &Request::new("REGISTER", "tel:+1", ALICE));
    let version = house.phone.text(&register()).replacen(" SIP/2.0\r\n", " SIP/3.0\r\n", 1);
    house.ends_text(reason::VERSION, &version);
    let body = "x".repeat(17_000);
    let with_body = house.phone.text(&register()).replace("Content-Length: 0\r\n\r\n", "Content-Length: 17000\r\n\r\n");
    house.ends_text(reason::BODY_TOO_LARGE, &(with_body + &body));
    let vias = (0..8).fold(register(), |request, n| request.with(&format!("Via: SIP/2.0/UDP h{n};branch=z9hG4bK{n}")));
    house.ends(reason::TOO_MANY_VIAS, &vias);
    house.ends(reason::EXTENSION, &register().with("Require: teleport"));
    house.told()
}

pub(super) fn what_is_not_for_a_registrar() -> Vec<&'static str> {
    let mut house = House::start("domains = 'example.com'\n[registrar]\nredirect = true");
    house.ends(reason::OPTIONS_ANSWERED, &Request::new("OPTIONS", "sip:example.com", ALICE));
    house.ends(reason::METHOD_NOT_ALLOWED, &Request::new("UPDATE", "sip:example.com", ALICE));
    house.ends(reason::METHOD_UNKNOWN, &Request::new("WHISTLE", "sip:example.com", ALICE));
    house.ends(reason::NO_TRANSACTION, &Request::new("BYE", ALICE, ALICE));
    house.ends(reason::TARGET_NOT_SERVED, &Request::new("INVITE", "sip:example.com", ALICE));
    let call = Request::new("INVITE", ALICE, ALICE);
    house.ends(reason::HOPS_EXHAUSTED, &call.clone().with("Max-Forwards: 0").without_hops());
    house.ends(registrations::NOT_REGISTERED, &call);
    house.ends(registrations::REGISTERED, &register());
    house.ends(registrations::REDIRECTED, &call.again());
    house.told()
}

pub(super) fn what_is_too_long_to_be_answered() -> Vec<&'static str> {
    let mut house = House::start("[registrar]\nmax_contacts = 100\nredirect = true");
    let contact = |n: usize| format!("<sip:{n}@192.0.2.7;x={}>", "x".repeat(900));
    for requests in 0..2 {
        let request = (0..20).fold(Request::register(ALICE), |request, n| request.contact(&contact(requests * 20 + n)));
        assert_eq!(house.phone.ask(&request).status(), 200);
    }
    // What is repeated of this, and what is to be told, is more than a datagram holds.
    let long = Request::register(ALICE).from(&format!("<{ALICE}>;x={}", "x".repeat(40_000)));
    house.ends(reason::UNWRITABLE, &long);
    let mut told = house.told();

    let room = Room::new();
    let file = room.file("users.toml", "[user.'alice@example.com']\npassword = 'secret-of-alice'\n");
    let settings = format!("[users]\nfile = '{file}'\n[auth]\ncallers = 'anybody'\n[registrar]\nredirect = true");
    let mut house = House::start(&settings);
    let request = Request::register(ALICE).contact(&contact(0));
    let challenge = Challenge::of(&house.phone.ask(&request));
    let proved = request.again().with(&Answer::of("alice").to(&challenge).header());
    assert_eq!(house.phone.ask(&proved).status(), 200);
    let call = house.phone.text(&Request::new("INVITE", ALICE, ALICE));
    house.phone.send(call.as_bytes());
    house.tells(reason::ANSWER_TOO_LONG);
    told.extend(house.told());
    told
}

impl Request {
    /// With a Max-Forwards of its own among its other lines.
    fn without_hops(self) -> Self {
        Self { has_hops: false, ..self }
    }
}
