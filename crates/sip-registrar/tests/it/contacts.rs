//! Contacts are checked, kept and told byte by byte as they came (RFC 3261 §10.3 steps 7 and 8).

use crate::harness::{Server, builder, register};

#[test]
fn a_contact_is_told_as_it_came_but_for_its_expires() {
    for (sent, told) in [
        ("<sip:a@127.0.0.1:1>", "<sip:a@127.0.0.1:1>"),
        ("sip:a@127.0.0.1:1", "sip:a@127.0.0.1:1"),
        ("sip:a@127.0.0.1:1;expires=60", "sip:a@127.0.0.1:1"),
        ("sip:a@127.0.0.1:1 ; expires=60", "sip:a@127.0.0.1:1"),
        ("sip:a@127.0.0.1:1;line=x;expires=60;q=0.5", "sip:a@127.0.0.1:1;line=x;q=0.5"),
        ("<sip:a@127.0.0.1:1>;expires=60;q=0.3", "<sip:a@127.0.0.1:1>;q=0.3"),
        ("<sip:a@127.0.0.1:1>;q=0.300 ; EXPIRES = 60 ; x", "<sip:a@127.0.0.1:1>;q=0.300 ; x"),
        ("<sip:a@127.0.0.1:1>;a=\"b;expires=1,c\";expires=60;d", "<sip:a@127.0.0.1:1>;a=\"b;expires=1,c\";d"),
        ("\"O'Brien, \\\"A\\\" <x>\" <sip:a@127.0.0.1:1>", "\"O'Brien, \\\"A\\\" <x>\" <sip:a@127.0.0.1:1>"),
        ("Alice von W <sip:a@127.0.0.1:1;x-y=%41;ob>", "Alice von W <sip:a@127.0.0.1:1;x-y=%41;ob>"),
        ("\"sip:a@127.0.0.1:1\" <sip:a@127.0.0.1:1>", "\"sip:a@127.0.0.1:1\" <sip:a@127.0.0.1:1>"),
        (
            "<sip:a@127.0.0.1:1>;+sip.ice;methods=\"INVITE, BYE\"",
            "<sip:a@127.0.0.1:1>;+sip.ice;methods=\"INVITE, BYE\"",
        ),
        ("<sip:a@127.0.0.1:1>;flag;q=1;video;+x=\"<a>\"", "<sip:a@127.0.0.1:1>;flag;q=1;video;+x=\"<a>\""),
        ("\"J\u{f6}rg\" <sip:a@127.0.0.1:1>", "\"J\u{f6}rg\" <sip:a@127.0.0.1:1>"),
        ("<sip:a@127.0.0.1:1>\r\n ;x=1;\r\n\texpires=60;y", "<sip:a@127.0.0.1:1> ;x=1;y"),
        ("\"two\r\n  lines\" <sip:a@127.0.0.1:1>", "\"two lines\" <sip:a@127.0.0.1:1>"),
        ("<sip:a@[2001:DB8::1]:1;transport=UDP>", "<sip:a@[2001:DB8::1]:1;transport=UDP>"),
        ("<sip:a@b.invalid;transport=ws?Subject=x>", "<sip:a@b.invalid;transport=ws?Subject=x>"),
        ("<tel:+49-30-1234>;q=0.1", "<tel:+49-30-1234>;q=0.1"),
        ("<sip:a@h>;+sip.instance=;expires=60", "<sip:a@h>;+sip.instance="),
        ("<sip:a@h>;+sip.instance= ; expires=60", "<sip:a@h>;+sip.instance="),
        ("<sip:a@h>;expires=60;+sip.instance=\"\";reg-id=1", "<sip:a@h>;+sip.instance=\"\";reg-id=1"),
    ] {
        let mut server = Server::new(builder());
        let contacts = server.registers(&register("a").contact(sent).expires("60"));
        assert_eq!(contacts, [format!("{told};expires=60")], "{sent}");
        // The same again from the stored record.
        assert_eq!(server.bindings(), contacts);
    }
}

#[test]
fn contacts_in_one_line_and_in_many_are_the_same() {
    let mut server = Server::new(builder());
    let request =
        register("a").contact("<sip:a@h>;a=\"x,y\",sip:b@h;q=0.2 , \"C, D\" <sip:c@h>").header("m: <sip:d@h>");
    let contacts = server.registers(&request.expires("60"));
    let told = ["<sip:a@h>;a=\"x,y\"", "sip:b@h;q=0.2", "\"C, D\" <sip:c@h>", "<sip:d@h>"];
    assert_eq!(contacts, told.map(|contact| format!("{contact};expires=60")));
}

