//! What comes of every message of RFC 4475 and RFC 5118 in a server with the usual links: Sanity, Options and a Fallback
//! that serves OPTIONS and REGISTER. What a registrar makes of a REGISTER is not its matter here: 404 says that it got
//! through.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sip_message::{Framing, HeaderId, Index};

use crate::harness::{Response, Worker};

/// What stands for a message that is not answered.
const SILENCE: &str = "";

/// RFC 4475, in the order of its sections.
const RFC_4475: &[(&str, &str)] = &[
    // §3.1.1 Valid messages
    ("wsinv", "481 Call/Transaction Does Not Exist"), // Its To has a tag.
    // Valid, but NUL in a quoted pair is not let through; the answer shows it as a question mark.
    ("intmeth", "400 Control Character"),
    ("esc01", "405 Method Not Allowed"),
    ("escnull", "404 Not Found"),
    ("esc02", "501 Not Implemented"),
    ("lwsdisp", "200 OK"),
    ("longreq", "400 Too Many Vias"), // Valid, but beyond our limit of 8.
    ("dblreq", "404 Not Found"),
    ("semiuri", "200 OK"),
    ("transports", "200 OK"),
    ("mpart01", "405 Method Not Allowed"),
    ("unreason", SILENCE),
    ("noreason", SILENCE),
    // §3.1.2 Invalid messages
    ("badinv01", SILENCE), // Its only Via cannot be read.
    ("clerr", "400 Body Shorter Than Content-Length"),
    ("ncl", "400 Malformed Content-Length"),
    ("scalar02", "400 Malformed CSeq"),
    ("scalarlg", SILENCE),
    ("quotbal", "400 Malformed To"),
    ("ltgtruri", "400 Malformed Request-URI"),
    ("lwsruri", "400 Malformed Request-Line"),
    ("lwsstart", "400 Malformed Request-Line"),
    ("trws", "400 Malformed Request-Line"),
    ("escruri", "405 Method Not Allowed"), // "An element could choose to be liberal."
    ("baddate", "405 Method Not Allowed"), // "An element could choose to be liberal."
    ("regbadct", "404 Not Found"),
    ("badaspec", "400 Malformed To"),
    ("baddn", "400 Headers Without End"),
    ("badvers", "505 Version Not Supported"),
    ("mismatch01", "400 CSeq Method Differs"),
    ("mismatch02", "400 CSeq Method Differs"), // "A 400 Bad Request is also acceptable."
    ("bigcode", SILENCE),
    // §3.2 Transaction layer semantics
    ("badbranch", "200 OK"),
    // §3.3 Application-layer semantics
    ("insuf", "400 Missing Call-ID"),
    ("unkscm", "416 Unsupported URI Scheme"),
    ("novelsc", "416 Unsupported URI Scheme"),
    ("unksm2", "404 Not Found"),
    ("bext01", "420 Bad Extension"),
    ("invut", "405 Method Not Allowed"),
    ("regaut01", "404 Not Found"),
    ("multi01", "400 Repeated Header"),
    ("mcl01", "400 Repeated Header"),
    ("bcast", SILENCE),
    ("zeromf", "200 OK"),
    ("cparam01", "404 Not Found"),
    ("cparam02", "404 Not Found"),
    ("regescrt", "404 Not Found"),
    ("sdp01", "405 Method Not Allowed"),
    // §3.4 Backward compatibility
    ("inv2543", "405 Method Not Allowed"),
];

/// RFC 5118, in the order of its sections.
const RFC_5118: &[(&str, &str)] = &[
    ("ipv6-good", "404 Not Found"),
    ("ipv6-bad", "400 Malformed Request-URI"),
    ("port-ambiguous", "404 Not Found"),
    ("port-unambiguous", "404 Not Found"),
    ("via-received-param-with-delim", "481 Call/Transaction Does Not Exist"),
    ("via-received-param-no-delim", "200 OK"),
    ("ipv6-in-sdp", "405 Method Not Allowed"),
    ("mult-ip-in-header", "481 Call/Transaction Does Not Exist"),
    ("mult-ip-in-sdp", "405 Method Not Allowed"),
    ("ipv4-mapped-ipv6", "405 Method Not Allowed"),
    ("ipv6-bug-abnf-3-colons", "200 OK"),
    ("ipv6-correct-abnf-2-colons", "200 OK"),
];

#[test]
fn every_message_of_rfc_4475_comes_to_what_it_should() {
    check("rfc4475", RFC_4475);
}

#[test]
fn every_message_of_rfc_5118_comes_to_what_it_should() {
    check("rfc5118", RFC_5118);
}

#[test]
fn both_unknown_extensions_of_rfc_4475_are_listed() {
    let bytes = &messages("rfc4475")["bext01"];
    let answer = Worker::usual().answer(bytes.clone());
    assert_eq!(answer.header(HeaderId::Unsupported), "nothingSupportsThis, nothingSupportsThisEither");
}

fn check(folder: &str, expected: &[(&str, &str)]) {
    let messages = messages(folder);
    let names: Vec<_> = messages.keys().map(String::as_str).collect();
    let mut rows: Vec<_> = expected.iter().map(|(name, _)| *name).collect();
    rows.sort_unstable();
    assert_eq!(rows, names, "each message has a row, and each row a message");
    for &(name, status) in expected {
        let bytes = &messages[name];
        let mut worker = Worker::usual();
        check_answers(name, bytes, &worker.udp(bytes.clone()), status);
        // Again, which must not show.
        check_answers(name, bytes, &worker.udp(bytes.clone()), status);
        let on_a_stream = if name == "inv2543" { "400 Missing Content-Length" } else { status };
        check_answers(name, bytes, &worker.tcp(bytes.clone()), on_a_stream);
    }
}

fn check_answers(name: &str, request: &[u8], answers: &[Response], status: &str) {
    match answers {
        [] => assert_eq!(status, SILENCE, "{name}"),
        [answer] => {
            assert_eq!(answer.status(), status, "{name}");
            let mut index = Index::new();
            let request = index.read(request, Framing::Datagram).unwrap();
            assert_eq!(answer.lines(HeaderId::Via).len(), request.lines(HeaderId::Via).count(), "{name}");
            for id in [HeaderId::From, HeaderId::CallId, HeaderId::CSeq] {
                assert_eq!(answer.lines(id).len(), usize::from(request.value(id).is_some()), "{name}, {id:?}");
            }
        }
        _ => panic!("{name}: {answers:?}"),
    }
}

fn messages(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sip-message/tests/data").join(folder);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}
