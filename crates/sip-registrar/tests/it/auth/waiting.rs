//! Users who are somewhere else.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use sip_dispatch::{Answer, Config, Dispatcher, Share};
use sip_message::HeaderId;
use sip_registrar::auth::{Credentials, Found, Unavailable, UserTable, Wanted};
use sip_transport::{Inbound, Ingress, Now, Outbox};

use super::*;
use crate::harness::{START, local_peer};

/// A store that answers when it is polled for the second time; it counts how often it was asked, and polled.
struct Slow {
    users: UserTable,
    down: Mutex<bool>,
    asked: AtomicUsize,
    polled: Arc<AtomicUsize>,
}

impl Credentials for Slow {
    fn find(&self, wanted: &Wanted<'_>) -> Answer<Found> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let Answer::Now(found) = self.users.find(wanted) else { panic!("a table answers at once") };
        let found = if *self.down.lock().unwrap() { Err(Unavailable { retry_after: 7 }) } else { found };
        let polled = self.polled.clone();
        let mut found = Some(found);
        Answer::Later(Box::pin(std::future::poll_fn(move |_| match polled.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => Poll::Pending,
            _ => Poll::Ready(found.take().unwrap()),
        })))
    }
}

struct Waiting {
    dispatcher: Dispatcher,
    out: Outbox,
    branch: u32,
    store: Arc<Slow>,
}

impl Waiting {
    fn new() -> Self {
        let store = Arc::new(Slow {
            users: users(),
            down: Mutex::new(false),
            asked: AtomicUsize::new(0),
            polled: Arc::default(),
        });
        let registrar = builder().build().unwrap();
        let link = Authorize::builder().credentials(store.clone()).domains(["example.com"]).next_nonce(true);
        let chain = chain(&registrar, link.build().unwrap().into());
        let dispatcher = Dispatcher::new(chain, Config::default(), Share::WHOLE);
        Self { dispatcher, out: Outbox::new(), branch: 0, store }
    }

    fn send(&mut self, request: &Request) -> Response {
        self.branch += 1;
        let text = request.text(self.branch);
        let now = Now::from_millis(START);
        let rx = Inbound { bytes: text.as_bytes(), peer: local_peer(), now };
        let mut pending = self.dispatcher.on_message(rx, &mut self.out);
        // A store that is waited for answers at the second poll.
        for _ in 0..4 {
            let Some(waiting) = pending.take() else { break };
            let mut waiting = pin!(waiting);
            let mut context = Context::from_waker(Waker::noop());
            assert!(waiting.as_mut().poll(&mut context).is_pending());
            let Poll::Ready(done) = waiting.poll(&mut context) else { panic!("it waits for ever") };
            pending = self.dispatcher.resume(done, now, &mut self.out);
        }
        let answer = self.out.iter().map(|(_, bytes)| Response::new(bytes)).next().expect("an answer");
        self.out.clear();
        answer
    }

    fn asked(&self) -> usize {
        self.store.asked.load(Ordering::Relaxed)
    }
}

#[test]
fn a_store_that_answers_later_decides_as_one_that_answers_at_once() {
    let mut server = Waiting::new();
    let challenge = challenges(&server.send(&contact("a")));
    assert_eq!(server.asked(), 0, "a challenge asks nobody");
    let response = server.send(&with(contact("a").cseq(2), &phone("alice").answer(&challenge)));
    assert_eq!((response.code(), server.asked()), (200, 1));
    assert_eq!(response.lines(HeaderId::AuthenticationInfo).len(), 1, "what was found out is kept over the wait");
    let again = server.send(&with(contact("a").cseq(3), &phone("alice").answer(&challenge)));
    assert!(challenges(&again)[0].stale);
    let wrong = Phone { password: "guess".to_owned(), nc: Some(2), ..phone("alice") };
    assert_eq!(server.send(&with(contact("a").cseq(4), &wrong.answer(&challenge))).code(), 401);
    let bob = Phone { nc: Some(3), ..phone("bob") };
    assert_eq!(server.send(&with(contact("a").cseq(5), &bob.answer(&challenge))).code(), 403);
}

#[test]
fn a_store_that_is_down_is_answered_503_and_when_to_come_again() {
    let mut server = Waiting::new();
    let challenge = challenges(&server.send(&contact("a")));
    *server.store.down.lock().unwrap() = true;
    let request = with(contact("a").cseq(2), &phone("alice").answer(&challenge));
    let response = server.send(&request);
    assert_eq!(response.code(), 503);
    assert_eq!(response.lines(HeaderId::RetryAfter), ["7"]);
    *server.store.down.lock().unwrap() = false;
    // The nonce was not used up.
    assert_eq!(server.send(&request.cseq(3)).code(), 200);
}

#[test]
fn nobody_waits_for_a_nonce_that_is_not_ours() {
    let mut server = Waiting::new();
    let challenge = challenges(&server.send(&contact("a")));
    let foreign = [Challenged { nonce: "x".repeat(40), ..challenge[0].clone() }];
    let response = server.send(&with(contact("a").cseq(2), &phone("alice").answer(&foreign)));
    assert!(!challenges(&response)[0].stale);
    assert_eq!(server.store.polled.load(Ordering::Relaxed), 0);
}