#[test]
fn what_a_record_knows_of_a_contact_is_what_was_sent() {
    let mut server = Server::new(builder());
    server.connect(sip_transport::Transport::Tcp, crate::harness::FLOW);
    server.peer.remote = "[::1]:4711".parse().unwrap();
    let contact = "Alice <sip:a@127.0.0.1:1;ob>;expires=60;reg-id=2;+sip.instance=\"<urn:x:1>\";q=0.25";
    let request = register("call").cseq(7).contact(contact);
    server.registers(&request.header("User-Agent: phone/1.0").header("Path: <sip:p1;lr>,<sip:p2;lr>"));
    let record = server.record().unwrap();
    let binding = record.bindings().next().unwrap();
    assert_eq!(binding.contact, b"Alice <sip:a@127.0.0.1:1;ob>;reg-id=2;+sip.instance=\"<urn:x:1>\";q=0.25");
    assert_eq!((binding.uri, binding.instance), (b"sip:a@127.0.0.1:1;ob".as_slice(), b"<urn:x:1>".as_slice()));
    assert_eq!((binding.reg_id, binding.q.thousandths(), binding.cseq), (Some(2), 250, 7));
    assert_eq!((binding.call_id, binding.granted), (b"call".as_slice(), 60));
    assert_eq!(binding.expires_at, server.now.at.plus_seconds(60));
    assert_eq!(binding.registered_at(), server.now.at);
    assert_eq!((binding.path, binding.user_agent), (b"<sip:p1;lr>,<sip:p2;lr>".as_slice(), b"phone/1.0".as_slice()));
    assert_eq!((binding.source, binding.transport), (server.peer.remote, server.peer.transport));
    assert_eq!((binding.leg, binding.flow), (server.peer.leg, server.peer.flow));
}

#[test]
fn an_instance_that_is_folded_is_one_in_the_record() {
    let mut server = Server::new(builder());
    let contact = "<sip:a@h>;\r\n +sip.instance=\r\n \"<urn:x:1>\";expires=60;\r\n reg-id=1";
    server.registers(&register("a").contact(contact));
    let record = server.record().unwrap();
    let binding = record.bindings().next().unwrap();
    assert_eq!((binding.instance, binding.reg_id), (b"<urn:x:1>".as_slice(), Some(1)));
    assert_eq!(
        server.registers(&register("a").cseq(2).contact("<sip:b@h>;+sip.instance=\"<urn:x:1>\";reg-id=1")).len(),
        1
    );
}

#[test]
fn own_bindings_are_told_first() {
    let mut server = Server::new(builder());
    for (call_id, contact) in [("a", "<sip:a@h>"), ("b", "<sip:b@h>"), ("c", "<sip:c@h>")] {
        let contacts = server.registers(&register(call_id).contact(contact).expires("60"));
        assert_eq!(contacts[0], format!("{contact};expires=60"));
    }
    let contacts = server.registers(&register("b").cseq(2).contact("<sip:b@h>").expires("90"));
    assert_eq!(contacts, ["<sip:b@h>;expires=90", "<sip:a@h>;expires=60", "<sip:c@h>;expires=60"]);
    assert_eq!(server.reason(), "refreshed");
}

#[test]
fn without_a_contact_the_bindings_are_only_told() {
    let mut server = Server::new(builder());
    assert!(server.registers(&register("q").expires("0")).is_empty());
    server.registers(&register("a").contact("<sip:a@h>").expires("60"));
    let before = server.record();
    for request in [register("q"), register("a").cseq(1), register("a").cseq(2).expires("0")] {
        assert_eq!(server.registers(&request), ["<sip:a@h>;expires=60"]);
        assert_eq!(server.reason(), "queried");
    }
    assert_eq!(server.record(), before);
}

