//! Fills the table in memory and prints what a binding takes, with the system's allocator. Linux only.
//!
//! ```text
//! cargo run --release -p sip-registrar --example table_memory                          a million
//! cargo run --release -p sip-registrar --example table_memory -- BINDINGS              so many
//! cargo run --release -p sip-registrar --example table_memory -- BINDINGS instance     of phones with an instance
//! ```
#![expect(clippy::print_stdout, reason = "a command-line example")]

use std::error::Error;
use std::hash::RandomState;

use sip_dispatch::Answer;
use sip_message::{Framing, Index};
use sip_registrar::{Aor, FlowRules, Limits, LocationService, MemoryLocation, Plan, RegisterRequest};
use sip_transport::{LegId, Now, Peer, Transport};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (bindings, params) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => (1_000_000, ""),
        [bindings] => (bindings.parse::<u32>()?, ""),
        [bindings, "instance"] => {
            (bindings.parse()?, ";+sip.instance=\"<urn:uuid:4644ed1c-c34f-edbe-6281-fadf2461fa86>\";reg-id=1")
        }
        _ => return Err("usage: table_memory [BINDINGS [instance]]".into()),
    };
    let limits = Limits { max_expires: 3600, ..Limits::default() };
    let keys = RandomState::new();
    let before = resident()?;
    let table = MemoryLocation::default();
    let (mut index, mut text, mut buffer) = (Index::new(), Vec::new(), Vec::new());
    let mut record_bytes = 0;
    for n in 0..bindings {
        let request = format!(
            "REGISTER sip:example.com SIP/2.0\r\nCall-ID: 28fa7e35-3d75-4100-af2b-{n:012}\r\nCSeq: 4711 REGISTER\r\n\
             User-Agent: PJSUA/v2.17-dev Linux-6.1 x86_64\r\n\
             Contact: <sip:subscriber{n}@192.0.2.77:40000;ob>{params}\r\nExpires: {}\r\n\r\n",
            300 + n % 3300
        );
        let peer = Peer {
            leg: LegId(0),
            transport: Transport::Udp,
            remote: ([192, 0, 2, 77], 40_000).into(),
            local: ([192, 0, 2, 1], 5060).into(),
            flow: None,
        };
        let now = Now::from_millis(1_700_000_000_000 + u64::from(n) / 100);
        let message = index.read(request.as_bytes(), Framing::Datagram)?;
        let plan =
            Plan::read(RegisterRequest::read(message, peer)?, limits, FlowRules::default(), None, &keys, &mut text)?;
        let aor = format!("sip:subscriber{n}@example.com");
        if let Answer::Now(done) = table.register(&Aor::parse(&aor, &mut buffer)?, &plan, now) {
            record_bytes += done?.after.map_or(0, |record| record.as_bytes().len());
        }
    }
    let taken = resident()? - before;
    let each = |bytes: usize| bytes / table.bindings().max(1);
    println!("{} bindings: {} bytes each, {} of them the record", table.bindings(), each(taken), each(record_bytes));
    Ok(())
}

/// Bytes of this process in memory.
fn resident() -> Result<usize, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kilobytes: usize = line.trim().strip_suffix(" kB").ok_or("not in kB")?.parse()?;
    Ok(kilobytes * 1024)
}
