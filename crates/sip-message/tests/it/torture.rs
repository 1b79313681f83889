//! The torture messages of RFC 4475 and RFC 5118: what must come of each, as far as reading goes. What is answered is
//! tested where answers are made.

use sip_message::header::{ContactValue, Date, Expires, From, MaxForwards, NameAddr, RetryAfter, To, Token, Via};
use sip_message::uri::Host;
use sip_message::{Fault, Framing, HeaderId, Index, Message, Method, Uri};

use crate::common::{data, malformed, missing};
use Outcome::{Accepted, Lacking, Malformed, Refused, Version};

/// What reading leads to.
enum Outcome {
    /// No fault, and every typed header can be read.
    Accepted,
    /// As accepted, but headers that a request must have are missing.
    Lacking(&'static [&'static str]),
    /// This fault.
    Refused(Fault),
    /// No fault, but these parts, and no others, cannot be read.
    Malformed(&'static [&'static str]),
    /// Another version than 2.0.
    Version,
}

struct Row {
    file: &'static str,
    section: &'static str,
    outcome: Outcome,
    /// What else holds.
    see: fn(&Message<'_>),
}

fn row(file: &'static str, section: &'static str, outcome: Outcome, see: fn(&Message<'_>)) -> Row {
    Row { file, section, outcome, see }
}

/// Nothing else to look at.
fn no_more(_: &Message<'_>) {}

/// Looks at each file of a folder with the row that bears its name.
fn check(folder: &str, rows: &[Row]) {
    let files = data(folder);
    for row in rows {
        assert!(files.iter().any(|(name, _)| *name == row.file), "{} ({}) has no file", row.file, row.section);
    }
    for (name, bytes) in &files {
        let [row] = rows.iter().filter(|row| row.file == name).collect::<Vec<_>>()[..] else {
            panic!("{folder}/{name} has not exactly one row")
        };
        println!("{folder}/{name}, section {}", row.section);
        let mut index = Index::new();
        let message = index.read(bytes, Framing::Datagram).unwrap();
        let (fault, malformed) = (message.fault(), malformed(&message));
        let lacking = if message.request().is_some() { missing(&message) } else { Vec::new() };
        let version_2 = message.request().is_none_or(|request| request.version_2);
        match row.outcome {
            Accepted => assert_eq!((fault, malformed, lacking, version_2), (None, vec![], vec![], true)),
            Lacking(names) => assert_eq!((fault, malformed, lacking), (None, vec![], names.to_vec())),
            Refused(expected) => assert_eq!(fault, Some(expected)),
            Malformed(names) => assert_eq!((fault, malformed), (None, names.to_vec())),
            Version => assert_eq!((fault, malformed, version_2), (None, vec![], false)),
        }
        // Each of them can be answered, if it is a request.
        assert!(message.value(HeaderId::Via).is_some());
        (row.see)(&message);
    }
}

fn method<'a>(message: &Message<'a>) -> Method<'a> {
    message.request().unwrap().method
}

fn uri<'a>(message: &Message<'a>) -> Uri<'a> {
    Uri::parse(message.request().unwrap().uri).unwrap()
}

fn code(message: &Message<'_>) -> u16 {
    message.response().unwrap().code
}

fn vias<'a>(message: &Message<'a>) -> Vec<Via<'a>> {
    message.list(HeaderId::Via).map(Result::unwrap).collect()
}

fn contacts<'a>(message: &Message<'a>) -> Vec<sip_message::header::Contact<'a>> {
    message
        .list(HeaderId::Contact)
        .map(|contact| match contact.unwrap() {
            ContactValue::Addr(contact) => contact,
            ContactValue::Star => panic!("a star"),
        })
        .collect()
}

fn tokens<'a>(message: &Message<'a>, id: HeaderId) -> Vec<&'a [u8]> {
    message.list::<Token<'a>>(id).map(|token| token.unwrap().0).collect()
}

fn to<'a>(message: &Message<'a>) -> NameAddr<'a> {
    message.header::<To<'a>>().unwrap().unwrap().0
}

fn from<'a>(message: &Message<'a>) -> NameAddr<'a> {
    message.header::<From<'a>>().unwrap().unwrap().0
}

