//! Good and bad values of each typed header, from the grammar of RFC 3261 §25.1 and from what phones send.

use std::fmt::Debug;

use super::*;
use crate::uri::Host;
use crate::{Framing, Index, Method};

#[track_caller]
fn refused<'a, H: SingleHeader<'a> + Debug>(values: &[&'a str]) {
    for value in values {
        let read = H::parse(value.as_bytes());
        assert!(read.is_err(), "{value:?} was read as {read:?}");
        assert!(read.err().is_some_and(|error| error.at <= value.len()));
    }
}

/// All values in these lines, or where reading stopped.
macro_rules! items {
    ($item:ty, $lines:expr, $see:expr) => {
        Values::<$item, _>::new($lines.iter().map(|line: &&str| line.as_bytes()))
            .map(|item| item.map($see))
            .collect::<Result<Vec<_>, ParseError>>()
    };
}

#[test]
fn vias_are_read_in_every_form_of_sent_by() {
    for (value, transport, sent_by, port) in [
        ("SIP/2.0/UDP 192.0.2.1", "UDP", "192.0.2.1", None),
        ("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "UDP", "192.0.2.1:5060", Some(5060)),
        ("sip/2.0/tcp host.example.com;branch=z9hG4bK1", "tcp", "host.example.com", None),
        ("SIP/2.0/WSS u6thgfeq4rdh.invalid;branch=z9hG4bK1", "WSS", "u6thgfeq4rdh.invalid", None),
        ("SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bK1", "TLS", "[2001:db8::1]:5061", Some(5061)),
        ("SIP / 2.0 / UDP  a : 5060 ; branch = z9hG4bK1", "UDP", "a : 5060", Some(5060)),
        ("SIP/2.0/UDP\r\n a\r\n ;branch=z9hG4bK1", "UDP", "a", None),
        ("SIP/2.0/TLS-SCTP a", "TLS-SCTP", "a", None),
        ("SIP/7.0/UDP a", "UDP", "a", None),
        ("SIP/2.0/UDP a;ttl=16;x;y=\"z;,\";branch=z9hG4bK1", "UDP", "a", None),
    ] {
        let vias = items!(Via<'_>, [value], |via| via).unwrap();
        let [via] = vias[..] else { panic!("{value:?}") };
        assert_eq!(via.bytes, value.as_bytes(), "{value:?}");
        assert_eq!(
            (via.transport, via.sent_by, via.port),
            (transport.as_bytes(), sent_by.as_bytes(), port),
            "{value:?}"
        );
        if value.contains("z9hG4bK1") {
            assert_eq!(via.unique_branch(), Some(b"z9hG4bK1".as_slice()), "{value:?}");
        }
    }
}

#[test]
fn what_is_no_via_is_refused() {
    for value in [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "SIP/2.0 a",
        "SIP/2.0/ a",
        "HTTP/1.1/TCP a",
        "SIP/2.0/UDPa",
        "SIP/2.0/UDP a b",
        "SIP/2.0/UDP a:",
        "SIP/2.0/UDP a:0",
        "SIP/2.0/UDP a:65536",
        "SIP/2.0/UDP a;",
        "SIP/2.0/UDP a;;branch=1",
        "SIP/2.0/UDP a;=1",
        "SIP/2.0/UDP a;branch=\"1",
        "SIP/2.0/UDP a;branch=1;branch=2",
        "SIP/2.0/UDP a;BRANCH=1;branch=1",
        "SIP/2.0/UDP a;received=1.2.3.4;received=1.2.3.5",
        "SIP/2.0/UDP a;rport;rport=1",
        "SIP/2.0/UDP a;rport=0",
        "SIP/2.0/UDP a;rport=65536",
        "SIP/2.0/UDP a;rport=x",
        "SIP/2.0/UDP a;maddr=b;maddr=c",
        "SIP/2.0/UDP [::1",
        "SIP/2.0/UDP ::1",
        "SIP/2.0/UDP a,",
        ",SIP/2.0/UDP a",
        "SIP/2.0/UDP a,,SIP/2.0/UDP b",
        "SIP/2.0/UDP a SIP/2.0/UDP b",
    ] {
        assert!(items!(Via<'_>, [value], |via| via.bytes).is_err(), "{value:?}");
    }
}

#[test]
fn via_parameters_are_told_apart() {
    let of = |value: &'static str| items!(Via<'_>, [value], |via| via).unwrap()[0];
    assert_eq!(of("SIP/2.0/UDP a").rport, Rport::Absent);
    assert_eq!(of("SIP/2.0/UDP a;rport;branch=x").rport, Rport::Asked);
    assert_eq!(of("SIP/2.0/UDP a;branch=x;rport=").rport, Rport::Asked);
    assert_eq!(of("SIP/2.0/UDP a;RPORT=5070").rport, Rport::Port(5070));
    // Without the cookie a branch identifies nothing (RFC 3261 §8.1.1.7); PySIP sends such ones.
    assert_eq!(of("SIP/2.0/UDP a;branch=4644ed1c").unique_branch(), None);
    assert_eq!(of("SIP/2.0/UDP a;branch=4644ed1c").branch, Some(b"4644ed1c".as_slice()));
    assert_eq!(of("SIP/2.0/UDP a;branch=z9hG4bK").unique_branch(), None);
    assert_eq!(of("SIP/2.0/UDP a;branch=Z9HG4BKx").unique_branch(), None);
    assert_eq!(of("SIP/2.0/UDP a;maddr=224.0.1.75").maddr, Some(b"224.0.1.75".as_slice()));
    for (value, ip) in [
        ("SIP/2.0/UDP a;received=192.0.2.9", Some("192.0.2.9")),
        ("SIP/2.0/UDP a;received=2001:db8::9", Some("2001:db8::9")),
        ("SIP/2.0/UDP a;received=[2001:db8::9]", Some("2001:db8::9")),
        ("SIP/2.0/UDP a;received=a", None),
        ("SIP/2.0/UDP a;received", None),
        ("SIP/2.0/UDP a", None),
    ] {
        assert_eq!(of(value).received_ip(), ip.map(|ip| ip.parse().unwrap()), "{value}");
    }
    let via = of("SIP/2.0/UDP a;Alias;x=\"y\"");
    assert_eq!((via.params.get("alias"), via.params.get("z")), (Some(None), None));
    assert_eq!(via.params.get("X"), Some(Some(b"\"y\"".as_slice())));
}

#[test]
fn addresses_are_read_with_and_without_brackets() {
    for (value, display, uri, bracketed, tag) in [
        ("<sip:a@b>", "", "sip:a@b", true, None),
        ("<sip:a@b>;tag=1", "", "sip:a@b", true, Some("1")),
        ("<sip:a@b;tag=2>;tag=1", "", "sip:a@b;tag=2", true, Some("1")),
        ("<sip:a@b?x=y>", "", "sip:a@b?x=y", true, None),
        ("sip:a@b", "", "sip:a@b", false, None),
        ("sip:a@b;tag=1", "", "sip:a@b", false, Some("1")),
        ("sip:a@b ; x ; TAG = 1", "", "sip:a@b", false, Some("1")),
        ("Alice <sip:a@b>", "Alice", "sip:a@b", true, None),
        ("Alice<sip:a@b>", "Alice", "sip:a@b", true, None),
        ("Alice\r\n B.  %C <sip:a@b>;tag=1", "Alice\r\n B.  %C", "sip:a@b", true, Some("1")),
        ("\u{c4}lice <sip:a@b>", "\u{c4}lice", "sip:a@b", true, None),
        ("\"\"<sip:a@b>", "\"\"", "sip:a@b", true, None),
        ("\"A, <B>; \\\"C\\\\\" \t <sip:a@b>", "\"A, <B>; \\\"C\\\\\"", "sip:a@b", true, None),
        ("<tel:+1-201-555-0123>;tag=1", "", "tel:+1-201-555-0123", true, Some("1")),
        ("<isbn:2983792873>", "", "isbn:2983792873", true, None),
        ("tel:+1;tag=1", "", "tel:+1", false, Some("1")),
        ("<sip:a@b>;x=y@z;tag=1", "", "sip:a@b", true, Some("1")),
    ] {
        let read = NameAddr::parse(value.as_bytes()).unwrap_or_else(|error| panic!("{value:?}: {error}"));
        assert_eq!(read.display, display.as_bytes(), "{value:?}");
        assert_eq!((read.uri.as_bytes(), read.bracketed), (uri.as_bytes(), bracketed), "{value:?}");
        assert_eq!(read.tag, tag.map(str::as_bytes), "{value:?}");
        assert_eq!(From::parse(value.as_bytes()).unwrap().0, To::parse(value.as_bytes()).unwrap().0);
    }
}

#[test]
fn what_is_no_address_is_refused() {
    refused::<From<'_>>(&[
        "",
        "<>",
        "sip:",
        "<sip:a@b",
        "sip:a@b>",
        "< sip:a@b>",
        "<sip:a@b >",
        "<sip:a@b><sip:c@d>",
        "<sip:a@b>, <sip:c@d>",
        "<sip:a@b>;tag=1;tag=2",
        "<sip:a@b>;tag",
        "<sip:a@b>;tag=",
        "<sip:a@b>;tag=1;Tag=1",
        "<sip:a@b>;",
        "A\rB <sip:a@b>",
        "A\nB <sip:a@b>",
        "A\r\nB <sip:a@b>",
        "<sip:a@b>;;x",
        "<sip:a@b>;x=\"y",
        "<sip:a@b> x",
        // RFC 3261 §20: a URI with any of these must stand in brackets.
        "sip:a@b?x=y",
        "sip:a,b@c",
        "\"Alice <sip:a@b>",
        "\"Alice\" sip:a@b",
        "Alice",
        "Alice sip:a@b",
        // Without quotes two readers may divide this in two ways (RFC 4475 §3.1.2.15).
        "Bell, Alexander <sip:a@b>",
        "A:B <sip:a@b>",
        "A;B <sip:a@b>",
        "A@B <sip:a@b>",
        "A \"B\" <sip:a@b>",
        "*",
    ]);
}

#[test]
fn contacts_are_read_with_what_a_registrar_needs() {
    let of = |value: &'static str| match items!(ContactValue<'_>, [value], |contact| contact).unwrap()[..] {
        [ContactValue::Addr(contact)] => contact,
        ref other => panic!("{value:?}: {other:?}"),
    };
    let contact = of(
        "\"A\" <sip:alice@127.0.0.1:34327;transport=TCP;ob> ;reg-id=1;Q=0.7; +sip.instance=\"<urn:uuid:1>\";EXPIRES=60",
    );
    assert_eq!((contact.display, contact.bracketed), (b"\"A\"".as_slice(), true));
    assert_eq!(contact.uri.as_bytes(), b"sip:alice@127.0.0.1:34327;transport=TCP;ob");
    assert_eq!((contact.reg_id, contact.q.map(QValue::thousandths), contact.expires), (Some(1), Some(700), Some(60)));
    assert_eq!(contact.instance, Some(b"<urn:uuid:1>".as_slice()));
    assert_eq!(contact.params.iter().count(), 4);
    // sipsak and Net::SIP: without brackets the parameters are the header's.
    let contact = of("sip:alice@127.0.0.1:55985;transport=udp;expires=5");
    assert_eq!((contact.uri.as_bytes(), contact.expires), (b"sip:alice@127.0.0.1:55985".as_slice(), Some(5)));
    assert_eq!(contact.params.get("transport"), Some(Some(b"udp".as_slice())));
    // RFC 3261 §20.10: malformed is an hour.
    for value in ["<sip:a>;expires", "<sip:a>;expires=", "<sip:a>;expires=x", "<sip:a>;expires=\"5\""] {
        assert_eq!(of(value).expires, Some(MALFORMED_EXPIRES), "{value}");
    }
    assert_eq!(of("<sip:a>;expires=99999999999").expires, Some(u32::MAX));
    assert_eq!(of("<tel:+1>").uri.as_bytes(), b"tel:+1");
}

#[test]
fn a_star_is_told_from_addresses_and_kept_when_mixed_with_them() {
    let read = |lines: &[&'static str]| {
        items!(ContactValue<'_>, lines, |contact| match contact {
            ContactValue::Star => "*",
            ContactValue::Addr(contact) => std::str::from_utf8(contact.bytes).unwrap(),
        })
    };
    assert_eq!(read(&["*"]), Ok(vec!["*"]));
    // Whether this is allowed is decided by RFC 3261 §10.3 step 6, not here.
    assert_eq!(read(&["*, <sip:a>", "sip:b;x"]), Ok(vec!["*", "<sip:a>", "sip:b;x"]));
    assert_eq!(read(&["<sip:a>;q=1 ,\r\n *", "*"]), Ok(vec!["<sip:a>;q=1", "*", "*"]));
    for lines in [
        ["*;expires=0"],
        ["**"],
        ["<*>"],
        ["* <sip:a"],
        ["\"*\""],
        [""],
        [","],
        ["<sip:a>,"],
        ["<sip:a> <sip:b>"],
        ["<sip:a>;q=2"],
        ["<sip:a>;q"],
        ["<sip:a>;q=0.1;q=0.2"],
        ["<sip:a>;expires=1;expires=2"],
        ["<sip:a>;reg-id=0"],
        ["<sip:a>;reg-id=2147483648"],
        ["<sip:a>;reg-id=1;reg-id=1"],
        ["<sip:a>;+sip.instance=\"a\";+SIP.INSTANCE=\"b\""],
        // clients.md: a misconfigured Kamailio registers this, and poisons what others get back.
        ["<sip:goodudp@udp:127.0.0.1:45821>"],
    ] {
        assert!(read(&lines).is_err(), "{lines:?}");
    }
}

