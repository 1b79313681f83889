//! Bindings that follow their connection (RFC 5626 §7).

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use sip_dispatch::{Answer, Share};
use sip_message::HeaderId;
use sip_registrar::{
    Aor, Eviction, FlowRules, LocationService, MemoryLocation, Page, Plan, Record, RegisterError, Registered, Removal,
    StoreError,
};
use sip_transport::{Flow, FlowEvent, Now, Tick, Timestamp, Transport};

use crate::harness::{Change, FLOW, Server, Told, builder, register};

const OTHER: Flow = Flow { worker: 0, slot: 8, generation: 1 };

fn server() -> (Server, Told) {
    let told = Told::default();
    let mut server = Server::new(builder().observer(Arc::new(told.clone())));
    server.connect(Transport::Tcp, FLOW);
    (server, told)
}

fn reasons(told: &Told) -> Vec<&'static str> {
    told.take().into_iter().map(|change| change.why).collect()
}

/// The URIs of alice that others are told.
fn reachable(server: &mut Server) -> Vec<String> {
    let invite = register("invite").line("INVITE sip:alice@example.com SIP/2.0");
    let told = server.send(&invite).lines(HeaderId::Contact).len();
    let record = server.record();
    let uris: Vec<_> =
        record.iter().flat_map(Record::bindings).map(|b| String::from_utf8_lossy(b.uri).into_owned()).collect();
    assert_eq!(uris.len(), told, "a redirection and a query tell the same");
    assert_eq!(server.bindings().len(), told, "and so does the 200");
    uris
}

#[test]
fn nobody_is_sent_to_a_connection_that_has_ended() {
    let (mut server, told) = server();
    server.registers(&register("a").contact("<sip:a@x.invalid;transport=ws>"));
    server.peer.flow = None;
    server.peer.transport = Transport::Udp;
    server.registers(&register("b").contact("<sip:b@h>"));
    told.take();
    assert_eq!(reachable(&mut server), ["sip:a@x.invalid;transport=ws", "sip:b@h"]);
    server.flow(FLOW, FlowEvent::Closed);
    assert_eq!(reachable(&mut server), ["sip:b@h"]);
    assert_eq!(reasons(&told), ["suspect"]);
    server.pass(4);
    server.tick();
    assert_eq!(reasons(&told), [""; 0]);
    server.pass(2);
    assert_eq!(server.tick(), Tick::Done);
    let change = Change {
        aor: "sip:alice@example.com".to_owned(),
        why: "lost",
        before: vec!["sip:a@x.invalid;transport=ws".to_owned(), "sip:b@h".to_owned()],
        after: vec!["sip:b@h".to_owned()],
    };
    assert_eq!(told.take(), [change]);
}

#[test]
fn who_comes_back_in_time_has_never_been_away() {
    let (mut server, told) = server();
    server.registers(&register("a").contact("<sip:a@h>"));
    server.flow(FLOW, FlowEvent::Closed);
    server.pass(4);
    server.connect(Transport::Tcp, OTHER);
    // The very same request, since the client never saw the answer.
    server.registers(&register("a").contact("<sip:a@h>"));
    assert_eq!((server.reason(), reachable(&mut server)), ("refreshed", vec!["sip:a@h".to_owned()]));
    server.pass(200);
    server.tick();
    assert_eq!(reachable(&mut server), ["sip:a@h"]);
    assert_eq!(reasons(&told), ["registered", "suspect", "refreshed"]);
}

#[test]
fn a_new_connection_retires_the_old_one() {
    let (mut server, told) = server();
    server.registers(&register("a").contact("<sip:a@h>"));
    server.connect(Transport::Tcp, OTHER);
    server.registers(&register("a").cseq(2).contact("<sip:a@h>"));
    server.tick();
    told.take();
    server.flow(FLOW, FlowEvent::Closed);
    assert_eq!((reasons(&told), reachable(&mut server)), (vec![], vec!["sip:a@h".to_owned()]));
    server.flow(OTHER, FlowEvent::Closed);
    assert_eq!((reasons(&told), reachable(&mut server)), (vec!["suspect"], vec![]));
}

