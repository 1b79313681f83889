//! In steady state nothing is allocated on a request's way over UDP.
#![expect(unsafe_code, reason = "counting allocations needs a GlobalAlloc, which is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::borrow::Cow;
use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use sip_dispatch::links::{Fallback, Options, Rate, Sanity, Throttle};
use sip_dispatch::{
    Answer, Config, Dispatcher, Exchange, Gate, Hold, Identity, ReceiveChain, Receiver, Share, Status, Verdict, reason,
};
use sip_transport::{Inbound, Ingress, LegId, Now, Outbox, Peer, Transport};

/// The system's allocator, counting for each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of GlobalAlloc::alloc.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of GlobalAlloc::dealloc.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PEER: Peer = Peer {
    leg: LegId(0),
    transport: Transport::Udp,
    remote: std::net::SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::new(192, 0, 2, 4), 5060)),
    local: std::net::SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::new(192, 0, 2, 1), 5060)),
    flow: None,
};

struct Server {
    dispatcher: Dispatcher,
    outbox: Outbox,
    now: u64,
}

impl Server {
    fn new() -> Self {
        const ALLOW: &[&str] = &["OPTIONS"];
        let generous = Rate { per_second: 1_000_000, burst: 1_000_000 };
        let chain = ReceiveChain::new([
            Sanity::default().into(),
            Throttle::new(Some(generous), Some(generous)).into(),
            Options { allow: ALLOW, supported: &["path"] }.into(),
            Fallback { allow: ALLOW }.into(),
        ]);
        let config = Config { server: Some("house".to_owned()), absorb_bytes: 1 << 16, ..Config::default() };
        Self { dispatcher: Dispatcher::new(chain, config, Share::WHOLE), outbox: Outbox::new(), now: 1 }
    }

    /// Allocations on the way of one datagram, which must be answered.
    fn allocations(&mut self, bytes: &[u8]) -> usize {
        self.now += 1;
        let now = Now::from_millis(self.now);
        let before = ALLOCATIONS.get();
        let pending = self.dispatcher.on_message(Inbound { bytes, peer: PEER, now }, &mut self.outbox);
        let _ = self.dispatcher.on_tick(now, &mut self.outbox);
        let allocations = ALLOCATIONS.get() - before;
        assert!(pending.is_none());
        assert_eq!(self.outbox.len(), 1);
        self.outbox.clear();
        allocations
    }
}

fn options(n: usize) -> Vec<u8> {
    format!(
        "OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK{n};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag={n}\r\nTo: <sip:alice@example.com>\r\n\
         Call-ID: {n}@192.0.2.4\r\nCSeq: {n} OPTIONS\r\nContact: <sip:alice@192.0.2.4>\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

#[test]
fn the_counter_counts() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(7)));
    assert_eq!(ALLOCATIONS.get(), before + 1);
}

#[test]
fn an_answered_request_and_its_retransmission_allocate_nothing() {
    let mut server = Server::new();
    // The outbox gets its room.
    server.allocations(&options(0));
    // Often enough for the ring to go round several times and for its table to be tidied.
    for n in 1..10_000 {
        let request = options(n);
        assert_eq!(server.allocations(&request), 0, "request {n}");
        assert_eq!(server.allocations(&request), 0, "retransmission {n}");
    }
    let counters = server.dispatcher.counters().snapshot();
    assert_eq!((counters.requests, counters.absorbed), (10_000, 9_999));
}

#[test]
fn a_refusal_allocates_nothing() {
    let mut server = Server::new();
    server.allocations(&options(0));
    for (n, (from, to)) in [
        ("CSeq: ", "Require: gruu\r\nCSeq: "),
        ("Max-Forwards: 70", "Max-Forwards: 700"),
        ("SIP/2.0\r\n", "SIP/3.0\r\n"),
        ("From: ", "Froom: "),
        ("\r\n\r\n", "\r\n"),
        ("OPTIONS", "MESSAGE"),
        ("OPTIONS", "CHAT"),
    ]
    .into_iter()
    .enumerate()
    {
        let request = String::from_utf8(options(n + 1)).unwrap().replace(from, to);
        assert_eq!(server.allocations(request.as_bytes()), 0, "{to}");
    }
}

/// What keeps every request, until it is opened.
#[derive(Clone, Default)]
struct Store {
    open: Arc<Door>,
    told: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Door(AtomicBool);

impl Gate for Door {
    fn poll(&self, _: &mut Context<'_>) -> Poll<bool> {
        if self.0.load(Ordering::Relaxed) { Poll::Ready(true) } else { Poll::Pending }
    }
}

impl Receiver for Store {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        ex.identify(Identity { name: Cow::Borrowed(b"alice"), realm: Cow::Borrowed(b"example.com") });
        let hold = Hold::new(self.open.clone(), reason::PENDING_LOST);
        ex.when(Answer::Held { value: (), hold, lost: || () }, self, |this, ex, ()| {
            ex.when_told(&this.told, 1, |told, more, _| {
                told.fetch_add(more, Ordering::Relaxed);
            });
            Verdict::Handled(ex.refuse(Status::OK, reason::OPTIONS_ANSWERED))
        })
    }
}

#[test]
fn a_held_answer_allocates_once_for_who_is_to_be_told() {
    const EACH: usize = 20;
    // Until rooms are made, and the ring of answers has gone round.
    const WARM: u64 = 20;
    const TURNS: u64 = 100;
    // What is polled for all of them, once in each turn that is counted.
    const GROUPS: usize = (TURNS - WARM) as usize;
    // The table of what waits may grow once more, at a time that chance decides.
    const GROWS: usize = 1;
    let mut more = 0;
    let store = Store::default();
    let config = Config { absorb_bytes: 1 << 16, ..Config::default() };
    let mut dispatcher = Dispatcher::new(ReceiveChain::new([store.clone().into()]), config, Share::WHOLE)
        .on_outcome(|outcome| assert_eq!(outcome.identity.map(|who| (&*who.name, &*who.realm)), Some(WHO)));
    let mut outbox = Outbox::new();
    for turn in 0..TURNS {
        store.open.0.store(false, Ordering::Relaxed);
        let now = Now::from_millis(turn + 1);
        let mut group = None;
        for n in 0..EACH {
            let bytes = options(turn as usize * EACH + n);
            let before = ALLOCATIONS.get();
            let pending = dispatcher.on_message(Inbound { bytes: &bytes, peer: PEER, now }, &mut outbox);
            if turn >= WARM {
                more += ALLOCATIONS.get() - before - 1;
            }
            group = group.or(pending);
        }
        store.open.0.store(true, Ordering::Relaxed);
        let Some(group) = group else { panic!("nothing waits") };
        let Poll::Ready(over) = pin!(group).poll(&mut Context::from_waker(Waker::noop())) else { panic!("it is over") };
        let before = ALLOCATIONS.get();
        assert!(dispatcher.resume(over, now, &mut outbox).is_none());
        if turn >= WARM {
            more += ALLOCATIONS.get() - before;
        }
        assert_eq!(outbox.len(), EACH);
        outbox.clear();
    }
    assert!((GROUPS..=GROUPS + GROWS).contains(&more), "{more} more");
    assert_eq!(store.told.load(Ordering::Relaxed), TURNS as usize * EACH);
}

const WHO: (&[u8], &[u8]) = (b"alice", b"example.com");
