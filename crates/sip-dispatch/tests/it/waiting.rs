//! Requests that wait for a store.

use sip_dispatch::{Answer, Config, Exchange, Link, Reason, ReasonText, ReceiveChain, Status, Verdict};
use sip_message::{HeaderId, Method};

use crate::harness::{Count, Store, Worker, counting, link, one, request};

const TEST: Reason = Reason::of(&ReasonText::new("test", "A test said so."));

/// What the store says in these tests.
#[derive(Clone, Copy, Debug)]
enum Says {
    Status(Status),
    Pass,
    AskAgain,
}

/// A link that does what the store says when it says it.
fn asking(store: &Store<Says>) -> Link {
    fn then(store: &Store<Says>, ex: &mut Exchange<'_>, said: Says) -> Verdict {
        match said {
            Says::Status(status) => Verdict::Handled(ex.refuse(status, TEST)),
            Says::Pass => Verdict::Pass,
            Says::AskAgain => ex.when(store.ask(), store, then),
        }
    }
    let store = store.clone();
    link(move |ex| ex.when(store.ask(), &store, then))
}

fn says(status: Status) -> Link {
    link(move |ex| Verdict::Handled(ex.refuse(status, TEST)))
}

fn chain(links: impl IntoIterator<Item = Link>) -> Worker {
    Worker::new(ReceiveChain::new(links))
}

#[test]
fn a_retransmission_of_a_waiting_request_is_absorbed_in_silence_and_the_answer_leaves_once() {
    let store = Store::new();
    let (first, shown) = counting();
    let mut worker = chain([first, asking(&store)]);
    for _ in 0..3 {
        assert_eq!(worker.udp(request("INFO")), []);
        worker.pass(500);
    }
    assert_eq!(worker.poll(), []);
    store.says(Says::Status(Status::NOT_FOUND));
    let answer = one(worker.poll());
    assert_eq!((answer.code(), shown.get(), worker.waiting()), (404, 1, 0));
    // After 31 s more it is still the same; it is remembered since it was answered, not since it came.
    worker.pass(31_000);
    assert_eq!(worker.answer(request("INFO")), answer);
    let counters = worker.counters();
    assert_eq!((counters.pending, counters.absorbed_in_flight, counters.absorbed), (1, 2, 1));
}

#[test]
fn an_answer_of_now_waits_for_nothing() {
    let (last, shown) = counting();
    let answers_now = link(|ex| {
        ex.when(Answer::Now(Status::NOT_FOUND), &(), |(), ex, status| Verdict::Handled(ex.refuse(status, TEST)))
    });
    let passes_now = link(|ex| ex.when(Answer::Now(()), &(), |(), _, ()| Verdict::Pass));
    let mut worker = chain([passes_now, answers_now, last]);
    assert_eq!(worker.answer(request("INFO")).code(), 404);
    assert_eq!((shown.get(), worker.waiting(), worker.counters().pending), (0, 0, 0));
}

#[test]
fn after_waiting_a_pass_goes_on_with_the_next_link_of_the_inner_chain_and_then_of_the_outer() {
    let store = Store::new();
    let counted = || counting();
    let ((before, a), (in_inner, b), (after_inner, c)) = (counted(), counted(), counted());
    let inner = ReceiveChain::new([asking(&store), in_inner]);
    let mut worker =
        chain([before, Link::new(ReceiveChain::new([Link::new(inner)])), after_inner, says(Status::NOT_FOUND)]);
    assert_eq!(worker.udp(request("INFO")), []);
    let seen = |counts: [&Count; 3]| counts.map(Count::get);
    assert_eq!(seen([&a, &b, &c]), [1, 0, 0]);
    store.says(Says::Pass);
    assert_eq!(one(worker.poll()).code(), 404);
    assert_eq!(seen([&a, &b, &c]), [1, 1, 1]);
}