#[test]
fn what_cannot_be_called_is_refused_with_the_whole_request() {
    let mut server = Server::new(builder());
    server.registers(&register("a").contact("<sip:a@h>").expires("60"));
    for contact in [
        "<mailto:alice@example.com>",
        "<http://example.com>",
        "<sip:goodudp@udp:127.0.0.1:45821>",
        "<sip:a@udp:1.2.3.4:5>",
        "<sip:a@127.0.0.1:0>",
        "<sip:a@127.0.0.1:70000>",
        "<sip:a@300.1.1.1>",
        "<sip:@127.0.0.1>",
        "<sip:a@127.0.0.1",
        "sip:a@127.0.0.1>",
        "<sip:a@127.0.0.1>;",
        "<sip:a@127.0.0.1>;q=2",
        "<sip:a@127.0.0.1>;expires=60;expires=90",
        "<sip:a@127.0.0.1>;q=0.1;q=0.2",
        "\"a <sip:a@127.0.0.1>",
        "alice",
        "",
        ",",
        "<sip:b@h>,",
        "<>",
        "* *",
    ] {
        let request = register("b").contact(contact);
        assert_eq!(server.refuses(&request), ("400 Bad Contact".to_owned(), "bad-contact"), "{contact:?}");
        let request = register("b").contact("<sip:b@h>").contact(contact).contact("<sip:c@h>");
        assert_eq!(server.refuses(&request).1, "bad-contact", "{contact:?}");
    }
}

#[test]
fn a_contact_that_is_this_very_server_is_refused() {
    let mut server = Server::new(builder());
    for contact in ["<sip:alice@127.0.0.1>", "sip:alice@127.0.0.1:5060", "<sip:x@127.0.0.1:5060;transport=tcp>"] {
        let refused = server.refuses(&register("a").contact(contact));
        assert_eq!(refused, ("403 Contact Is This Server".to_owned(), "contact-loops"), "{contact}");
    }
    assert_eq!(server.registers(&register("a").contact("<sip:a@127.0.0.1:5061>,<sip:a@127.0.0.2:5060>")).len(), 2);
}

#[test]
fn a_contact_that_is_this_server_as_others_reach_it_is_refused() {
    let own = builder()
        .own_address("203.0.113.5", 5070)
        .own_address("[2001:db8::5]", 5061)
        .own_address("sip.example.net", 5060);
    let mut server = Server::new(own);
    for contact in ["<sip:x@203.0.113.5:5070>", "<sip:x@[2001:DB8::5]:5061>", "<sip:a@h>, <sip:x@SIP.example.net>"] {
        let refused = server.refuses(&register("a").contact(contact));
        assert_eq!(refused, ("403 Contact Is This Server".to_owned(), "contact-loops"), "{contact}");
    }
    let others = "<sip:x@203.0.113.5>, <sip:x@sip.example.net:5061>, <sip:x@example.net>, <tel:+1>";
    assert_eq!(server.registers(&register("a").contact(others)).len(), 4);
}

#[test]
fn what_is_too_long_is_refused() {
    let mut server = Server::new(builder());
    let refused = ("400 Contact Too Long".to_owned(), "contact-too-long");
    let contact = |length: usize| format!("<sip:{}@h>", "x".repeat(length - 8));
    assert_eq!(server.refuses(&register("a").contact(&contact(1025))), refused);
    let path = format!("Path: <sip:{};lr>", "p".repeat(2048));
    assert_eq!(server.refuses(&register("a").contact("<sip:a@h>").header(&path)), refused);
    assert_eq!(server.refuses(&register(&"c".repeat(257)).contact("<sip:a@h>")), refused);
    let path = format!("Path: <sip:{};lr>", "p".repeat(2038));
    let longest = register(&"c".repeat(256)).contact(&contact(1024)).header(&path);
    assert_eq!(server.registers(&longest).len(), 1);
    // Nothing of it is stored when it only asks.
    assert_eq!(server.registers(&register(&"c".repeat(257))).len(), 1);
}

#[test]
fn a_long_user_agent_is_cut_and_not_refused() {
    let mut server = Server::new(builder());
    server.registers(&register("a").contact("<sip:a@h>").header(&format!("User-Agent: {}", "u".repeat(500))));
    assert_eq!(server.record().unwrap().bindings().next().unwrap().user_agent, "u".repeat(64).as_bytes());
}

