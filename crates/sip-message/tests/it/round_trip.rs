//! What the writers write, the index reads.

use std::net::IpAddr;

use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};
use proptest::{collection, option, prop_assert, prop_assert_eq, proptest};
use sip_message::header::{NameAddr, Via};
use sip_message::{Framing, HeaderId, Index, Method, RequestWriter, ResponseWriter, TopVia, WriteError};

/// Any text, most of it harmless.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ -~\u{44f}]{0,40}",
        2 => "([a-z<>;=\",]{0,6}(\r\n[ \t]{1,3})?){0,4}",
        1 => "[\\x00-\\x7f]{0,20}",
    ]
}

fn headers() -> impl Strategy<Value = Vec<(HeaderId, String)>> {
    let many: Vec<_> = HeaderId::ALL.iter().copied().filter(|id| !id.is_single()).collect();
    collection::vec((select(many), value()), 0..10)
}

/// A fold is one space, and white space at the ends does not count.
fn meant(value: &str) -> String {
    let mut meant = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("\r\n") {
        meant.push_str(before);
        meant.push(' ');
        rest = after.trim_start_matches([' ', '\t']);
    }
    (meant + rest).trim_matches([' ', '\t']).to_owned()
}

/// Whether every control character is a tab or part of a fold.
fn can_be_written(value: &str) -> bool {
    let folds_removed = value.replace("\r\n ", "").replace("\r\n\t", "").replace('\t', "");
    !folds_removed.bytes().any(|byte| byte.is_ascii_control())
}

const PARAMETERS: [&str; 6] =
    [";branch=z9hG4bKx", ";rport", ";received=10.0.0.9", ";x=\"a;,\\\"b\"", ";alias", " ; maddr = h"];

fn via() -> impl Strategy<Value = String> {
    let host = select(vec!["192.0.2.1", "h.example:5060", "[2001:db8::1]:5070", "h : 1"]);
    let parameters = subsequence(PARAMETERS.to_vec(), 0..=PARAMETERS.len());
    (host, parameters).prop_map(|(host, parameters)| format!("SIP/2.0/UDP {host}{}", parameters.concat()))
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_written_request_is_read_as_it_was_meant(headers in headers(), body in collection::vec(any::<u8>(), 0..50)) {
        let mut written = b"before".to_vec();
        let mut writer = RequestWriter::new(&mut written, 65_535, Method::Other(b"NEW"), "sip:a@b");
        for (id, value) in &headers {
            writer.header(*id, value.as_str());
        }
        let result = writer.finish(&body);
        if !headers.iter().all(|(_, value)| can_be_written(value)) {
            prop_assert_eq!(result, Err(WriteError::ControlCharacter));
            prop_assert_eq!(written, b"before");
            return Ok(());
        }
        prop_assert_eq!(result, Ok(written.len() - 6));
        let mut index = Index::new();
        let message = index.read(&written[6..], Framing::Stream).unwrap();
        prop_assert_eq!(message.fault(), None);
        prop_assert_eq!(message.request().unwrap().uri, b"sip:a@b");
        prop_assert_eq!(message.body(), &body[..]);
        let read: Vec<_> = message.fields().map(|field| (field.id, String::from_utf8_lossy(field.value).into_owned())).collect();
        let mut expected: Vec<_> = headers.into_iter().map(|(id, value)| (id, meant(&value))).collect();
        expected.push((HeaderId::ContentLength, body.len().to_string()));
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn an_answer_repeats_its_request(
        vias in collection::vec(collection::vec(via(), 1..3), 1..4),
        to in select(vec!["<sip:a@b>", "sip:a@b", "\"x;tag=y\" <sip:a@b;tag=z>;p", "A <sip:a>;tag=theirs"]),
        received in option::of(any::<IpAddr>()),
        rport in option::of(1..=u16::MAX),
        code in 101..=999u16,
    ) {
        let lines: String = vias.iter().map(|line| format!("v:{}\r\n", line.join(" , "))).collect();
        let request = format!("REGISTER sip:a SIP/2.0\r\n{lines}t: {to}\r\nf: <sip:c>;tag=f\r\ni: id@h\r\nCSeq: 5 REGISTER\r\n\r\n");
        let mut index = Index::new();
        let request = index.read(request.as_bytes(), Framing::Datagram).unwrap();
        let via = request.top_via().unwrap();
        let top = TopVia { via: &via, received, rport };
        let mut written = Vec::new();
        ResponseWriter::answering(&mut written, 65_535, request, (code, "Why"), &top, b"ours").finish(b"").unwrap();

        let mut index = Index::new();
        let answer = index.read(&written, Framing::Stream).unwrap();
        prop_assert_eq!(answer.fault(), None);
        prop_assert_eq!(answer.response().unwrap().code, code);
        for id in [HeaderId::From, HeaderId::CallId, HeaderId::CSeq] {
            prop_assert_eq!(answer.value(id), request.value(id));
        }
        let tag = NameAddr::parse(answer.value(HeaderId::To).unwrap()).unwrap().tag;
        prop_assert_eq!(tag, Some(if to.ends_with("tag=theirs") { b"theirs".as_slice() } else { b"ours" }));

        let asked: Vec<_> = request.list::<Via<'_>>(HeaderId::Via).map(Result::unwrap).collect();
        let given: Vec<_> = answer.list::<Via<'_>>(HeaderId::Via).map(Result::unwrap).collect();
        prop_assert_eq!(&given[1..], &asked[1..]);
        let (asked, given) = (asked[0], given[0]);
        prop_assert_eq!((given.sent_by, given.branch, given.maddr), (asked.sent_by, asked.branch, asked.maddr));
        prop_assert_eq!(given.received_ip(), received.or(asked.received_ip()));
        let of_others = |via: Via<'_>| via.params.iter().filter(|(name, _)| *name != b"received" && *name != b"rport").count();
        prop_assert_eq!(of_others(given), of_others(asked));
        match (asked.params.get("rport"), rport) {
            (Some(_), Some(port)) => prop_assert_eq!(given.rport, sip_message::header::Rport::Port(port)),
            _ => prop_assert!(given.rport == asked.rport),
        }
    }
}
