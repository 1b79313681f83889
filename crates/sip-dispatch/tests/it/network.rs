//! Clients with the timers of RFC 3261 §17.1.2.2 behind a network that loses, doubles and reorders datagrams, on virtual
//! time. Everything follows from one seed, which proptest prints when something does not hold.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use proptest::prelude::*;
use sip_dispatch::{Answer, Exchange, Link, Reason, ReasonText, ReceiveChain, Status, Verdict};
use sip_message::HeaderId;
use sip_transport::Destination;

use crate::harness::{Response, Worker, link, request, udp_from};

/// RFC 3261 §17.1.1.1.
const T1: u64 = 500;
const T2: u64 = 4_000;
/// Timer F.
const GIVE_UP: u64 = 64 * T1;
/// A datagram is on its way for 1 ms to this. The last repetition, after 31.5 s, is then there before the server
/// forgets; see Timer J.
const LONGEST_WAY: u64 = 500;
/// The longest a store takes: longer than the dispatcher waits.
const SLOWEST_STORE: u64 = 25_000;

/// How bad the network is, in percent.
#[derive(Clone, Copy, Debug)]
struct Weather {
    lost: u64,
    doubled: u64,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn each_request_is_shown_once_and_answered_with_the_same_bytes(
        seed: u64, lost in 0..70u64, doubled in 0..50u64, transactions in 1..40usize,
    ) {
        let network = Network::run(seed, Weather { lost, doubled }, transactions);
        network.check();
        if lost == 0 {
            prop_assert!(network.clients.iter().all(|client| client.answers > 0));
        }
    }
}

#[test]
fn the_simulation_is_not_empty() {
    let network = Network::run(1, Weather { lost: 30, doubled: 30 }, 100);
    network.check();
    let counters = network.worker.counters();
    assert!(counters.absorbed > 20 && counters.absorbed_in_flight > 20 && counters.pending > 20, "{counters:?}");
    assert!(counters.pending_lost > 1, "{counters:?}");
}

/// One non-INVITE client transaction.
struct Client {
    remote: String,
    request: Vec<u8>,
    started: u64,
    /// Timer E.
    interval: u64,
    /// Copies that the network brought to the server.
    arrived: usize,
    /// Answers that the server sent.
    sent: Vec<Response>,
    /// Answers that the network brought back.
    answers: usize,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Send(usize),
    Arrives(usize),
    Returns(usize),
    Tick,
}

struct Network {
    random: Random,
    weather: Weather,
    now: u64,
    clock: Arc<AtomicU64>,
    /// By time; those of one time in the order of their making.
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    made: u64,
    worker: Worker,
    shown: Arc<Mutex<HashMap<String, usize>>>,
    clients: Vec<Client>,
}

impl Network {
    fn run(seed: u64, weather: Weather, transactions: usize) -> Self {
        let (clock, shown) = (Arc::default(), Arc::default());
        let worker = Worker::new(ReceiveChain::new([moody_link(seed, &clock, &shown)]));
        let now = worker.now.wall;
        clock.store(now, Ordering::Relaxed);
        let random = Random(seed);
        let events = BinaryHeap::new();
        let mut network = Self { random, weather, now, clock, events, made: 0, worker, shown, clients: Vec::new() };
        for n in 0..transactions {
            network.add_client(n);
        }
        let end = now + 10_000 + GIVE_UP + SLOWEST_STORE;
        (now..end).step_by(100).for_each(|at| network.plan(at, Event::Tick));
        while let Some(Reverse((at, _, event))) = network.events.pop() {
            network.worker.pass(at - network.now);
            network.now = at;
            network.clock.store(at, Ordering::Relaxed);
            network.happens(event);
        }
        network
    }

    fn add_client(&mut self, n: usize) {
        // Some phones repeat their branch, and several phones stand behind one address.
        let branch = if self.random.below(4) == 0 { "z9hG4bKsame".to_owned() } else { format!("z9hG4bK{n}") };
        let remote = format!("192.0.2.{}:5060", 1 + self.random.below(5));
        let request = request("MESSAGE")
            .set("Via", &format!("SIP/2.0/UDP 10.0.0.1;branch={branch};rport"))
            .set("CSeq", &format!("{n} MESSAGE"));
        let started = self.now + self.random.below(10_000);
        let (arrived, answers, sent) = (0, 0, Vec::new());
        self.clients.push(Client { remote, request: request.bytes(), started, interval: T1, arrived, sent, answers });
        self.plan(started, Event::Send(n));
    }

