//! For how long a contact is granted (RFC 3261 §10.2.1.1, §10.3 step 7, §20.10, §20.19, §20.23).

use sip_message::HeaderId;
use sip_registrar::Registrar;

use crate::harness::{Server, builder, register};

fn granted(contacts: &[String]) -> Vec<u32> {
    let expires = |contact: &String| contact.rsplit_once(";expires=").unwrap().1.parse().unwrap();
    contacts.iter().map(expires).collect()
}

#[test]
fn a_contact_says_it_before_the_header_and_that_before_the_default() {
    let mut server = Server::new(builder().max_expires(7200).default_expires(150));
    for (contact, header, expected) in [
        ("<sip:a@127.0.0.1:1>;expires=60", Some("120"), 60),
        ("<sip:a@127.0.0.1:1>;Expires=61", None, 61),
        ("<sip:a@127.0.0.1:1>", Some("120"), 120),
        ("<sip:a@127.0.0.1:1>", None, 150),
        // Parameters of a URI are not the header's.
        ("<sip:a@127.0.0.1:1;expires=60>", Some("120"), 120),
        // What is malformed counts as an hour, in both places.
        ("<sip:a@127.0.0.1:1>;expires=soon", Some("120"), 3600),
        ("<sip:a@127.0.0.1:1>;expires=\"60\"", Some("120"), 3600),
        ("<sip:a@127.0.0.1:1>;expires", Some("120"), 3600),
        ("<sip:a@127.0.0.1:1>;expires=-1", Some("120"), 3600),
        ("<sip:a@127.0.0.1:1>", Some("a while"), 3600),
        ("<sip:a@127.0.0.1:1>", Some(""), 3600),
        ("<sip:a@127.0.0.1:1>", Some("-1"), 3600),
        ("<sip:a@127.0.0.1:1>", Some("99999999999999999999"), 7200),
        ("<sip:a@127.0.0.1:1>;expires=4294967296", None, 7200),
    ] {
        let request =
            register("a").cseq(server.record().map_or(1, |record| record.bindings().next().unwrap().cseq + 1));
        let request = request.contact(contact);
        let request = if let Some(header) = header { request.expires(header) } else { request };
        assert_eq!(granted(&server.registers(&request)), [expected], "{contact} {header:?}");
    }
}

#[test]
fn contacts_of_one_request_are_granted_each_for_itself() {
    let mut server = Server::new(builder());
    let request = register("a").contact("<sip:a@127.0.0.1:1>;expires=40, <sip:b@127.0.0.1:1>").expires("50");
    let request = request.contact("<sip:c@127.0.0.1:1>;expires=0").contact("<sip:d@127.0.0.1:1>;expires=100000");
    assert_eq!(granted(&server.registers(&request)), [40, 50, 300]);
}

#[test]
fn an_interval_under_the_minimum_is_answered_423_with_min_expires() {
    let mut server = Server::new(builder().min_expires(60));
    for request in [
        register("a").contact("<sip:a@127.0.0.1:1>;expires=59"),
        register("a").contact("<sip:a@127.0.0.1:1>").expires("1"),
        // All or nothing.
        register("a").contact("<sip:a@127.0.0.1:1>;expires=100, <sip:b@127.0.0.1:1>;expires=30"),
    ] {
        let response = server.send(&request);
        assert_eq!((response.status().as_str(), server.reason()), ("423 Interval Too Brief", "interval-too-brief"));
        assert_eq!(response.lines(HeaderId::MinExpires), ["60"]);
        assert_eq!(server.record(), None);
    }
    for allowed in ["60", "61"] {
        assert_eq!(server.registers(&register(allowed).contact("<sip:a@127.0.0.1:1>").expires(allowed)).len(), 1);
    }
    // Removal is no interval.
    assert!(server.registers(&register("c").contact("<sip:a@127.0.0.1:1>").expires("0")).is_empty());
}

#[test]
fn an_hour_is_never_too_brief() {
    let mut server = Server::new(builder().min_expires(7200).max_expires(86_400));
    assert_eq!(server.refuses(&register("a").contact("<sip:a@127.0.0.1:1>").expires("3599")).1, "interval-too-brief");
    assert_eq!(granted(&server.registers(&register("a").contact("<sip:a@127.0.0.1:1>").expires("3600"))), [3600]);
}

#[test]
fn what_is_left_counts_down_and_nothing_is_told_at_zero() {
    let mut server = Server::new(builder());
    server.registers(&register("a").contact("<sip:a@127.0.0.1:1>").expires("60"));
    for (seconds, left) in [(0, 60), (1, 59), (58, 1)] {
        server.pass(seconds);
        assert_eq!(granted(&server.bindings()), [left]);
    }
    server.now = sip_transport::Now::from_millis(server.now.wall + 999);
    assert_eq!(granted(&server.bindings()), [1]);
    server.now = sip_transport::Now::from_millis(server.now.wall + 1);
    assert!(server.bindings().is_empty());
}

#[test]
fn the_answer_has_the_date_of_the_wall_clock() {
    let mut server = Server::new(builder());
    server.now.wall = 1_289_692_400_123;
    assert_eq!(server.send(&register("a")).lines(HeaderId::Date), ["Sat, 13 Nov 2010 23:53:20 GMT"]);
}

#[test]
fn a_changed_wall_clock_changes_no_binding() {
    let mut server = Server::new(builder());
    server.registers(&register("a").contact("<sip:a@127.0.0.1:1>").expires("60"));
    server.now.wall += 1_000_000_000;
    assert_eq!(granted(&server.bindings()), [60]);
}

#[test]
fn jitter_spreads_and_keeps_its_bounds() {
    let registrar = Registrar::builder().min_expires(95).jitter(10);
    let mut server = Server::new(registrar);
    let mut seen = std::collections::BTreeMap::new();
    for n in 0..2000 {
        let contact = format!("<sip:a@127.0.0.1:{}>", n + 1);
        let to = format!("<sip:{n}@example.com>");
        // Many phones have one private address.
        let call_id = format!("{n}@192.168.1.100");
        let ask = |cseq| register(&call_id).cseq(cseq).to(&to).contact(&contact).expires("100");
        let first = granted(&server.registers(&ask(1)))[0];
        *seen.entry(first).or_insert(0) += 1;
        assert_eq!(granted(&server.registers(&ask(2))), [first], "a phone is granted the same each time");
    }
    // 90 to 100 at random, and those under the minimum lifted to it.
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [95, 96, 97, 98, 99, 100]);
    assert!(seen[&95] > 800 && seen[&95] < 1400 && seen[&100] > 100 && seen[&100] < 300, "{seen:?}");
}