#[test]
fn a_list_ends_after_its_first_malformed_value() {
    let lines = [b"<sip:a>, <sip:b, <sip:c>".as_slice(), b"<sip:d>"];
    let read: Vec<_> = Values::<NameAddr<'_>, _>::new(lines.into_iter()).map(|item| item.is_ok()).collect();
    assert_eq!(read, [true, false]);
}

#[test]
fn lists_of_tokens_may_have_no_value_but_no_empty_one() {
    let read = |lines: &[&'static str]| items!(Token<'_>, lines, |token| std::str::from_utf8(token.0).unwrap());
    assert_eq!(read(&["gruu,outbound , path"]), Ok(vec!["gruu", "outbound", "path"]));
    assert_eq!(read(&["path", "", "gruu"]), Ok(vec!["path", "gruu"]));
    assert_eq!(read(&[""]), Ok(vec![]));
    assert_eq!(read(&["a\r\n ,\r\n\tb"]), Ok(vec!["a", "b"]));
    for line in ["a b", "a,", ",a", "a,,b", ",", "a;b", "\"a\"", "a/b", "\u{e4}"] {
        assert!(read(&[line]).is_err(), "{line:?}");
    }
}

#[test]
fn cseq_is_a_number_below_2_to_the_31_and_a_method() {
    for (value, number, method) in [
        ("0 REGISTER", 0, Method::Register),
        ("2147483647 INVITE", 2_147_483_647, Method::Invite),
        ("0000009\r\n\t NEW", 9, Method::Other(b"NEW")),
    ] {
        assert_eq!(CSeq::parse(value.as_bytes()), Ok(CSeq { number, method }), "{value:?}");
    }
    refused::<CSeq<'_>>(&[
        "",
        "1",
        "1 ",
        "REGISTER",
        "1REGISTER",
        "2147483648 REGISTER",
        "4294967296 REGISTER",
        "36893488147419103232 REGISTER",
        "-1 REGISTER",
        "+1 REGISTER",
        "1 REGISTER x",
        "1 REGISTER,",
        "1.0 REGISTER",
        "0x1 REGISTER",
    ]);
}