#[test]
fn what_came_over_a_connection_that_had_ended_is_suspect_at_once() {
    let (mut server, told) = server();
    server.flow(FLOW, FlowEvent::Closed);
    // It has waited for somebody, and its answer goes nowhere.
    server.registers(&register("a").contact("<sip:a@h>"));
    assert_eq!(reachable(&mut server), [""; 0]);
    assert!(reasons(&told).contains(&"suspect"));
    server.pass(6);
    server.tick();
    assert_eq!(reasons(&told), ["lost"]);
}

#[test]
fn who_is_reached_in_another_way_does_not_follow() {
    let keep = |keep_reachable| FlowRules { keep_reachable, ..FlowRules::default() };
    let never = FlowRules { follow: false, ..FlowRules::default() };
    for (rules, contact, path, stays) in [
        (keep(false), "<sip:a@127.0.0.1:5062>", "", false),
        (keep(true), "<sip:a@127.0.0.1:5062>", "", true),
        (keep(true), "<sip:a@127.0.0.1:5062;ob>", "", false),
        (keep(true), "<sip:a@127.0.0.1:5062>;+sip.instance=\"<urn:x:1>\";reg-id=1", "", false),
        (keep(true), "<sip:a@127.0.0.2:5062>", "", false),
        (keep(true), "<sip:a@x.invalid>", "", false),
        (keep(false), "<sip:a@x.invalid>", "<sip:p;lr>", true),
        (never, "<sip:a@x.invalid>", "", true),
    ] {
        let mut server = Server::new(builder().flows(rules));
        server.connect(Transport::Tcp, FLOW);
        let mut request = register("a").contact(contact);
        if !path.is_empty() {
            request = request.header(&format!("Path: {path}"));
        }
        server.registers(&request);
        server.flow(FLOW, FlowEvent::Closed);
        assert_eq!(reachable(&mut server).len(), usize::from(stays), "{contact} {rules:?}");
        server.pass(6);
        server.tick();
        assert_eq!(reachable(&mut server).len(), usize::from(stays), "{contact} {rules:?}");
    }
}

#[test]
fn the_grace_is_the_operators() {
    let rules = FlowRules { grace: Duration::from_secs(20), ..FlowRules::default() };
    let location = Arc::new(MemoryLocation::default());
    let mut server = Server::new(builder().flows(rules).location(location.clone()));
    server.connect(Transport::Tcp, FLOW);
    server.registers(&register("a").contact("<sip:a@h>"));
    server.flow(FLOW, FlowEvent::Closed);
    server.pass(19);
    server.tick();
    assert_eq!(location.bindings(), 1);
    server.pass(1);
    server.tick();
    assert_eq!(location.bindings(), 0);
}

#[test]
fn a_trunk_of_many_is_lost_bit_by_bit_and_nobody_is_sent_there_meanwhile() {
    const USERS: usize = 2500;
    let (mut server, told) = server();
    let user = |n: usize| format!("sip:{n}@example.com");
    for n in 0..USERS {
        server.registers(&register("a").to(&format!("<{}>", user(n))).contact("<sip:a@h>"));
    }
    told.take();
    server.flow(FLOW, FlowEvent::Closed);
    let suspects = told.take().len();
    assert!((1..USERS).contains(&suspects), "{suspects}");
    let mut buffer = Vec::new();
    for n in 0..USERS {
        assert_eq!(server.record_of(&Aor::parse(&user(n), &mut buffer).unwrap()), None, "{n}");
    }
    let ticks: Vec<_> = (0..2).map(|_| server.tick()).collect();
    assert_eq!((ticks, told.take().len()), (vec![Tick::More, Tick::Done], USERS - suspects));
}

