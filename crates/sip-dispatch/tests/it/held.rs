//! Answers that are written before a store has kept what they tell of.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use sip_dispatch::{
    Answer, Config, Dispatcher, Gate, Hold, Link, Reason, ReasonText, ReceiveChain, Share, Status, Verdict, reason,
};
use sip_message::HeaderId;
use sip_transport::{Destination, Flow, Peer, Transport};

use crate::harness::{CLIENT, Count, RequestText, Store, Worker, link, one, request, udp_from};

const KEPT: Reason = Reason::of(&ReasonText::new("kept", "The store keeps it."));
const LOST: Reason = Reason::of(&ReasonText::new("lost-on-the-way", "The store could not keep it."));

/// Something that many wait for.
#[derive(Default)]
struct Write(AtomicU8);

impl Write {
    fn ends(&self, well: bool) {
        self.0.store(if well { 1 } else { 2 }, Ordering::Relaxed);
    }
}

impl Gate for Write {
    fn poll(&self, _: &mut Context<'_>) -> Poll<bool> {
        match self.0.load(Ordering::Relaxed) {
            0 => Poll::Pending,
            well => Poll::Ready(well == 1),
        }
    }
}

/// A store whose changes wait for the write that is the current one.
#[derive(Clone, Default)]
struct Disk {
    current: Arc<Mutex<Arc<Write>>>,
    /// How many requests somebody else was told of.
    told: Count,
}

impl Disk {
    /// Ends the current write; what comes after waits for another.
    fn write(&self, well: bool) {
        std::mem::take(&mut *self.current.lock().unwrap()).ends(well);
    }

    fn keep<T: Send + 'static>(&self, value: T, lost: fn() -> T) -> Answer<T> {
        Answer::Held { value, hold: Hold::new(self.current.lock().unwrap().clone(), LOST), lost }
    }

    /// A link that keeps every request and answers.
    fn link(&self) -> Link {
        let disk = self.clone();
        link(move |ex| {
            ex.when(disk.keep(true, || false), &disk, |disk, ex, kept| {
                assert!(kept);
                ex.when_told(&disk.told, (), |told, (), _| told.add());
                Verdict::Handled(ex.refuse(Status::OK, KEPT))
            })
        })
    }
}

/// How requests ended, as a listener heard it.
type Heard = Arc<Mutex<Vec<(Option<u16>, Reason)>>>;

fn listening(links: impl IntoIterator<Item = Link>, config: Config) -> (Worker, Heard) {
    let heard = Heard::default();
    let hears = heard.clone();
    let dispatcher = Dispatcher::new(ReceiveChain::new(links), config, Share::WHOLE).on_outcome(move |outcome| {
        assert!(outcome.message.value(HeaderId::CallId).is_some());
        hears.lock().unwrap().push((outcome.status.map(Status::code), outcome.reason));
    });
    (Worker::driving(dispatcher), heard)
}

fn worker(disk: &Disk) -> Worker {
    Worker::new(ReceiveChain::new([disk.link()]))
}

fn numbered(n: usize) -> RequestText {
    request("INFO").set("CSeq", &format!("{n} INFO"))
}

#[test]
fn an_answer_leaves_when_its_write_has_ended_and_then_whoever_listens_is_told() {
    let disk = Disk::default();
    let (mut worker, heard) = listening([disk.link()], Config::default());
    for _ in 0..3 {
        assert_eq!(worker.udp(request("INFO")), [], "the repetitions are absorbed in silence");
    }
    assert_eq!((worker.poll(), disk.told.get(), heard.lock().unwrap().len()), (vec![], 0, 0));
    worker.pass(7);
    disk.write(true);
    let answer = one(worker.poll());
    assert_eq!((answer.code(), disk.told.get(), worker.waiting()), (200, 1, 0));
    assert_eq!(*heard.lock().unwrap(), [(Some(200), KEPT)]);
    assert_eq!(worker.answer(request("INFO")), answer, "it is remembered");
    let counters = worker.counters();
    assert_eq!((counters.pending, counters.absorbed_in_flight, counters.absorbed), (1, 2, 1));
}