#[test]
fn each_message_of_rfc_4475_comes_to_what_the_rfc_says() {
    check("rfc4475", &rfc4475());
}

#[test]
fn each_message_of_rfc_5118_comes_to_what_the_rfc_says() {
    check("rfc5118", &rfc5118());
}

fn rfc4475() -> Vec<Row> {
    vec![
        row("wsinv.dat", "3.1.1.1", Accepted, |m| {
            assert_eq!(to(m).tag, Some(b"1918181833n".as_slice()));
            assert_eq!(
                (from(m).display, from(m).tag),
                (b"\"J Rosenberg \\\\\\\"\"".as_slice(), Some(b"98asjd8".as_slice()))
            );
            assert_eq!(m.header::<MaxForwards>().unwrap(), Some(MaxForwards(68)));
            let transports: Vec<_> =
                vias(m).iter().map(|via| (via.transport, via.sent_by, via.branch.unwrap())).collect();
            let third = (b"UDP".as_slice(), b"192.168.255.111".as_slice(), b"z9hG4bK30239".as_slice());
            assert_eq!((transports.len(), transports[2]), (3, third));
            assert_eq!(contacts(m)[0].q.unwrap().thousandths(), 330);
            assert_eq!(m.value_named("UnknownHeaderWithUnusualValue"), Some(b";;,,;;,;".as_slice()));
            assert_eq!(m.body().len(), 150);
        }),
        // Valid by the grammar, which lets a backslash protect NUL and DEL in a quoted string. A deliberate difference:
        // no control character is let through, since what stands behind a NUL is read by some and not by others.
        row("intmeth.dat", "3.1.1.2", Refused(Fault::ControlCharacter), |m| {
            assert_eq!(method(m), Method::Other(b"!interesting-Method0123456789_*+`.%indeed'~"));
            assert!(malformed(m).is_empty());
        }),
        row("esc01.dat", "3.1.1.3", Accepted, |m| {
            assert_eq!(uri(m).sip().unwrap().user(), Some(b"sips%3Auser%40example.com".as_slice()));
            assert!(contacts(m)[0].uri.sip().unwrap().lr());
        }),
        row("escnull.dat", "3.1.1.4", Accepted, |m| assert_eq!(contacts(m).len(), 2)),
        // "RE%47IST%45R" is no REGISTER, and "C%6Fntact" no Contact.
        row("esc02.dat", "3.1.1.5", Accepted, |m| {
            assert_eq!(method(m), Method::Other(b"RE%47IST%45R"));
            assert_eq!(contacts(m).len(), 2);
        }),
        row("lwsdisp.dat", "3.1.1.6", Accepted, |m| assert_eq!(from(m).display, b"caller")),
        row("longreq.dat", "3.1.1.7", Accepted, |m| assert_eq!(vias(m).len(), 34)),
        // The second request in the datagram is not read.
        row("dblreq.dat", "3.1.1.8", Accepted, |m| {
            assert_eq!((method(m), m.body()), (Method::Register, [].as_slice()));
        }),
        row("semiuri.dat", "3.1.1.9", Accepted, |m| {
            assert_eq!(uri(m).sip().unwrap().user(), Some(b"user;par=u%40example.net".as_slice()));
        }),
        row("transports.dat", "3.1.1.10", Accepted, |m| {
            let transports: Vec<_> = vias(m).iter().map(|via| via.transport).collect();
            assert_eq!(transports, [b"UDP".as_slice(), b"SCTP", b"TLS", b"UNKNOWN", b"TCP"]);
        }),
        row("mpart01.dat", "3.1.1.11", Accepted, |m| assert_eq!(m.body().len(), 553)),
        row("unreason.dat", "3.1.1.12", Accepted, |m| {
            assert!(m.response().unwrap().reason.starts_with(b"= 2**3 * 5**2 \xd0\xbd"));
        }),
        row("noreason.dat", "3.1.1.13", Accepted, |m| {
            assert_eq!((code(m), m.response().unwrap().reason), (100, [].as_slice()))
        }),
        row("badinv01.dat", "3.1.2.1", Malformed(&["Via", "Contact"]), no_more),
        row("clerr.dat", "3.1.2.2", Refused(Fault::BodyTooShort), no_more),
        row("ncl.dat", "3.1.2.3", Refused(Fault::ContentLength), no_more),
        // CSeq beyond 2^31, Max-Forwards beyond 255; endless times to live are cut.
        row("scalar02.dat", "3.1.2.4", Malformed(&["CSeq", "Max-Forwards"]), |m| {
            assert_eq!(m.header::<Expires>().unwrap(), Some(Expires(u32::MAX)));
            assert_eq!(contacts(m)[0].expires, Some(u32::MAX));
        }),
        row("scalarlg.dat", "3.1.2.5", Malformed(&["CSeq", "Retry-After"]), |m| {
            assert!(m.header::<RetryAfter<'_>>().is_err());
            assert_eq!(code(m), 503);
        }),
        row("quotbal.dat", "3.1.2.6", Malformed(&["To"]), no_more),
        row("ltgtruri.dat", "3.1.2.7", Malformed(&["Request-URI"]), no_more),
        row("lwsruri.dat", "3.1.2.8", Refused(Fault::StartLine), no_more),
        row("lwsstart.dat", "3.1.2.9", Refused(Fault::StartLine), no_more),
        row("trws.dat", "3.1.2.10", Refused(Fault::StartLine), no_more),
        // Headers in a Request-URI are for the dispatcher to refuse or ignore.
        row("escruri.dat", "3.1.2.11", Accepted, |m| {
            assert_eq!(uri(m).sip().unwrap().header(b"Route"), Some(b"%3Csip:example.com%3E".as_slice()));
        }),
        row("baddate.dat", "3.1.2.12", Malformed(&["Date"]), |m| assert!(m.header::<Date>().is_err())),
        row("regbadct.dat", "3.1.2.13", Malformed(&["Contact"]), no_more),
        row("badaspec.dat", "3.1.2.14", Malformed(&["To"]), no_more),
        // The file ends before the empty line, as the RFC's text does.
        row("baddn.dat", "3.1.2.15", Refused(Fault::NoEmptyLine), |m| assert_eq!(malformed(m), ["From", "To"])),
        row("badvers.dat", "3.1.2.16", Version, no_more),
        row("mismatch01.dat", "3.1.2.17", Refused(Fault::CSeqMethod), no_more),
        row("mismatch02.dat", "3.1.2.18", Refused(Fault::CSeqMethod), |m| {
            assert_eq!(method(m), Method::Other(b"NEWMETHOD"))
        }),
        row("bigcode.dat", "3.1.2.19", Refused(Fault::StartLine), |m| assert!(m.looks_like_response())),
        row("badbranch.dat", "3.2.1", Accepted, |m| {
            assert_eq!((vias(m)[0].branch, vias(m)[0].unique_branch()), (Some(b"z9hG4bK".as_slice()), None));
        }),
        row("insuf.dat", "3.3.1", Lacking(&["To", "From", "Call-ID", "Max-Forwards"]), no_more),
        row("unkscm.dat", "3.3.2", Accepted, |m| assert_eq!(uri(m).scheme(), b"nobodyKnowsThisScheme")),
        row("novelsc.dat", "3.3.3", Accepted, |m| assert_eq!(uri(m).scheme(), b"soap.beep")),
        row("unksm2.dat", "3.3.4", Accepted, |m| {
            assert_eq!((to(m).uri.scheme(), from(m).uri.scheme()), (b"isbn".as_slice(), b"http".as_slice()));
            assert_eq!(contacts(m)[0].uri.scheme(), b"name");
        }),
        row("bext01.dat", "3.3.5", Accepted, |m| {
            assert_eq!(tokens(m, HeaderId::Require), [b"nothingSupportsThis".as_slice(), b"nothingSupportsThisEither"]);
            assert_eq!(
                tokens(m, HeaderId::ProxyRequire),
                [b"noProxiesSupportThis".as_slice(), b"norDoAnyProxiesSupportThis"]
            );
        }),
        row("invut.dat", "3.3.6", Accepted, no_more),
        row("regaut01.dat", "3.3.7", Accepted, no_more),
        row("multi01.dat", "3.3.8", Refused(Fault::Repeated), no_more),
        row("mcl01.dat", "3.3.9", Refused(Fault::Repeated), no_more),
        // A broadcast response: two Vias, of which the first is not ours.
        row("bcast.dat", "3.3.10", Accepted, |m| assert_eq!((code(m), vias(m).len()), (200, 2))),
        row("zeromf.dat", "3.3.11", Accepted, |m| {
            assert_eq!(m.header::<MaxForwards>().unwrap(), Some(MaxForwards(0)));
        }),
        // Without brackets the parameter is the header's, with them the URI's.
        row("cparam01.dat", "3.3.12", Accepted, |m| {
            assert_eq!(contacts(m)[0].params.get("unknownparam"), Some(None));
            assert_eq!(contacts(m)[0].uri.sip().unwrap().params().count(), 0);
        }),
        row("cparam02.dat", "3.3.13", Accepted, |m| {
            assert_eq!(contacts(m)[0].params.iter().count(), 0);
            assert_eq!(contacts(m)[0].uri.sip().unwrap().param(b"unknownparam"), Some(None));
        }),
        row("regescrt.dat", "3.3.14", Accepted, |m| {
            let header = contacts(m)[0].uri.sip().unwrap().header(b"Route");
            assert_eq!(header, Some(b"%3Csip:sip.example.com%3E".as_slice()));
        }),
        row("sdp01.dat", "3.3.15", Accepted, |m| {
            assert_eq!(m.value(HeaderId::Accept), Some(b"text/nobodyKnowsThis".as_slice()))
        }),
        row("inv2543.dat", "3.4.1", Lacking(&["Max-Forwards"]), |m| {
            assert_eq!((from(m).tag, to(m).tag, vias(m)[0].branch), (None, None, None));
            assert_eq!(m.body().len(), 105);
        }),
    ]
}

fn rfc5118() -> Vec<Row> {
    vec![
        row("ipv6-good.dat", "4.1", Accepted, |m| assert_eq!(host(m), ("[2001:db8::10]".to_owned(), None))),
        row("ipv6-bad.dat", "4.2", Malformed(&["Request-URI"]), no_more),
        // What looks like a port is part of the address.
        row("port-ambiguous.dat", "4.3", Accepted, |m| assert_eq!(host(m), ("[2001:db8::10:5070]".to_owned(), None))),
        row("port-unambiguous.dat", "4.4", Accepted, |m| {
            assert_eq!(host(m), ("[2001:db8::10]".to_owned(), Some(5070)))
        }),
        row("via-received-param-with-delim.dat", "4.5", Accepted, received),
        row("via-received-param-no-delim.dat", "4.5", Accepted, received),
        row("ipv6-in-sdp.dat", "4.6", Accepted, |m| assert_eq!(m.body().len(), 251)),
        row("mult-ip-in-header.dat", "4.7", Accepted, |m| {
            let hosts: Vec<_> = vias(m).iter().map(|via| via.host.to_string()).collect();
            assert_eq!(hosts, ["[2001:db8::9:1]", "192.0.2.1", "[2001:db8::9:255]"]);
            assert_eq!((vias(m)[0].port, vias(m)[2].received), (Some(6050), Some(b"192.0.2.200".as_slice())));
        }),
        row("mult-ip-in-sdp.dat", "4.8", Accepted, |m| assert_eq!(m.body().len(), 189)),
        row("ipv4-mapped-ipv6.dat", "4.9", Accepted, |m| {
            assert_eq!((vias(m)[0].port, vias(m)[0].host.to_string()), (Some(19823), "[::ffff:192.0.2.10]".to_owned()));
        }),
        // Three colons are read as the two that were meant.
        row("ipv6-bug-abnf-3-colons.dat", "4.10", Accepted, |m| assert_eq!(host(m).0, "[2001:db8::c000:201]")),
        row("ipv6-correct-abnf-2-colons.dat", "4.10", Accepted, |m| assert_eq!(host(m).0, "[2001:db8::c000:201]")),
    ]
}

fn host(message: &Message<'_>) -> (String, Option<u16>) {
    let uri = uri(message);
    let uri = uri.sip().unwrap();
    assert!(matches!(uri.host(), Host::V6(_)));
    (uri.host().to_string(), uri.port())
}

fn received(message: &Message<'_>) {
    assert_eq!(vias(message)[0].received_ip(), Some("2001:db8::9:255".parse().unwrap()));
}
