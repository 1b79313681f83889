//! A server whose chain has a link of its own: `cargo run -p sip-dispatch --example forbid_bob`
//!
//! There is no socket here: a worker of sip-transport would call `on_message` and send what stands in the outbox.
#![expect(clippy::print_stdout, reason = "it shows the answers")]

use std::net::SocketAddr;

use sip_dispatch::links::{Fallback, Options, Sanity};
use sip_dispatch::{Config, Dispatcher, Exchange, Reason, ReasonText, ReceiveChain, Receiver, Share, Status, Verdict};
use sip_transport::{Inbound, Ingress, LegId, Now, Outbox, Peer, Transport};

const BOB: Reason = Reason::of(&ReasonText::new("bob", "Bob is not asked here."));

struct ForbidBob;

impl Receiver for ForbidBob {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        if ex.request().uri.starts_with(b"sip:bob@") {
            Verdict::Handled(ex.refuse(Status::FORBIDDEN, BOB))
        } else {
            Verdict::Pass
        }
    }
}

fn main() {
    const ALLOW: &[&str] = &["OPTIONS"];
    let chain = ReceiveChain::new([
        Sanity::default().into(),
        ForbidBob.into(),
        Options { allow: ALLOW, supported: &[] }.into(),
        Fallback { allow: ALLOW }.into(),
    ]);
    let mut dispatcher = Dispatcher::new(chain, Config::default(), Share::WHOLE).on_outcome(|end| {
        println!("{} ended because of: {}\n", end.method, end.reason.says());
    });
    let (remote, local) = (SocketAddr::from(([192, 0, 2, 4], 40000)), SocketAddr::from(([192, 0, 2, 1], 5060)));
    let peer = Peer { leg: LegId(0), transport: Transport::Udp, remote, local, flow: None };
    let mut outbox = Outbox::new();
    for (method, user) in [("OPTIONS", "alice"), ("OPTIONS", "bob"), ("INVITE", "carol")] {
        let request = format!(
            "{method} sip:{user}@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.4;branch=z9hG4bK{user};rport\r\n\
             From: <sip:dave@example.com>;tag=1\r\nTo: <sip:{user}@example.com>\r\nCall-ID: 7\r\nCSeq: 1 {method}\r\n\r\n"
        );
        let rx = Inbound { bytes: request.as_bytes(), peer, now: Now::from_millis(0) };
        // Nothing here asks a store, so nothing waits.
        drop(dispatcher.on_message(rx, &mut outbox));
        for (to, answer) in outbox.iter() {
            println!("to {to:?}\n{}", String::from_utf8_lossy(answer));
        }
        outbox.clear();
    }
}
