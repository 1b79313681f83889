//! A request's way through a dispatcher and back, without sockets.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may fail by panicking")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sip_dispatch::links::{Fallback, Options, Sanity};
use sip_dispatch::{
    Config, Dispatcher, Exchange, Link, Reason, ReasonText, ReceiveChain, Receiver, Share, Status, Verdict,
};
use sip_message::{Framing, Index};
use sip_transport::{Inbound, Ingress, LegId, Now, Outbox, Peer, Transport};

const REGISTER: &str = "REGISTER sip:example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.4:5060;rport;branch=z9hG4bKPjd1a2d2ff-aa2c-4f0c-a9c4-0f4d0e66f6d8\r\n\
    Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=a5b6a3f2-9a5c-4b57-8ef3-3be1f3c6d1aa\r\n\
    To: <sip:alice@example.com>\r\nCall-ID: 2c9d4b1e-2d0b-4cc9-bd0e-7f6ad7d0cc65\r\nCSeq: 40000001 REGISTER\r\n\
    User-Agent: bench\r\nContact: <sip:alice@192.0.2.4:5060;ob>\r\nExpires: 300\r\n\
    Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS\r\n\
    Content-Length: 0\r\n\r\n";

/// A link that does as little as can be done.
struct Trivial;

const BENCH: Reason = Reason::of(&ReasonText::new("bench", "A bench said so."));

impl Receiver for Trivial {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        Verdict::Handled(ex.refuse(Status::OK, BENCH))
    }
}

struct Server {
    dispatcher: Dispatcher,
    outbox: Outbox,
    peer: Peer,
    now: u64,
}

impl Server {
    fn new(links: Vec<Link>) -> Self {
        let dispatcher = Dispatcher::new(ReceiveChain::new(links), Config::default(), Share::WHOLE);
        let peer = Peer {
            leg: LegId(0),
            transport: Transport::Udp,
            remote: std::net::SocketAddr::from(([192, 0, 2, 4], 5060)),
            local: std::net::SocketAddr::from(([192, 0, 2, 1], 5060)),
            flow: None,
        };
        Self { dispatcher, outbox: Outbox::new(), peer, now: 1 }
    }

    fn serve(&mut self, bytes: &[u8]) -> usize {
        self.now += 1;
        let rx = Inbound { bytes, peer: self.peer, now: Now::from_millis(self.now) };
        assert!(self.dispatcher.on_message(rx, &mut self.outbox).is_none());
        let sent = self.outbox.size();
        self.outbox.clear();
        sent
    }
}

/// Where the digits of CSeq stand.
fn cseq(request: &[u8]) -> usize {
    request.windows(7).position(|seven| seven == b"CSeq: 4").unwrap() + 7
}

/// Makes each request another one, in place.
fn count_up(request: &mut [u8], at: usize) {
    for digit in request[at..at + 7].iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
}

fn dispatch(criterion: &mut Criterion) {
    const ALLOW: &[&str] = &["OPTIONS", "REGISTER"];
    let mut group = criterion.benchmark_group("dispatch");
    group.throughput(Throughput::Elements(1));

    let mut index = Index::new();
    group.bench_function("index only", |bencher| {
        bencher.iter(|| index.read(black_box(REGISTER.as_bytes()), Framing::Datagram).unwrap().fault());
    });

    let mut server = Server::new(vec![Trivial.into()]);
    let mut request = REGISTER.as_bytes().to_vec();
    let at = cseq(&request);
    group.bench_function("one trivial link", |bencher| {
        bencher.iter(|| {
            count_up(&mut request, at);
            server.serve(black_box(&request))
        });
    });
    group.bench_function("a retransmission", |bencher| bencher.iter(|| server.serve(black_box(&request))));

    let mut server = Server::new(vec![
        Sanity::default().into(),
        Options { allow: ALLOW, supported: &[] }.into(),
        Fallback { allow: ALLOW }.into(),
    ]);
    let mut request = REGISTER.replace("REGISTER", "OPTIONS").into_bytes();
    let at = cseq(&request);
    group.bench_function("OPTIONS", |bencher| {
        bencher.iter(|| {
            count_up(&mut request, at);
            server.serve(black_box(&request))
        });
    });
    group.finish();
}

criterion_group!(benches, dispatch);
criterion_main!(benches);
