//! Answers every message with itself, over UDP and TCP, until Enter is pressed.
//!
//! `cargo run -p sip-transport --features tokio --example echo`
#![expect(clippy::print_stdout, reason = "a program with a user")]

use std::future::Ready;

use sip_transport::{
    Destination, FlowEvent, Inbound, Ingress, Leg, LegSpec, Now, Outbox, Peer, Server, ServerConfig, Shutdown, Tick,
};

struct Echo;

impl Ingress for Echo {
    type Pending = Ready<()>;
    type Resume = ();

    fn on_message(&mut self, rx: Inbound<'_>, out: &mut Outbox) -> Option<Ready<()>> {
        let datagram = Destination::Datagram { leg: rx.peer.leg, remote: rx.peer.remote };
        out.send(rx.peer.flow.map_or(datagram, Destination::Stream), rx.bytes);
        None
    }

    fn resume(&mut self, (): (), _: Now, _: &mut Outbox) -> Option<Ready<()>> {
        None
    }

    fn on_flow(&mut self, _: &Peer, _: FlowEvent, _: Now, _: &mut Outbox) {}

    fn on_tick(&mut self, _: Now, _: &mut Outbox) -> Tick {
        Tick::Done
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let legs = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"].map(str::parse::<LegSpec>);
    let legs = legs.into_iter().map(|leg| leg.map(Leg::from)).collect::<Result<_, _>>()?;
    let server = Server::bind(ServerConfig { legs, ..ServerConfig::default() })?;
    server.legs().iter().for_each(|leg| println!("listening on {}", leg.spec));

    let (shutdown, counters) = (Shutdown::new(), server.counters());
    let stop = shutdown.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_line(&mut String::new());
        stop.drain();
    });
    let summary = server.run(|_worker| Echo, &shutdown)?;
    println!("{} messages; cut off: {summary:?}", counters.snapshot().messages);
    Ok(())
}
