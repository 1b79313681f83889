//! Refreshes one binding N times, from the bytes of a datagram to those of its answer, for counting instructions: the
//! difference of two counts divided by that of their N is the cost of one.
//!
//! ```text
//! cargo build --profile bench -p sip-registrar --example refresh
//! valgrind --tool=callgrind target/release/examples/refresh --repeat 1000
//! valgrind --tool=callgrind target/release/examples/refresh --repeat 11000
//! ```
#![expect(clippy::print_stdout, reason = "a command-line example")]

use std::error::Error;
use std::hint::black_box;

use sip_dispatch::links::{Fallback, Options, Sanity};
use sip_dispatch::{Config, Dispatcher, Link, ReceiveChain, Share};
use sip_registrar::{Redirect, Registrar};
use sip_transport::{Inbound, Ingress, LegId, Now, Outbox, Peer, Transport};

/// As pjsua writes it, 600 bytes; CSeq and branch are numbers of ten digits.
const REGISTER: &str = "REGISTER sip:example.com;transport=udp SIP/2.0\r\n\
    Via: SIP/2.0/UDP 127.0.0.1:40000;rport;branch=z9hG4bKPjf795e753-80a5-41ba-af18-1000000000\r\n\
    Route: <sip:127.0.0.1:5060;transport=udp;lr>\r\n\
    Max-Forwards: 70\r\n\
    From: <sip:alice@example.com>;tag=df556cad-30b2-4e22-b1f4-6c56166289d1\r\n\
    To: <sip:alice@example.com>\r\n\
    Call-ID: 28fa7e35-3d75-4100-af2b-4b47423d3939\r\n\
    CSeq: 1000000000 REGISTER\r\n\
    User-Agent: PJSUA/v2.17-dev Linux-6.1 x86_64 glibc-2.36\r\n\
    Supported: outbound, path\r\n\
    Contact: <sip:alice@127.0.0.1:40000;ob>\r\n\
    Expires: 120\r\n\
    Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE\r\n\
    Content-Length:  0\r\n\r\n";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let times: u32 = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => 1,
        ["--repeat", times] => times.parse()?,
        _ => return Err("usage: refresh [--repeat N]".into()),
    };
    let registrar = Registrar::builder().domains(["example.com"]).build()?;
    let chain = ReceiveChain::new([
        Link::from(Sanity { supported: Some(&["path"]), ..Sanity::default() }),
        Link::from(Options { allow: &["REGISTER", "OPTIONS"], supported: &["path"] }),
        Link::from(registrar.clone()),
        Link::from(Redirect::new(registrar)),
        Link::from(Fallback { allow: &["REGISTER", "OPTIONS"] }),
    ]);
    let mut dispatcher = Dispatcher::new(chain, Config::default(), Share::WHOLE);
    let (remote, local) = ("127.0.0.1:40000".parse()?, "127.0.0.1:5060".parse()?);
    let peer = Peer { leg: LegId(0), transport: Transport::Udp, remote, local, flow: None };
    let mut outbox = Outbox::new();
    let mut request = REGISTER.as_bytes().to_vec();
    let numbers: Vec<usize> = REGISTER.match_indices("1000000000").map(|(at, _)| at).collect();
    let mut answer = Vec::new();
    for n in 0..times {
        let digits = (1_000_000_000 + n).to_string();
        for &at in &numbers {
            request.get_mut(at..at + 10).ok_or("ten digits")?.copy_from_slice(digits.as_bytes());
        }
        let now = Now::from_millis(1_700_000_000_000 + u64::from(n) * 100);
        dispatcher.on_message(Inbound { bytes: black_box(&request), peer, now }, &mut outbox);
        answer.clear();
        outbox.iter().for_each(|(_, bytes)| answer.extend_from_slice(bytes));
        outbox.clear();
    }
    println!("{} bytes asked, {times} times; the last answer:\n{}", request.len(), String::from_utf8_lossy(&answer));
    Ok(())
}