    fn plan(&mut self, at: u64, event: Event) {
        self.made += 1;
        self.events.push(Reverse((at, self.made, event)));
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Send(n) => {
                let client = &mut self.clients[n];
                if client.answers > 0 || self.now >= client.started + GIVE_UP {
                    return;
                }
                let again = self.now + client.interval;
                client.interval = (2 * client.interval).min(T2);
                self.plan(again, Event::Send(n));
                self.transport(|| Event::Arrives(n));
            }
            Event::Arrives(n) => {
                let client = &mut self.clients[n];
                client.arrived += 1;
                let peer = udp_from(&client.remote);
                let sent = self.worker.receive(&client.request, peer);
                self.deliver(sent);
            }
            Event::Returns(n) => self.clients[n].answers += 1,
            Event::Tick => {
                let sent = self.worker.poll();
                self.deliver(sent);
                let sent = self.worker.tick();
                self.deliver(sent);
            }
        }
    }

    fn deliver(&mut self, answers: Vec<Response>) {
        for answer in answers {
            let n: usize = answer.header(HeaderId::CSeq).split(' ').next().unwrap().parse().unwrap();
            let client = &mut self.clients[n];
            assert!(client.arrived > 0, "an answer without a request: {answer:?}");
            let Destination::Datagram { remote, .. } = answer.to else { panic!("{answer:?}") };
            assert_eq!(remote.to_string(), client.remote);
            client.sent.push(answer);
            self.transport(|| Event::Returns(n));
        }
    }

    /// Puts a datagram on its way, or two of it, or none.
    fn transport(&mut self, event: impl Fn() -> Event) {
        let copies = match (self.random.below(100) < self.weather.lost, self.random.below(100) < self.weather.doubled) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        for _ in 0..copies {
            let at = self.now + 1 + self.random.below(LONGEST_WAY);
            self.plan(at, event());
        }
    }

    fn check(&self) {
        let shown = self.shown.lock().unwrap();
        for (n, client) in self.clients.iter().enumerate() {
            let shown = shown.get(&format!("{n} MESSAGE")).copied().unwrap_or(0);
            assert_eq!(shown, client.arrived.min(1), "request {n} was shown {shown} times, {} came", client.arrived);
            assert!(client.sent.len() <= client.arrived, "request {n} was answered more often than it came");
            assert_eq!(client.sent.is_empty(), client.arrived == 0, "request {n} came and was not answered");
            assert!(
                client.sent.windows(2).all(|two| two[0] == two[1]),
                "request {n} has two answers: {:?}",
                client.sent
            );
        }
        assert_eq!(self.worker.waiting(), 0);
    }
}

/// A link that answers at once or later, as the request's CSeq and the seed say.
fn moody_link(seed: u64, clock: &Arc<AtomicU64>, shown: &Arc<Mutex<HashMap<String, usize>>>) -> Link {
    const TEST: Reason = Reason::of(&ReasonText::new("test", "A test said so."));
    let (clock, shown) = (clock.clone(), shown.clone());
    link(move |ex: &mut Exchange<'_>| {
        let cseq = String::from_utf8(ex.message().value(HeaderId::CSeq).unwrap().to_vec()).unwrap();
        let number: u64 = cseq.split(' ').next().unwrap().parse().unwrap();
        *shown.lock().unwrap().entry(cseq).or_default() += 1;
        let mut random = Random(seed ^ number.wrapping_mul(0x9E37_79B9));
        let answer = match random.below(3) {
            0 => Answer::Now(Status::NOT_FOUND),
            _ => later(&clock, random.below(2) * random.below(SLOWEST_STORE) + random.below(1000)),
        };
        ex.when(answer, &(), |(), ex, status| Verdict::Handled(ex.refuse(status, TEST)))
    })
}

/// What a store says in `millis`.
fn later(clock: &Arc<AtomicU64>, millis: u64) -> Answer<Status> {
    let clock = clock.clone();
    let due = clock.load(Ordering::Relaxed) + millis;
    Answer::Later(Box::pin(std::future::poll_fn(move |_| {
        if clock.load(Ordering::Relaxed) < due { Poll::Pending } else { Poll::Ready(Status::FORBIDDEN) }
    })))
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}