#[test]
fn after_waiting_an_inner_chain_may_answer_and_nothing_behind_sees_the_request() {
    let store = Store::new();
    let (outer, seen) = counting();
    let inner = ReceiveChain::new([asking(&store), says(Status::FORBIDDEN)]);
    let mut worker = chain([Link::new(inner), outer]);
    assert_eq!(worker.udp(request("INFO")), []);
    store.says(Says::Pass);
    assert_eq!(one(worker.poll()).code(), 403);
    assert_eq!(seen.get(), 0);
}

#[test]
fn a_request_may_wait_several_times_in_several_links() {
    let (one_store, other_store) = (Store::new(), Store::new());
    let inner = ReceiveChain::new([asking(&one_store), asking(&other_store)]);
    let mut worker = chain([Link::new(inner), says(Status::NOT_FOUND)]);
    assert_eq!(worker.udp(request("INFO")), []);
    for (store, said) in [
        (&one_store, Says::AskAgain),
        (&one_store, Says::AskAgain),
        (&one_store, Says::Pass),
        (&other_store, Says::AskAgain),
    ] {
        store.says(said);
        assert_eq!(worker.poll(), []);
        assert_eq!(worker.udp(request("INFO")), [], "absorbed");
        assert_eq!(worker.waiting(), 1);
    }
    other_store.says(Says::Pass);
    assert_eq!(one(worker.poll()).code(), 404);
    assert_eq!(worker.counters().pending, 1, "one request");
}

#[test]
fn a_link_that_answers_after_waiting_and_passes_has_answered() {
    let store = Store::new();
    let asks = store.clone();
    let contradicts = link(move |ex| {
        ex.when(asks.ask(), &(), |(), ex, ()| {
            let _ = ex.refuse(Status::FORBIDDEN, TEST);
            Verdict::Pass
        })
    });
    let (last, seen) = counting();
    let mut worker = chain([contradicts, last]);
    assert_eq!(worker.udp(request("INFO")), []);
    store.says(());
    assert_eq!(one(worker.poll()).code(), 403);
    assert_eq!(seen.get(), 0);
}

#[test]
fn a_store_that_never_answers_is_500_at_the_deadline_and_its_late_answer_changes_nothing() {
    let (slow, slower) = (Store::new(), Store::new());
    let (last, seen) = counting();
    let mut worker = chain([asking(&slow).methods(&[Method::Info]), asking(&slower), last]);
    assert_eq!(worker.udp(request("INFO")), []);
    worker.pass(19_999);
    assert_eq!(worker.tick(), []);
    worker.pass(1);
    let lost = one(worker.tick());
    assert_eq!((lost.code(), lost.header(HeaderId::CSeq).as_str()), (500, "1 INFO"));
    assert_eq!(worker.tick(), []);
    assert_eq!(worker.answer(request("INFO")), lost);
    // Its place is free for the next, whom the late one does not disturb.
    assert_eq!(worker.udp(request("MESSAGE")), []);
    slow.says(Says::Status(Status::FORBIDDEN));
    assert_eq!(worker.poll(), []);
    assert_eq!((worker.counters().pending_lost, worker.waiting(), seen.get()), (1, 1, 0));
    slower.says(Says::Status(Status::NOT_FOUND));
    let answer = one(worker.poll());
    assert_eq!((answer.code(), answer.header(HeaderId::CSeq).as_str()), (404, "1 MESSAGE"));
}

#[test]
fn waiting_again_does_not_put_the_deadline_off() {
    let store = Store::new();
    let mut worker = chain([asking(&store)]);
    assert_eq!(worker.udp(request("INFO")), []);
    for _ in 0..3 {
        worker.pass(6_000);
        store.says(Says::AskAgain);
        assert_eq!(worker.poll(), []);
        assert_eq!(worker.tick(), []);
    }
    worker.pass(2_000);
    assert_eq!(one(worker.tick()).code(), 500);
}

