//! Lets a full table expire all at once and prints the longest pause that a worker would make for it.
//!
//! ```text
//! cargo run --release -p sip-registrar --example expiry -- [BINDINGS]
//! ```
#![expect(clippy::print_stdout, reason = "a command-line example")]

use std::error::Error;
use std::hash::RandomState;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sip_dispatch::{Receiver, Share};
use sip_message::{Framing, Index};
use sip_registrar::{Aor, FlowRules, Limits, LocationService, MemoryLocation, Plan, RegisterRequest, Registrar};
use sip_transport::{LegId, Now, Peer, Tick, Transport};

const START: u64 = 1_700_000_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let bindings: u32 = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let table = Arc::new(MemoryLocation::default());
    let registrar = Registrar::builder().location(table.clone()).build()?;
    for (kind, after) in [("in one second", 300), ("after an hour without a tick", 3600)] {
        fill(&table, bindings)?;
        let (mut longest, mut whole, mut ticks) = (Duration::ZERO, Duration::ZERO, 0);
        // Seconds in which nothing is due.
        let mut now = START;
        for _ in 0..3 {
            now += 100;
            let begin = Instant::now();
            let _ = registrar.tick(Now::from_millis(now), Share::WHOLE);
            longest = longest.max(begin.elapsed());
        }
        println!("nothing due: at most {longest:?} for a tick");
        longest = Duration::ZERO;
        loop {
            let begin = Instant::now();
            let tick = registrar.tick(Now::from_millis(START + after * 1000), Share::WHOLE);
            let took = begin.elapsed();
            (longest, whole, ticks) = (longest.max(took), whole + took, ticks + 1);
            if tick == Tick::Done {
                break;
            }
        }
        println!("{bindings} bindings {kind}: {ticks} ticks of at most {longest:?}, {whole:?} in all");
        println!("{} are left", table.bindings());
    }
    Ok(())
}

fn fill(table: &MemoryLocation, bindings: u32) -> Result<(), Box<dyn Error>> {
    let (mut index, mut text, mut buffer) = (Index::new(), Vec::new(), Vec::new());
    let keys = RandomState::new();
    let request = "REGISTER sip:example.com SIP/2.0\r\nCall-ID: 28fa7e35-3d75-4100-af2b-000000000000\r\n\
                   CSeq: 1 REGISTER\r\nContact: <sip:subscriber@192.0.2.77:40000;ob>\r\nExpires: 300\r\n\r\n";
    let (remote, local) = ("192.0.2.77:40000".parse()?, "192.0.2.1:5060".parse()?);
    let peer = Peer { leg: LegId(0), transport: Transport::Udp, remote, local, flow: None };
    let limits = Limits { jitter: 0, ..Limits::default() };
    let message = index.read(request.as_bytes(), Framing::Datagram)?;
    let plan = Plan::read(RegisterRequest::read(message, peer)?, limits, FlowRules::default(), None, &keys, &mut text)?;
    for n in 0..bindings {
        let aor = format!("sip:subscriber{n}@example.com");
        let _ = table.register(&Aor::parse(&aor, &mut buffer)?, &plan, Now::from_millis(START));
    }
    Ok(())
}
