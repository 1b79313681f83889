//! Retransmissions (RFC 3261 §17.2.2, §17.2.3).

use sip_dispatch::links::{Rate, Throttle};
use sip_dispatch::{Config, Link};
use sip_message::HeaderId;

use crate::harness::{Count, Worker, chain_with, counting, one, request, udp_from};

/// A worker with the number of requests that its chain was shown.
fn counted(config: Config) -> (Worker, Count) {
    let (link, count) = counting();
    (Worker::with(chain_with([link]), config), count)
}

#[test]
fn a_retransmission_gets_the_same_bytes_for_32_seconds_and_is_not_shown_again() {
    let (mut worker, shown) = counted(Config::default());
    let first = worker.answer(request("OPTIONS"));
    for _ in 0..10 {
        worker.pass(3_199);
        assert_eq!(worker.answer(request("OPTIONS")), first);
    }
    assert_eq!((shown.get(), worker.counters().absorbed), (1, 10));
    worker.pass(10);
    let after = worker.answer(request("OPTIONS"));
    assert_eq!((shown.get(), after), (2, first));
    assert_eq!(worker.tick(), []);
}

#[test]
fn an_answered_request_is_remembered_once_more_after_its_time() {
    let (mut worker, shown) = counted(Config::default());
    worker.answer(request("OPTIONS"));
    worker.pass(32_000);
    worker.answer(request("OPTIONS"));
    worker.tick();
    worker.pass(31_999);
    worker.answer(request("OPTIONS"));
    assert_eq!(shown.get(), 2);
}

#[test]
fn what_differs_in_one_thing_is_another_request() {
    let (mut worker, shown) = counted(Config::default());
    let same = request("MESSAGE");
    let branch = "SIP/2.0/UDP 192.0.2.4:40000;branch=";
    let others = [
        same.clone(),
        same.clone().set("Via", &format!("{branch}z9hG4bKother")),
        same.clone().set("Via", "SIP/2.0/UDP 192.0.2.5:40000;branch=z9hG4bKMESSAGE"),
        // PySIP repeats its branch with a new CSeq.
        same.clone().set("CSeq", "2 MESSAGE"),
        same.clone().set("Call-ID", "c2@192.0.2.4"),
        request("INFO").set("Via", &format!("{branch}z9hG4bKMESSAGE")),
    ];
    for (n, other) in others.iter().enumerate() {
        worker.answer(other.clone());
        assert_eq!(shown.get(), n + 1, "{n}");
    }
    one(worker.receive(&same.bytes(), udp_from("192.0.2.4:40001")));
    one(worker.receive(&same.bytes(), udp_from("192.0.2.5:40000")));
    assert_eq!(shown.get(), others.len() + 2);
    // What a client may change between retransmissions, or need not repeat, changes nothing.
    worker.answer(same.set("Max-Forwards", "69"));
    assert_eq!(shown.get(), others.len() + 2);
}

#[test]
fn without_a_unique_branch_all_that_rfc_2543_compares_is_compared() {
    let (mut worker, shown) = counted(Config::default());
    for (n, via) in
        ["SIP/2.0/UDP 192.0.2.4", "SIP/2.0/UDP 192.0.2.4;branch=7c1e", "SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK"]
            .into_iter()
            .enumerate()
    {
        let same = request("MESSAGE").set("Via", via);
        worker.answer(same.clone());
        worker.answer(same.clone());
        worker.answer(same.clone().set("", "MESSAGE sip:bob@example.com SIP/2.0"));
        worker.answer(same.clone().set("From", "<sip:alice@example.com>;tag=f2"));
        worker.answer(same.clone().set("To", "<sip:bob@example.com>"));
        assert_eq!(shown.get(), 4 * (n + 1), "{via}");
    }
    let unique = request("MESSAGE");
    worker.answer(unique.clone());
    worker.answer(unique.set("From", "<sip:alice@example.com>;tag=f2"));
    assert_eq!(shown.get(), 13);
}

#[test]
fn a_repeated_malformed_request_gets_the_same_answer() {
    let mut worker = Worker::usual();
    let first = worker.answer(request("OPTIONS").without("To"));
    assert_eq!(worker.answer(request("OPTIONS").without("To")), first);
    assert_eq!(worker.counters().absorbed, 1);
}

#[test]
fn what_the_ring_has_lost_is_handled_again() {
    let (mut worker, shown) = counted(Config { absorb_bytes: 4096, ..Config::default() });
    let numbered = |n: usize| request("MESSAGE").set("CSeq", &format!("{n} MESSAGE"));
    let first = worker.answer(numbered(1));
    for n in 2..=30 {
        worker.answer(numbered(n));
        assert_eq!(worker.answer(numbered(n)).bytes.len(), worker.answer(numbered(n)).bytes.len());
    }
    assert_eq!(shown.get(), 30);
    assert_eq!(worker.answer(numbered(1)), first, "the tag does not change");
    assert_eq!(shown.get(), 31);
}

#[test]
fn without_memory_every_request_is_handled() {
    let (mut worker, shown) = counted(Config { absorb_bytes: 0, ..Config::default() });
    let first = worker.answer(request("MESSAGE"));
    assert_eq!(worker.answer(request("MESSAGE")), first);
    assert_eq!(shown.get(), 2);
}

#[test]
fn streams_are_not_absorbed() {
    let (mut worker, shown) = counted(Config::default());
    one(worker.tcp(request("MESSAGE")));
    one(worker.tcp(request("MESSAGE")));
    assert_eq!((shown.get(), worker.counters().absorbed), (2, 0));
}

#[test]
fn an_ignored_request_may_come_again() {
    let throttle = Throttle::new(Some(Rate { per_second: 1, burst: 1 }), None);
    let mut worker = Worker::new(chain_with([Link::new(throttle)]));
    worker.answer(request("MESSAGE"));
    let ignored = request("MESSAGE").set("CSeq", "2 MESSAGE");
    assert_eq!(worker.udp(ignored.clone()), []);
    worker.pass(1000);
    assert_eq!(worker.answer(ignored).code(), 405);
}

#[test]
fn in_a_batch_each_request_is_remembered_with_its_own_answer() {
    let throttle = Throttle::new(Some(Rate { per_second: 1, burst: 2 }), None);
    let mut worker = Worker::new(chain_with([Link::new(throttle)]));
    let numbered = |n: usize| request("MESSAGE").set("CSeq", &format!("{n} MESSAGE"));
    // The third and the fourth are ignored; the last is the first again.
    let sent = worker.batch(&[numbered(1), numbered(2), numbered(3), numbered(4), numbered(1)]);
    assert_eq!(sent.len(), 3);
    assert_eq!((&sent[0], sent[1].header(HeaderId::CSeq).as_str()), (&sent[2], "2 MESSAGE"));
    assert_eq!(worker.answer(numbered(2)), sent[1]);
    assert_eq!(worker.udp(numbered(3)), [], "beyond the budget again, and not answered with the words of another");
}
