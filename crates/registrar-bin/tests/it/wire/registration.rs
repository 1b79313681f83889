//! The life of a binding, on every leg.

use std::time::Instant;

use crate::harness::{Phone, Registrar, Request, contacts_of, wait_until_contacts};

/// The seconds in a contact's `expires` parameter.
fn expires(contact: &str) -> u32 {
    let (_, rest) = contact.split_once(";expires=").unwrap_or_else(|| panic!("{contact}"));
    rest.split(';').next().unwrap().parse().unwrap()
}

#[test]
fn a_phone_registers_refreshes_asks_and_unregisters_on_every_leg() {
    let registrar = Registrar::start();
    assert_eq!(registrar.legs().len(), 4);
    for leg in registrar.legs() {
        let aor = format!("sip:alice-{}-{}@example.com", leg.transport(), leg.addr.is_ipv4());
        let mut phone = leg.phone();
        let contact = format!("<sip:alice@{}>", phone.local());

        let register = Request::register(&aor).contact(&contact).expires(100);
        let answer = phone.ask(&register);
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let [only] = answer.contacts().try_into().unwrap();
        assert!(only.starts_with(&contact), "{only}");
        // What was asked for, less the jitter of at most a tenth.
        assert!((90..=100).contains(&expires(&only)), "{only}");
        answer.header("Date");

        let refresh = register.next().contact(&contact).expires(200);
        let [only] = phone.ask(&refresh).contacts().try_into().unwrap();
        assert!((180..=200).contains(&expires(&only)), "{only}");

        // Asking changes nothing, by whatever leg.
        for other in registrar.legs() {
            let [only] = other.phone().ask(&Request::register(&aor)).contacts().try_into().unwrap();
            assert!(only.starts_with(&contact) && (150..=200).contains(&expires(&only)), "{only}");
        }

        let leave = refresh.next().contact(&contact).expires(0);
        let answer = phone.ask(&leave);
        assert_eq!((answer.status(), answer.contacts()), (200, Vec::new()));
        assert!(contacts_of(registrar.udp(), &aor).is_empty());
    }
    registrar.stop();
}

#[test]
fn a_binding_is_gone_when_its_time_is_over() {
    let registrar = Registrar::configured("[registrar]\nmin_expires = 1\njitter = 0");
    let phones: Vec<_> = registrar
        .legs()
        .iter()
        .map(|leg| {
            let aor = format!("sip:brief-{}-{}@example.com", leg.transport(), leg.addr.is_ipv4());
            let mut phone = leg.phone();
            let register = Request::register(&aor).contact("<sip:brief@127.0.0.1>;expires=2, <sip:long@127.0.0.1>");
            let asked = Instant::now();
            assert_eq!(phone.ask(&register.expires(60)).contacts().len(), 2);
            (aor, phone, asked)
        })
        .collect();
    for (aor, _phone, asked) in phones {
        let left = wait_until_contacts(registrar.udp(), &aor, |contacts| contacts.len() == 1);
        assert!(left[0].contains("long"), "{left:?}");
        // Never early, and no later than a second that has begun.
        let lived = asked.elapsed().as_secs_f32();
        assert!((1.0..4.0).contains(&lived), "{lived} s");
    }
    registrar.stop();
}

#[test]
fn two_phones_of_one_user_are_both_told_and_one_leaves_without_the_other() {
    let registrar = Registrar::start();
    let aor = "sip:bob@example.com";
    let (mut desk, mut cell) = (Phone::udp(registrar.udp()), Phone::tcp(registrar.tcp()));
    let from_desk = Request::register(aor).contact("<sip:desk@127.0.0.1:7001>;q=0.3");
    let from_cell = Request::register(aor).contact("<sip:cell@127.0.0.1:7002;transport=tcp>;q=0.9");
    assert_eq!(desk.ask(&from_desk).contacts().len(), 1);
    let both = cell.ask(&from_cell).contacts();
    assert!(both.len() == 2 && both[0].starts_with("<sip:cell@127.0.0.1:7002;transport=tcp>;q=0.9"), "{both:?}");
    let left = cell.ask(&from_cell.next().contact("<sip:cell@127.0.0.1:7002;transport=tcp>;expires=0")).contacts();
    assert!(left.len() == 1 && left[0].starts_with("<sip:desk@127.0.0.1:7001>;q=0.3"), "{left:?}");
    assert_eq!(desk.ask(&from_desk.next().contact("*").expires(0)).contacts(), Vec::<String>::new());
    registrar.stop();
}

#[test]
fn only_the_domains_that_are_named_are_served() {
    let registrar = Registrar::run(&["--listen", "udp:127.0.0.1:0", "-d", "example.com", "-d", "*.example.org"]);
    let mut phone = Phone::udp(registrar.udp());
    for (domain, status) in [
        ("example.com", 200),
        ("EXAMPLE.com", 200),
        ("pbx.example.org", 200),
        ("evilexample.com", 404),
        ("sub.example.com", 404),
        ("example.org", 404),
    ] {
        let contact = format!("<sip:alice@{}>", phone.local());
        let register = Request::register(&format!("sip:alice@{domain}")).contact(&contact);
        assert_eq!(phone.ask(&register).status(), status, "{domain}");
    }
    registrar.stop();
}