#[test]
fn many_wait_with_one_future_and_leave_in_the_order_in_which_they_came() {
    let disk = Disk::default();
    let mut worker = worker(&disk);
    (1..=100).for_each(|n| assert_eq!(worker.udp(numbered(n)), []));
    assert_eq!(worker.waiting(), 1);
    // Those of the next write wait on.
    let first = disk.current.lock().unwrap().clone();
    *disk.current.lock().unwrap() = Arc::default();
    (101..=150).for_each(|n| assert_eq!(worker.udp(numbered(n)), []));
    assert_eq!(worker.waiting(), 2);
    let numbers = |answers: Vec<crate::harness::Response>| -> Vec<String> {
        answers.iter().map(|answer| answer.header(HeaderId::CSeq)).collect()
    };
    first.ends(true);
    assert_eq!(numbers(worker.poll()), (1..=100).map(|n| format!("{n} INFO")).collect::<Vec<_>>());
    disk.write(true);
    assert_eq!(numbers(worker.poll()), (101..=150).map(|n| format!("{n} INFO")).collect::<Vec<_>>());
}

#[test]
fn what_was_not_kept_is_refused_for_that_reason_and_nobody_hears_of_the_other_answer() {
    let disk = Disk::default();
    let (mut worker, heard) = listening([disk.link()], Config::default());
    assert_eq!(worker.udp(numbered(1)), []);
    assert_eq!(worker.udp(numbered(2)), []);
    disk.write(false);
    let refused = worker.poll();
    for (answer, cseq) in refused.iter().zip(["1 INFO", "2 INFO"]) {
        assert_eq!(
            (answer.status().as_str(), answer.header(HeaderId::CSeq).as_str()),
            ("503 Service Unavailable", cseq)
        );
        assert_eq!(answer.header(HeaderId::RetryAfter), "10");
    }
    assert_eq!((refused.len(), disk.told.get()), (2, 0));
    assert_eq!(*heard.lock().unwrap(), [(Some(503), LOST); 2]);
    assert_eq!(worker.answer(numbered(1)), refused[0], "it is remembered as any answer is");
    // The next write is another.
    assert_eq!(worker.udp(numbered(3)), []);
    disk.write(true);
    assert_eq!(one(worker.poll()).code(), 200);
}

#[test]
fn a_write_that_does_not_end_is_500_at_the_deadline_and_what_it_kept_is_told_all_the_same() {
    let disk = Disk::default();
    let (mut worker, heard) = listening([disk.link()], Config::default());
    assert_eq!(worker.udp(numbered(1)), []);
    worker.pass(19_999);
    assert_eq!(worker.udp(numbered(2)), []);
    assert_eq!(worker.tick(), []);
    worker.pass(1);
    // The second waits for the same write, which has been going on for too long.
    let lost = worker.tick();
    assert_eq!(lost.iter().map(crate::harness::Response::code).collect::<Vec<_>>(), [500, 500]);
    assert_eq!((worker.tick(), worker.answer(numbered(1))), (vec![], lost[0].clone()));
    assert_eq!((worker.counters().pending_lost, disk.told.get()), (2, 0));
    disk.write(true);
    assert_eq!((worker.poll(), disk.told.get()), (vec![], 2), "it has come to pass");
    assert_eq!(*heard.lock().unwrap(), [(Some(500), reason::PENDING_LOST); 2]);
}