#[test]
fn the_same_contact_twice_is_refused() {
    let mut server = Server::new(builder());
    let refused = ("400 Duplicate Contact".to_owned(), "duplicate-contact");
    for (a, b) in [
        ("<sip:a@h>", "<sip:a@h>"),
        ("<sip:a@h>", "<sip:%61@H>;q=0.5"),
        ("<sip:a@h>", "<sip:a@h;x>"),
        ("<sip:a@h>;expires=60", "<sip:a@h>;expires=0"),
        ("<sip:a@h>;expires=0", "<sip:a@h>;expires=60"),
        ("<sip:a@h>;+sip.instance=\"<urn:x:1>\"", "<sip:b@h>;+sip.instance=\"<urn:x:1>\""),
        ("<sip:a@h>;+sip.instance=\"<urn:x:1>\";reg-id=1", "<sip:b@h>;+sip.instance=\"<urn:x:1>\";reg-id=1"),
    ] {
        assert_eq!(server.refuses(&register("a").contact(a).contact(b)), refused, "{a} {b}");
    }
    for (a, b) in [
        ("<sip:a@h>", "<sip:a@h:5060>"),
        ("<sip:a@h>", "<sips:a@h>"),
        ("<sip:a@h>;+sip.instance=\"<urn:x:1>\";reg-id=1", "<sip:a@h>;+sip.instance=\"<urn:x:1>\";reg-id=2"),
        ("<sip:a@h>;+sip.instance=\"<urn:x:1>\"", "<sip:a@h>;+sip.instance=\"<urn:x:2>\""),
    ] {
        let mut server = Server::new(builder());
        server.connect(sip_transport::Transport::Tls, crate::harness::FLOW);
        let request = register("a").line("REGISTER sips:example.com SIP/2.0").contact(a).contact(b);
        assert_eq!(server.registers(&request).len(), 2, "{a} {b}");
    }
}

#[test]
fn removing_the_same_contact_twice_is_removing_it() {
    let mut server = Server::new(builder());
    server.registers(&register("a").contact("<sip:a@h>"));
    assert!(server.registers(&register("b").contact("<sip:a@h>,<sip:a@h>").expires("0")).is_empty());
}

#[test]
fn a_sips_contact_needs_sips_all_the_way() {
    let mut server = Server::new(builder());
    server.connect(sip_transport::Transport::Tls, crate::harness::FLOW);
    let refused = ("400 SIPS Required".to_owned(), "sips-required");
    let sips = |request: crate::harness::Request| request.line("REGISTER sips:example.com SIP/2.0");
    let secure = || register("a").contact("<sip:b@h>").contact("<sips:a@h>");
    assert_eq!(server.refuses(&secure()), refused);
    assert_eq!(server.refuses(&sips(secure()).header("Path: <sips:p;lr>, <sip:p;lr>")), refused);
    assert_eq!(server.registers(&sips(secure()).header("Path: <sips:p;lr>")).len(), 2);
    // Neither To nor From is asked, and a sip Contact goes everywhere.
    assert_eq!(server.registers(&sips(register("b").contact("<sip:c@h>"))).len(), 3);
}

#[test]
fn sips_over_a_transport_without_tls_is_refused() {
    use sip_transport::Transport;
    let sips = |contact: &str| register("a").line("REGISTER sips:example.com SIP/2.0").contact(contact);
    let refused = ("400 SIPS Without TLS".to_owned(), "sips-without-tls");
    for transport in [Transport::Udp, Transport::Tcp, Transport::Ws] {
        let mut server = Server::new(builder());
        if transport.is_stream() {
            server.connect(transport, crate::harness::FLOW);
        }
        for contact in ["<sips:a@h>", "<sip:a@h>"] {
            assert_eq!(server.refuses(&sips(contact)), refused, "{transport} {contact}");
            assert_eq!(server.refuses(&sips(contact).header("Path: <sips:p;lr>, <sip:p;lr>")), refused, "{transport}");
        }
        // An edge proxy with TLS towards its clients may be on our own network.
        assert_eq!(server.registers(&sips("<sips:a@h>").header("Path: <sips:p;lr>")), ["<sips:a@h>;expires=300"]);
        // To and From say only who somebody is (RFC 5630 §5.2).
        let request = register("b").contact("<sip:b@h>").to("<sips:alice@example.com>");
        assert_eq!(server.registers(&request).len(), 2);
    }
    for transport in [Transport::Tls, Transport::Wss] {
        let mut server = Server::new(builder());
        server.connect(transport, crate::harness::FLOW);
        assert_eq!(server.registers(&sips("<sips:a@h>")), ["<sips:a@h>;expires=300"]);
    }
}

#[test]
fn an_empty_instance_is_none_wherever_it_stands() {
    let long = "?".repeat(99);
    let mut server = Server::new(builder());
    let sent = format!("<sip:a@h>;+sip.instance=;expires={long}");
    // What is no number counts as an hour, which is more than is granted.
    assert_eq!(server.registers(&register("a").contact(&sent)), ["<sip:a@h>;+sip.instance=;expires=300"]);
}
