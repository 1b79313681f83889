//! Streams.

use crate::harness::{Phone, Registrar, Request, contacts_of};

#[test]
fn many_requests_in_one_segment_are_all_answered_in_order() {
    let registrar = Registrar::start();
    for ipv4 in [true, false] {
        let mut phone = Phone::tcp(registrar.leg(false, ipv4));
        let requests: Vec<_> = (0..50).map(|n| Request::register(&format!("sip:user{n}@example.com"))).collect();
        let text: String = requests.iter().map(|request| phone.text(request)).collect();
        phone.send(text.as_bytes());
        for request in requests {
            let answer = phone.receive();
            assert_eq!((answer.status(), answer.header("Call-ID")), (200, request.call_id.as_str()));
        }
    }
    registrar.stop();
}

#[test]
fn a_request_that_comes_byte_by_byte_is_answered() {
    let registrar = Registrar::start();
    let mut phone = Phone::tcp(registrar.tcp());
    let request = Request::register("sip:alice@example.com").contact("<sip:alice@127.0.0.1:7777>");
    for byte in phone.text(&request).into_bytes() {
        phone.send(&[byte]);
    }
    assert_eq!(phone.receive().contacts().len(), 1);
    registrar.stop();
}

/// RFC 5626 §3.5.1 and §4.4.1; RFC 3261 §7.5 for the single line end.
#[test]
fn a_ping_is_answered_with_a_pong_and_a_lone_line_end_is_not() {
    let registrar = Registrar::start();
    let mut phone = Phone::tcp(registrar.tcp());
    phone.send(b"\r\n\r\n");
    assert_eq!(phone.receive_bytes(2), b"\r\n");
    let request = Request::register("sip:alice@example.com");
    phone.send(format!("\r\n{}\r\n\r\n", phone.text(&request)).as_bytes());
    assert_eq!(phone.receive().header("Call-ID"), request.call_id);
    assert_eq!(phone.receive_bytes(2), b"\r\n");
    registrar.stop();
}

#[test]
fn a_stream_that_cannot_be_divided_is_refused_and_closed() {
    let registrar = Registrar::start();
    let mut phone = Phone::tcp(registrar.tcp());
    let text = phone.text(&Request::register("sip:alice@example.com"));
    phone.send(text.replace("Content-Length: 0", "Content-Length: 1\r\nContent-Length: 0").as_bytes());
    assert_eq!(phone.receive().status(), 400);
    phone.wait_for_close();
    registrar.stop();
}

#[test]
fn a_thousand_users_register_over_twenty_connections() {
    let registrar = Registrar::start();
    let mut phones: Vec<_> = (0..20).map(|_| Phone::tcp(registrar.tcp())).collect();
    let aor = |phone: usize, user: usize| format!("sip:user-{phone}-{user}@example.com");
    for (number, phone) in phones.iter_mut().enumerate() {
        let requests = (0..50).map(|user| {
            let contact = format!("<sip:c-{number}-{user}@{};transport=tcp>", phone.local());
            phone.text(&Request::register(&aor(number, user)).contact(&contact))
        });
        let text: String = requests.collect();
        phone.send(text.as_bytes());
    }
    for (number, phone) in phones.iter_mut().enumerate() {
        // They leave when their group is on disk, in any order: each belongs to a transaction of its own.
        let mut missing: Vec<_> = (0..50).map(|user| format!("<sip:c-{number}-{user}@")).collect();
        while !missing.is_empty() {
            let contacts = phone.receive().contacts();
            let [contact] = &contacts[..] else { panic!("{contacts:?}") };
            let at = missing.iter().position(|start| contact.starts_with(start));
            missing.swap_remove(at.unwrap_or_else(|| panic!("{contact} of {missing:?}")));
        }
    }
    // Another connection, and another transport, see the same.
    let mut other = Phone::tcp(registrar.tcp());
    for (number, user) in [(0, 0), (7, 31), (19, 49)] {
        let contacts = other.ask(&Request::register(&aor(number, user))).contacts();
        assert_eq!(contacts.len(), 1);
        assert_eq!(contacts_of(registrar.udp(), &aor(number, user)).len(), 1);
    }
    registrar.stop();
}