#[test]
fn no_more_answers_are_held_than_requests_may_wait() {
    let disk = Disk::default();
    let mut worker = Worker::with(ReceiveChain::new([disk.link()]), Config { max_pending: 2, ..Config::default() });
    assert_eq!((worker.udp(numbered(1)), worker.udp(numbered(2))), (vec![], vec![]));
    let refused = worker.answer(numbered(3));
    assert_eq!((refused.code(), refused.header(HeaderId::RetryAfter).as_str()), (503, "10"));
    disk.write(true);
    assert_eq!((worker.poll().len(), disk.told.get()), (2, 3), "what was refused was kept all the same");
    assert_eq!(worker.udp(numbered(4)), [], "there is room again");
    assert_eq!(worker.udp(numbered(5)), []);
    // Nobody else waits for this write.
    disk.write(false);
    assert_eq!(worker.answer(numbered(6)).code(), 503);
    disk.write(true);
    assert_eq!((worker.poll().len(), disk.told.get()), (2, 4));
}

#[test]
fn a_link_may_pass_with_a_value_that_is_held_and_the_answer_of_another_waits() {
    let disk = Disk::default();
    let keeps = disk.clone();
    let passes = link(move |ex| ex.when(keeps.keep((), || ()), &(), |(), _, ()| Verdict::Pass));
    let says = link(|ex| Verdict::Handled(ex.refuse(Status::OK, KEPT)));
    let mut worker = Worker::new(ReceiveChain::new([passes, says]));
    assert_eq!(worker.udp(request("INFO")), []);
    disk.write(true);
    assert_eq!(one(worker.poll()).code(), 200);
}

#[test]
fn a_request_may_wait_for_a_store_before_and_after_its_answer_is_held() {
    let disk = Disk::default();
    let (before, after) = (Store::new(), Store::new());
    let ask = |store: &Store<()>| {
        let store = store.clone();
        link(move |ex| ex.when(store.ask(), &(), |(), _, ()| Verdict::Pass))
    };
    let keeps = disk.clone();
    let passes = link(move |ex| {
        ex.when(keeps.keep((), || ()), &keeps, |disk, ex, ()| {
            ex.when_told(&disk.told, (), |told, (), _| told.add());
            Verdict::Pass
        })
    });
    // It would be held twice: then it waits for the one and is held for the other.
    let links = [ask(&before), passes, disk.link(), ask(&after)];
    let mut worker = Worker::new(ReceiveChain::new(links));
    assert_eq!(worker.udp(request("INFO")), []);
    assert_eq!(worker.poll(), []);
    before.says(());
    assert_eq!(worker.poll(), []);
    disk.write(true);
    assert_eq!((worker.poll(), disk.told.get()), (vec![], 0));
    assert_eq!((one(worker.poll()).code(), disk.told.get()), (200, 2));
}

#[test]
fn a_held_answer_leaves_by_its_connection() {
    let disk = Disk::default();
    let mut worker = worker(&disk);
    assert_eq!(worker.tcp(request("INFO")), []);
    disk.write(true);
    let answer = one(worker.poll());
    assert!(matches!(answer.to, Destination::Stream(flow) if flow.slot == 7));
}

#[test]
fn answers_for_one_connection_leave_next_to_each_other() {
    let disk = Disk::default();
    let mut worker = worker(&disk);
    for (n, slot) in [7, 8, 7, 9, 8, 7].into_iter().enumerate() {
        let flow = Some(Flow { worker: 0, slot, generation: 1 });
        let peer = Peer { transport: Transport::Tcp, flow, ..udp_from(CLIENT) };
        assert_eq!(worker.receive(&numbered(n).bytes(), peer), []);
    }
    disk.write(true);
    let order: Vec<_> = worker.poll().iter().map(|answer| answer.header(HeaderId::CSeq)).collect();
    assert_eq!(order, ["0 INFO", "2 INFO", "5 INFO", "1 INFO", "4 INFO", "3 INFO"]);
}

#[test]
fn an_answer_that_is_held_can_be_waited_for_by_itself() {
    for (well, expected) in [(true, "kept"), (false, "lost")] {
        let disk = Disk::default();
        let mut told = disk.keep("kept", || "lost").map(str::to_owned).told();
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(told.as_mut().poll(&mut context).is_pending());
        disk.write(well);
        assert_eq!(told.as_mut().poll(&mut context), Poll::Ready(expected.to_owned()));
    }
}
