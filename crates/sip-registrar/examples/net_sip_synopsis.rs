//! The synopsis of Net::SIP's Registrar: a registrar for two domains in a chain, one REGISTER, and a query.
//!
//! ```text
//! cargo run -p sip-registrar --example net_sip_synopsis
//! ```
#![expect(clippy::print_stdout, reason = "a command-line example")]

use std::error::Error;

use sip_dispatch::links::Fallback;
use sip_dispatch::{Answer, Config, Dispatcher, Link, ReceiveChain, Share};
use sip_registrar::{Aor, Registrar};
use sip_transport::{Inbound, Ingress, LegId, Now, Outbox, Peer, Transport};

fn main() -> Result<(), Box<dyn Error>> {
    let registrar =
        Registrar::builder().min_expires(10).max_expires(60).domains(["example.com", "example.org"]).build()?;
    // A link that decides who may register would stand before it; a filter may stand at any.
    let local_net = |ex: &sip_dispatch::Exchange<'_>| ex.peer().remote.ip().is_loopback();
    let chain =
        ReceiveChain::new([Link::new(registrar.clone()).filter(local_net), Fallback { allow: &["REGISTER"] }.into()]);
    let mut dispatcher = Dispatcher::new(chain, Config::default(), Share::WHOLE);

    let register = "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1\r\n\
                    From: <sip:alice@example.com>;tag=1\r\nTo: <sip:alice@example.com>\r\nCall-ID: 1\r\n\
                    CSeq: 1 REGISTER\r\nContact: <sip:alice@127.0.0.1:5070>\r\nExpires: 3600\r\n\r\n";
    let (remote, local) = ("127.0.0.1:5070".parse()?, "127.0.0.1:5060".parse()?);
    let peer = Peer { leg: LegId(0), transport: Transport::Udp, remote, local, flow: None };
    let (now, mut outbox) = (Now::from_millis(1_700_000_000_000), Outbox::new());
    dispatcher.on_message(Inbound { bytes: register.as_bytes(), peer, now }, &mut outbox);
    outbox.iter().for_each(|(_, answer)| println!("{}", String::from_utf8_lossy(answer)));

    if let Answer::Now(found) = registrar.query(&Aor::parse("sip:alice@example.com", &mut Vec::new())?, now) {
        for binding in found?.iter().flat_map(|record| record.live(now.at)) {
            println!("alice is at {}", String::from_utf8_lossy(binding.uri));
        }
    }
    Ok(())
}