#[test]
fn the_deadline_is_kept_even_if_the_future_was_dropped() {
    let mut worker = chain([asking(&Store::new())]);
    assert_eq!(worker.udp(request("INFO")), []);
    worker.drop_waiting();
    worker.pass(20_000);
    assert_eq!(one(worker.tick()).code(), 500);
}

#[test]
fn more_waiting_requests_than_allowed_are_asked_to_come_again() {
    let store = Store::new();
    let config = Config { max_pending: 2, ..Config::default() };
    let mut worker = Worker::with(ReceiveChain::new([asking(&store)]), config);
    let numbered = |n: usize| request("INFO").set("CSeq", &format!("{n} INFO"));
    assert_eq!(worker.udp(numbered(1)), []);
    assert_eq!(worker.udp(numbered(2)), []);
    let refused = worker.answer(numbered(3));
    assert_eq!(
        (refused.status().as_str(), refused.header(HeaderId::RetryAfter).as_str()),
        ("503 Service Unavailable", "10")
    );
    // Who has a place may wait again.
    store.says(Says::AskAgain);
    assert_eq!(worker.poll(), []);
    assert_eq!(worker.waiting(), 2);
    store.says(Says::Status(Status::NOT_FOUND));
    assert_eq!(one(worker.poll()).code(), 404);
    assert_eq!(worker.udp(numbered(4)), [], "a place is free");
    let none = Config { max_pending: 0, ..Config::default() };
    let mut worker = Worker::with(ReceiveChain::new([asking(&Store::new())]), none);
    assert_eq!(worker.answer(request("INFO")).code(), 503);
}

#[test]
fn a_thousand_overdue_requests_are_answered_in_more_than_one_tick() {
    let mut worker = chain([asking(&Store::new())]);
    for n in 0..1000 {
        assert_eq!(worker.udp(request("INFO").set("CSeq", &format!("{n} INFO"))), []);
    }
    worker.pass(20_000);
    assert_eq!(worker.tick_once().len(), 500);
    assert_eq!(worker.tick_once().len(), 500);
    assert_eq!(worker.tick_once().len(), 0);
}

#[test]
fn a_waiting_request_on_a_stream_is_answered_on_its_connection() {
    let store = Store::new();
    let mut worker = chain([asking(&store)]);
    assert_eq!(worker.tcp(request("INFO")), []);
    store.says(Says::Status(Status::NOT_FOUND));
    let answer = one(worker.poll());
    assert!(matches!(answer.to, sip_transport::Destination::Stream(flow) if flow.slot == 7));
}

#[test]
fn two_requests_that_wait_are_not_mistaken_for_each_other() {
    let (first, second) = (Store::new(), Store::new());
    let mut worker = chain([asking(&first).methods(&[Method::Info]), asking(&second)]);
    assert_eq!(worker.udp(request("INFO")), []);
    assert_eq!(worker.udp(request("MESSAGE")), []);
    second.says(Says::Status(Status::FORBIDDEN));
    let answer = one(worker.poll());
    assert_eq!((answer.code(), answer.header(HeaderId::CSeq).as_str()), (403, "1 MESSAGE"));
    first.says(Says::Status(Status::NOT_FOUND));
    let answer = one(worker.poll());
    assert_eq!((answer.code(), answer.header(HeaderId::CSeq).as_str()), (404, "1 INFO"));
}

#[test]
fn a_request_that_is_ignored_after_waiting_may_come_again() {
    let store = Store::new();
    let asks = store.clone();
    let (first, shown) = counting();
    let ignores = link(move |ex| ex.when(asks.ask(), &(), |(), ex, ()| Verdict::Handled(ex.ignore(TEST))));
    let mut worker = chain([first, ignores]);
    for round in 1..=2 {
        assert_eq!(worker.udp(request("INFO")), []);
        store.says(());
        assert_eq!((worker.poll(), worker.waiting(), shown.get()), (vec![], 0, round));
    }
}