#[test]
fn call_ids_are_one_or_two_words() {
    for value in ["a", "a@b", "f81d4fae-7dec@foo.bar.com", "(<a>:\\\"/[]?{b}'`~%!*_+.)@192.0.2.1", "00c1fea735406a5d"] {
        assert_eq!(CallId::parse(value.as_bytes()), Ok(CallId(value.as_bytes())));
    }
    refused::<CallId<'_>>(&["", "@", "a@", "@b", "a@b@c", "a b", "a;b", "a,b", "a=b", "\u{e4}", "a\r\n b"]);
}

#[test]
fn numbers_are_digits_within_their_bounds() {
    assert_eq!(MaxForwards::parse(b"70"), Ok(MaxForwards(70)));
    assert_eq!(MaxForwards::parse(b"255"), Ok(MaxForwards(255)));
    refused::<MaxForwards>(&["", "256", "-1", "7 0", "70;x", "0x10", "1.0", "99999999999"]);
    assert_eq!(MinExpires::parse(b"4294967295"), Ok(MinExpires(u32::MAX)));
    refused::<MinExpires>(&["", "4294967296", "x"]);
    assert_eq!(ContentLength::parse(b"0000349"), Ok(ContentLength(349)));
    refused::<ContentLength>(&["", "-999", "1, 1", "4294967296"]);
    assert_eq!(FlowTimer::parse(b"120"), Ok(FlowTimer(120)));
    refused::<FlowTimer>(&["", "2m"]);
    // Never an error (RFC 3261 §20.19).
    for (value, seconds) in [("0", 0), ("120", 120), ("4294967296", u32::MAX), ("", 3600), ("-1", 3600), ("1h", 3600)] {
        assert_eq!(Expires::parse(value.as_bytes()), Ok(Expires(seconds)), "{value}");
    }
}

