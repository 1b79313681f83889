//! Decides a refresh, or writes or reads a record, N times, for counting instructions.
//!
//! `valgrind --tool=callgrind target/release/examples/parts_of_registrar decide --repeat 1200`
#![expect(clippy::print_stdout, reason = "a command-line example")]

use std::error::Error;
use std::hash::RandomState;
use std::hint::black_box;

use sip_message::{Framing, Index};
use sip_registrar::{Aor, FlowRules, Limits, Plan, Record, RecordBuilder, RegisterRequest, decide};
use sip_transport::{LegId, Now, Peer, Transport};

const REGISTER: &str = "REGISTER sip:example.com SIP/2.0\r\nCall-ID: 28fa7e35-3d75-4100-af2b-4b47423d3939\r\n\
    CSeq: 4711 REGISTER\r\nUser-Agent: PJSUA/v2.17-dev Linux-6.1 x86_64\r\n\
    Contact: <sip:alice@192.0.2.77:40000;ob>\r\nExpires: 300\r\n\r\n";

const USAGE: &str = "usage: parts_of_registrar plan|decide|apply|record-write|record-read [--repeat N]";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (what, times): (&str, u32) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [what] => (what, 1),
        [what, "--repeat", times] => (what, times.parse()?),
        _ => return Err(USAGE.into()),
    };
    let (remote, local) = ("192.0.2.77:40000".parse()?, "192.0.2.1:5060".parse()?);
    let peer = Peer { leg: LegId(0), transport: Transport::Udp, remote, local, flow: None };
    let (keys, limits, flows) = (RandomState::new(), Limits::default(), FlowRules::default());
    let (now, mut scratch) = (Now::from_millis(1_700_000_000_000), Vec::new());
    let (mut index, mut next_index) = (Index::new(), Index::new());
    let (mut text, mut next_text, mut other_text) = (Vec::new(), Vec::new(), Vec::new());
    let mut buffer = Vec::new();
    let aor = Aor::parse("sip:alice@example.com", &mut buffer)?;

    let message = index.read(REGISTER.as_bytes(), Framing::Datagram)?;
    let request = RegisterRequest::read(message, peer)?;
    let plan = Plan::read(request, limits, flows, None, &keys, &mut text)?;
    let record = decide(None, &plan, now)?.apply(&aor, None, &plan, now, &mut scratch)?.ok_or("no record")?;
    let binding = record.bindings().next().ok_or("no binding")?;
    let again = REGISTER.replace("4711", "4712");
    let message = next_index.read(again.as_bytes(), Framing::Datagram)?;
    let next = Plan::read(RegisterRequest::read(message, peer)?, limits, flows, None, &keys, &mut next_text)?;
    let changes = decide(Some(&record), &next, now)?;
    for _ in 0..times {
        match what {
            "plan" => drop(black_box(Plan::read(
                RegisterRequest::read(black_box(message), peer)?,
                limits,
                flows,
                None,
                &keys,
                &mut other_text,
            )?)),
            "decide" => drop(black_box(decide(Some(black_box(&record)), &next, now)?)),
            "apply" => drop(black_box(changes.apply(&aor, Some(black_box(&record)), &next, now, &mut scratch)?)),
            "record-write" => {
                let mut builder = RecordBuilder::new(&mut scratch, &aor, 7);
                builder.push(black_box(&binding));
                drop(black_box(builder.finish()?));
            }
            "record-read" => {
                let record = Record::from_bytes(black_box(record.as_bytes()))?;
                record.bindings().for_each(|binding| _ = black_box(binding));
            }
            _ => return Err(USAGE.into()),
        }
    }
    println!("{what}, {times} times, with a record of {} bytes", record.as_bytes().len());
    Ok(())
}
