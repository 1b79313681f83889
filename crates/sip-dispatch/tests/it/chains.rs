//! The receive chain: which links see a request, and what comes of their verdicts.

use sip_dispatch::links::Fallback;
use sip_dispatch::{Answer, Exchange, Link, Reason, ReasonText, ReceiveChain, Status, Verdict, reason};
use sip_message::Method;

use crate::harness::{Store, Worker, counting, link, request};

const TEST: Reason = Reason::of(&ReasonText::new("test", "A test said so."));

fn says(status: Status) -> Link {
    link(move |ex| Verdict::Handled(ex.refuse(status, TEST)))
}

fn chain(links: impl IntoIterator<Item = Link>) -> Worker {
    Worker::new(ReceiveChain::new(links))
}

#[test]
fn a_link_that_passes_leaves_the_request_to_the_next() {
    let (first, seen_by_first) = counting();
    let (last, seen_by_last) = counting();
    let mut worker = chain([first, says(Status::FORBIDDEN), last]);
    assert_eq!(worker.answer(request("INFO")).code(), 403);
    assert_eq!((seen_by_first.get(), seen_by_last.get()), (1, 0));
}

#[test]
fn a_link_sees_only_its_methods_and_what_its_filter_lets_through() {
    let for_bob = |ex: &Exchange<'_>| ex.request().uri == b"sip:bob@example.com";
    let mut worker = chain([
        says(Status::FORBIDDEN).methods(&[Method::Info, Method::Other(b"CHAT")]),
        says(Status::NOT_FOUND).filter(for_bob),
        says(Status::TEMPORARILY_UNAVAILABLE).methods(&[Method::Message]).filter(|_| true),
        says(Status::INTERNAL_ERROR).methods(&[]),
        Fallback { allow: &[] }.into(),
    ]);
    assert_eq!(worker.answer(request("INFO")).code(), 403);
    assert_eq!(worker.answer(request("CHAT")).code(), 403);
    assert_eq!(worker.answer(request("chat")).code(), 501);
    assert_eq!(worker.answer(request("SUBSCRIBE").set("", "SUBSCRIBE sip:bob@example.com SIP/2.0")).code(), 404);
    assert_eq!(worker.answer(request("NOTIFY")).code(), 405);
    assert_eq!(worker.answer(request("MESSAGE")).code(), 480);
}

#[test]
fn a_filter_is_not_asked_about_other_methods() {
    let (_, asked) = counting();
    let counts = asked.clone();
    let filter = move |_: &Exchange<'_>| {
        counts.add();
        true
    };
    let mut worker = chain([says(Status::FORBIDDEN).methods(&[Method::Info]).filter(filter)]);
    worker.answer(request("MESSAGE"));
    assert_eq!(asked.get(), 0);
    worker.answer(request("INFO"));
    assert_eq!(asked.get(), 1);
}

#[test]
fn a_chain_is_a_link_of_another() {
    let (in_inner, seen_in_inner) = counting();
    let inner = ReceiveChain::new([in_inner, says(Status::FORBIDDEN).methods(&[Method::Info])]);
    let mut worker = chain([Link::new(inner).methods(&[Method::Info, Method::Message]), says(Status::NOT_FOUND)]);
    assert_eq!(worker.answer(request("INFO")).code(), 403);
    assert_eq!(worker.answer(request("MESSAGE")).code(), 404);
    assert_eq!(worker.answer(request("NOTIFY")).code(), 404);
    assert_eq!(seen_in_inner.get(), 2);
}

#[test]
fn what_no_link_answers_is_refused() {
    let (passing, seen) = counting();
    let mut worker = chain([passing]);
    assert_eq!(worker.answer(request("INFO")).code(), 501);
    assert_eq!(chain([]).answer(request("INFO")).code(), 501);
    assert_eq!(seen.get(), 1);
}

#[test]
fn a_link_that_ignores_a_request_ends_it_without_an_answer() {
    let (last, seen_by_last) = counting();
    let mut worker = chain([link(|ex| Verdict::Handled(ex.ignore(TEST))), last]);
    assert_eq!(worker.udp(request("INFO")), []);
    assert_eq!(seen_by_last.get(), 0);
}

#[test]
fn an_answer_ends_the_exchange_whatever_the_link_says_then() {
    let store = Store::<()>::new();
    let asks = move |ex: &mut Exchange<'_>| {
        let _ = ex.refuse(Status::FORBIDDEN, TEST);
        ex.when(store.ask(), &(), |(), ex, ()| Verdict::Handled(ex.refuse(Status::OK, TEST)))
    };
    let passes = |ex: &mut Exchange<'_>| {
        let _ = ex.refuse(Status::FORBIDDEN, TEST);
        Verdict::Pass
    };
    for link in [link(asks), link(passes), Link::new(ReceiveChain::new([link(passes)]))] {
        let (last, seen_by_last) = counting();
        let mut worker = chain([link, last]);
        assert_eq!(worker.answer(request("INFO")).code(), 403);
        assert_eq!((seen_by_last.get(), worker.waiting()), (0, 0));
        assert_eq!(worker.counters().second_answers, 0);
    }
}