#[test]
fn media_types_events_and_capabilities_are_read() {
    let of = |value: &'static str| {
        ContentType::parse(value.as_bytes()).map(|read| (read.main, read.sub, read.params.iter().count()))
    };
    assert_eq!(of("application/sdp"), Ok((b"application".as_slice(), b"sdp".as_slice(), 0)));
    assert_eq!(of("multipart / mixed ;boundary=\"a;b\" ; x=y"), Ok((b"multipart".as_slice(), b"mixed".as_slice(), 2)));
    refused::<ContentType<'_>>(&[
        "",
        "text",
        "text/",
        "/plain",
        "text/plain;",
        "text plain",
        "text/plain, a/b",
        "text/plain;x=\"y",
    ]);

    let event = Event::parse(b"reg;id=5").unwrap().0;
    assert_eq!((event.value, event.params.get("id")), (b"reg".as_slice(), Some(Some(b"5".as_slice()))));
    assert_eq!(Event::parse(b"presence.winfo").unwrap().0.value, b"presence.winfo");
    refused::<Event<'_>>(&["", "reg;", "reg presence", ";id=1"]);
    let state = SubscriptionState::parse(b"terminated ; reason=timeout;retry-after=5").unwrap().0;
    assert_eq!(state.params.get("Reason"), Some(Some(b"timeout".as_slice())));
    refused::<SubscriptionState<'_>>(&["", "active,pending"]);

    let caps = items!(FeatureCaps<'_>, ["*;+sip.608", "*;+g.3gpp=\"<a,b>\" , *"], |caps| caps.0.iter().count());
    assert_eq!(caps, Ok(vec![1, 1, 0]));
    assert!(items!(FeatureCaps<'_>, ["x;+sip.608"], |caps| caps.0).is_err());
}

#[test]
fn retry_after_may_have_a_nested_comment() {
    for (value, seconds, comment, params) in [
        ("18000", 18000, "", 0),
        ("18000;duration=3600", 18000, "", 1),
        ("120 (I'm in a meeting)", 120, "(I'm in a meeting)", 0),
        ("120 (a (b) \\) c);duration=1;x", 120, "(a (b) \\) c)", 2),
        ("120(\u{e4}) ; x", 120, "(\u{e4})", 1),
    ] {
        let read = RetryAfter::parse(value.as_bytes()).unwrap();
        assert_eq!(
            (read.seconds, read.comment, read.params.iter().count()),
            (seconds, comment.as_bytes(), params),
            "{value}"
        );
    }
    refused::<RetryAfter<'_>>(&["", "x", "1 (", "1 (a", "1 (a\\)", "1 )", "1 (a) b", "1 (a) (b)", "1;", "99999999999"]);
}

#[test]
fn text_is_given_as_it_came() {
    assert_eq!(UserAgent::parse(b"A/1 (b) \xff"), Ok(UserAgent(b"A/1 (b) \xff")));
    assert_eq!(Server::parse(b""), Ok(Server(b"")));
}

#[test]
fn a_header_is_found_parsed_or_missing() {
    let bytes = b"REGISTER sip:a SIP/2.0\r\nt: <sip:[::1]>;tag=x\r\nCSeq: x REGISTER\r\n\r\n";
    let mut index = Index::new();
    let message = index.read(bytes, Framing::Datagram).unwrap();
    let To(to) = message.header().unwrap().unwrap();
    assert_eq!(to.uri.sip().unwrap().host(), Host::V6(std::net::Ipv6Addr::LOCALHOST));
    assert_eq!(message.header::<From<'_>>(), Ok(None));
    let error = message.header::<CSeq<'_>>().unwrap_err();
    assert_eq!(error.to_string(), "malformed CSeq at byte 0");
}

#[test]
fn an_address_beside_another_is_read_as_if_it_were_alone() {
    let others = [
        "<sip:a@b>",
        "\"A\" <sip:a@b>",
        "A <sip:a@b;x>",
        "<tel:+1>",
        "sip:a@b",
        "sip:a@b>",
        "<sip:a@b>;x=y",
        "<sip:a@b> ",
    ];
    let behind = ["", ";tag=1", " ; tag=1 ;x", ";tag=1;tag=2", ";tag=", "x", ">", ", <sip:c@d>", ";x=\">\";tag=\"<\""];
    for (other, first) in others.map(|other| (other, NameAddr::parse(other.as_bytes()))) {
        let Ok(first) = first else { continue };
        let values = behind.map(|behind| format!("{other}{behind}"));
        for value in values.iter().map(String::as_str).chain(["<sip:c@d>;tag=1", "<sip:a@b", "", "<"]) {
            let beside = NameAddr::parse_beside(value.as_bytes(), (other.as_bytes(), &first));
            assert_eq!(beside, NameAddr::parse(value.as_bytes()), "{value} beside {other}");
        }
    }
}
