//! Round trips through one worker over UDP on the loopback: the sockets, the loop, and nothing above them.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a bench that cannot run must say so")]

use std::future::Ready;
use std::hint::black_box;
use std::net::UdpSocket;
use std::num::NonZeroU16;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sip_transport::{
    Batching, Destination, FlowEvent, Inbound, Ingress, Now, Outbox, Peer, Server, ServerConfig, Shutdown, Tick,
    UdpConfig,
};

struct Echo;

impl Ingress for Echo {
    type Pending = Ready<()>;
    type Resume = ();

    fn on_message(&mut self, rx: Inbound<'_>, out: &mut Outbox) -> Option<Ready<()>> {
        out.send(Destination::Datagram { leg: rx.peer.leg, remote: rx.peer.remote }, rx.bytes);
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

fn udp_echo(c: &mut Criterion) {
    for (name, batching) in [("best", Batching::Best), ("single", Batching::Single)] {
        let legs = vec!["udp:127.0.0.1:0".parse().expect("a leg")];
        let udp = UdpConfig { batching, ..UdpConfig::default() };
        let config = ServerConfig { legs, workers: NonZeroU16::new(1), udp, ..ServerConfig::default() };
        let server = Server::bind(config).expect("a free port");
        let addr = server.local_addrs()[0];
        let shutdown = Shutdown::new();
        let stop = shutdown.clone();
        let thread = std::thread::spawn(move || server.run(|_| Echo, &stop));

        let client = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        client.connect(addr).expect("the loopback");
        let request = [b'x'; 600];
        let mut group = c.benchmark_group(format!("udp_echo/{name}"));
        // One at a time is the loop's latency; 32 together are a batch.
        for window in [1, 32] {
            group.throughput(Throughput::Elements(window));
            group.bench_function(format!("window_{window}"), |b| {
                b.iter(|| {
                    (0..window).for_each(|_| assert_eq!(client.send(&request).expect("sent"), 600));
                    let mut buffer = [0; 1000];
                    (0..window).for_each(|_| assert_eq!(client.recv(black_box(&mut buffer)).expect("echoed"), 600));
                });
            });
        }
        group.finish();
        shutdown.cut();
        thread.join().expect("no panic").expect("no error");
    }
}

criterion_group!(benches, udp_echo);
criterion_main!(benches);
