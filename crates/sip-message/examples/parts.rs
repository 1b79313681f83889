//! Reads one part of a REGISTER or writes one answer N times, for counting instructions.
//!
//! `valgrind --tool=callgrind target/release/examples/parts via --repeat 1200`
#![expect(clippy::print_stdout, reason = "a command-line example")]

use std::error::Error;
use std::hint::black_box;

use sip_message::header::{CSeq, ContactValue, Credentials, From, To, Via};
use sip_message::{Framing, HeaderId, Index, Message, ParseError, ResponseWriter, TopVia, Uri};

/// 600 bytes without credentials.
const REGISTER: &[u8] = include_bytes!("register.sip");

/// As a phone answers a challenge that offers SHA-256 (RFC 7616 §3.4).
const AUTHORIZATION: &[u8] =
    b"Digest username=\"alice\", realm=\"example.com\", nonce=\"AAABk5x0Z1kAAAAAAAAAAXh5c2VjcmV0bm9uY2Vz\", \
      uri=\"sip:example.com;transport=udp\", response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", \
      algorithm=SHA-256, cnonce=\"0a4f113b\", qop=auth, nc=00000001";

const CHALLENGE: &str =
    "Digest realm=\"example.com\", nonce=\"AAABk5x0Z1kAAAAAAAAAAXh5c2VjcmV0bm9uY2Vz\", algorithm=SHA-256, qop=\"auth\"";

const USAGE: &str = "usage: parts index|uri|via|from|to|contact|cseq|authorization|200|401 [--repeat N]";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (what, times): (&str, u32) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [what] => (what, 1),
        [what, "--repeat", times] => (what, times.parse()?),
        _ => return Err(USAGE.into()),
    };
    let (mut first, mut index, mut answer) = (Index::new(), Index::new(), Vec::with_capacity(1400));
    let message = first.read(REGISTER, Framing::Datagram)?;
    for _ in 0..times {
        let message = black_box(message);
        match what {
            "index" => drop(black_box(index.read(black_box(REGISTER), Framing::Datagram)?.fault())),
            "uri" => drop(black_box(Uri::parse(message.request().ok_or("no request")?.uri)?)),
            "via" => drop(black_box(message.list::<Via<'_>>(HeaderId::Via).next().transpose()?)),
            "from" => drop(black_box(message.header::<From<'_>>()?)),
            "to" => drop(black_box(message.header::<To<'_>>()?)),
            "contact" => drop(black_box(message.list::<ContactValue<'_>>(HeaderId::Contact).next().transpose()?)),
            "cseq" => drop(black_box(message.header::<CSeq<'_>>()?)),
            "authorization" => drop(black_box(authorization(black_box(AUTHORIZATION))?)),
            "200" => {
                write(&mut answer, message, (200, "OK"), HeaderId::Contact, "<sip:alice@192.0.2.4;ob>;expires=120")?
            }
            "401" => write(&mut answer, message, (401, "Unauthorized"), HeaderId::WwwAuthenticate, CHALLENGE)?,
            _ => return Err(USAGE.into()),
        }
    }
    println!("{what}, {times} times; the last answer:\n{}", String::from_utf8_lossy(&answer));
    Ok(())
}

/// Whether it is a digest with a count.
fn authorization(value: &[u8]) -> Result<bool, ParseError> {
    Ok(Credentials::parse(value)?.digest()?.is_some_and(|digest| black_box(digest).nc.is_some()))
}

fn write(
    answer: &mut Vec<u8>,
    request: Message<'_>,
    status: (u16, &'static str),
    id: HeaderId,
    value: &str,
) -> Result<(), Box<dyn Error>> {
    answer.clear();
    let via = request.top_via().ok_or("no Via")?;
    let top = TopVia { via: &via, received: None, rport: Some(5070) };
    let mut writer = ResponseWriter::answering(answer, 1400, request, status, &top, b"a1b2c3d4");
    writer.header(id, black_box(value));
    writer.finish(b"")?;
    Ok(())
}