#[test]
fn a_second_answer_does_not_leave_and_is_counted() {
    let mut worker = chain([link(|ex| {
        let first = ex.refuse(Status::FORBIDDEN, TEST);
        let second = ex.reply(Status::OK, reason::OPTIONS_ANSWERED, |_| panic!("nothing is written"));
        assert_eq!((second, ex.ignore(reason::THROTTLED), ex.sealed()), (first, first, Some(first)));
        Verdict::Handled(second)
    })]);
    assert_eq!(worker.answer(request("INFO")).code(), 403);
    assert_eq!(worker.counters().second_answers, 1);
}

#[test]
fn after_ignoring_nothing_is_answered() {
    let mut worker = chain([link(|ex| {
        let _ = ex.ignore(TEST);
        Verdict::Handled(ex.refuse(Status::FORBIDDEN, TEST))
    })]);
    assert_eq!(worker.udp(request("INFO")), []);
}

#[test]
fn the_proof_of_another_exchange_is_no_answer() {
    use std::sync::Mutex;
    let kept = Mutex::new(None);
    let mut worker = chain([link(move |ex| {
        let mut kept = kept.lock().unwrap();
        Verdict::Handled(*kept.get_or_insert_with(|| ex.refuse(Status::FORBIDDEN, TEST)))
    })]);
    assert_eq!(worker.answer(request("INFO")).code(), 403);
    assert_eq!(worker.answer(request("MESSAGE")).code(), 501);
}

#[test]
fn a_later_answer_is_mapped_like_one_of_now() {
    let store = Store::new();
    let now: Answer<u16> = Answer::Now(4).map(|value: u8| u16::from(value) + 1);
    assert!(matches!(now, Answer::Now(5)));
    let asks = store.clone();
    let mut worker = chain([link(move |ex| {
        ex.when(asks.ask().map(|known: bool| !known), &(), |(), ex, unknown| {
            Verdict::Handled(ex.refuse(if unknown { Status::NOT_FOUND } else { Status::FORBIDDEN }, TEST))
        })
    })]);
    assert_eq!(worker.udp(request("INFO")), []);
    store.says(false);
    assert_eq!(crate::harness::one(worker.poll()).code(), 404);
}

#[test]
fn every_link_is_ticked_with_its_share_and_more_is_more() {
    use sip_dispatch::{Receiver, Share};
    use sip_transport::{Now, Tick};
    struct Ticks(std::sync::atomic::AtomicU32);
    impl Receiver for Ticks {
        fn receive(&self, _: &mut Exchange<'_>) -> Verdict {
            Verdict::Pass
        }
        fn tick(&self, _: Now, share: Share) -> Tick {
            assert_eq!(share, Share::WHOLE);
            let left = self.0.load(std::sync::atomic::Ordering::Relaxed);
            self.0.store(left.saturating_sub(1), std::sync::atomic::Ordering::Relaxed);
            if left > 1 { Tick::More } else { Tick::Done }
        }
    }
    let ticks = |n| std::sync::Arc::new(Ticks(std::sync::atomic::AtomicU32::new(n)));
    let (first, second) = (ticks(3), ticks(7));
    let inner = ReceiveChain::new([Link::new(second.clone())]);
    chain([Link::new(first.clone()), Link::new(inner)]).tick();
    assert_eq!(
        (first.0.load(std::sync::atomic::Ordering::Relaxed), second.0.load(std::sync::atomic::Ordering::Relaxed)),
        (0, 0)
    );
}

#[test]
fn every_link_hears_what_comes() {
    use std::sync::{Arc, Mutex};

    use sip_dispatch::{Coming, Receiver};
    #[derive(Default)]
    struct Hears(Mutex<Vec<String>>);
    impl Receiver for Hears {
        fn receive(&self, _: &mut Exchange<'_>) -> Verdict {
            Verdict::Pass
        }
        fn prepare(&self, coming: &Coming<'_>) {
            let mut heard = self.0.lock().unwrap();
            heard.extend(coming.addresses().iter().map(|to| String::from_utf8_lossy(to.uri).into_owned()));
        }
    }
    let (first, second) = (Arc::new(Hears::default()), Arc::new(Hears::default()));
    let inner = ReceiveChain::new([Link::new(second.clone())]);
    let to = |user: &str| format!("REGISTER sip:x SIP/2.0\r\nTo: <sip:{user}@x>\r\n\r\n");
    let (alice, bob) = (to("alice"), to("bob"));
    chain([Link::new(first.clone()), Link::new(inner)]).prepare(&[alice.as_bytes(), b"\r\n", bob.as_bytes()]);
    for heard in [first, second] {
        assert_eq!(*heard.0.lock().unwrap(), ["sip:alice@x", "sip:bob@x"]);
    }
}