#[test]
fn a_suspect_makes_room_first_whatever_the_eviction() {
    for eviction in [Eviction::Refuse, Eviction::SoonestToExpire] {
        let rules = FlowRules { grace: Duration::from_secs(100), ..FlowRules::default() };
        let mut server = Server::new(builder().max_contacts(2).eviction(eviction).flows(rules));
        server.registers(&register("u").contact("<sip:u@h>").expires("60"));
        server.connect(Transport::Tls, FLOW);
        server.registers(&register("a").contact("<sip:a@h:1>"));
        server.flow(FLOW, FlowEvent::Closed);
        server.connect(Transport::Tls, OTHER);
        // Back from another port, without anything that says who it is.
        server.registers(&register("b").contact("<sip:a@h:2>"));
        assert_eq!(reachable(&mut server), ["sip:u@h", "sip:a@h:2"], "{eviction:?}");
    }
}

#[test]
fn the_way_to_a_phone_and_back_is_known_of_its_binding() {
    let (mut server, _) = server();
    server.flow(FLOW, FlowEvent::RoundTrip(Duration::from_millis(7)));
    server.registers(&register("a").contact("<sip:a@h>"));
    let record = server.record().unwrap();
    let binding = record.bindings().next().unwrap();
    assert_eq!(server.registrar.round_trip(&binding), None);
    server.flow(FLOW, FlowEvent::RoundTrip(Duration::from_millis(30)));
    assert_eq!(server.registrar.round_trip(&binding), Some(Duration::from_millis(30)));
    server.flow(FLOW, FlowEvent::Closed);
    assert_eq!(server.registrar.round_trip(&binding), None);
}

/// A table that is told of losses only when it is asked for the third time, and that cannot be reached at first.
struct Slow(MemoryLocation, AtomicUsize);

impl LocationService for Slow {
    fn register(&self, aor: &Aor<'_>, plan: &Plan<'_>, now: Now) -> Answer<Result<Registered, RegisterError>> {
        self.0.register(aor, plan, now)
    }
    fn lookup(&self, aor: &Aor<'_>, now: Now) -> Answer<Result<Option<Record>, StoreError>> {
        self.0.lookup(aor, now)
    }
    fn remove(&self, aor: &Aor<'_>, which: Removal<'_>, now: Now) -> Answer<Result<Registered, StoreError>> {
        self.0.remove(aor, which, now)
    }
    fn flow_lost(
        &self,
        aor: &Aor<'_>,
        flow: Flow,
        until: Timestamp,
        now: Now,
    ) -> Answer<Result<Registered, StoreError>> {
        if self.1.fetch_add(1, Ordering::Relaxed) == 0 {
            return Answer::Now(Err(StoreError::Unavailable));
        }
        let Answer::Now(done) = self.0.flow_lost(aor, flow, until, now) else { panic!("memory does not wait") };
        let (mut done, mut polls) = (Some(done), 0);
        Answer::Later(Box::pin(poll_fn(move |_| {
            polls += 1;
            if polls < 3 { Poll::Pending } else { Poll::Ready(done.take().expect("polled once more")) }
        })))
    }
    fn scan(&self, after: Option<&[u8]>, limit: usize) -> Answer<Result<Page, StoreError>> {
        self.0.scan(after, limit)
    }
    fn sweep(&self, now: Now, share: Share, budget: usize, told: &mut dyn FnMut(&Record, Option<&Record>)) -> usize {
        self.0.sweep(now, share, budget, told)
    }
}

#[test]
fn a_store_that_is_away_is_told_again_and_one_that_is_slow_is_heard() {
    let told = Told::default();
    let location = Arc::new(Slow(MemoryLocation::default(), AtomicUsize::new(0)));
    let mut server = Server::new(builder().location(location.clone()).observer(Arc::new(told.clone())));
    server.connect(Transport::Tcp, FLOW);
    server.registers(&register("a").contact("<sip:a@h>"));
    told.take();
    server.flow(FLOW, FlowEvent::Closed);
    assert_eq!((server.record(), location.1.load(Ordering::Relaxed)), (None, 1), "nobody is sent there all the same");
    let heard: Vec<_> = (0..5)
        .map(|_| {
            assert_eq!(server.tick(), Tick::Done);
            reasons(&told)
        })
        .collect();
    assert_eq!(heard, [vec![], vec![], vec![], vec!["suspect"], vec![]]);
    assert_eq!(location.1.load(Ordering::Relaxed), 2);
}
