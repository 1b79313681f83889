//! A store that does not answer at once leads to the same answers.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use sip_dispatch::{Answer, Config, Dispatcher, Link, ReceiveChain, Share};
use sip_registrar::{
    Aor, LocationService, MemoryLocation, Page, Plan, Record, Redirect, RegisterError, Registered, Removal, StoreError,
};
use sip_transport::{Flow, Inbound, Ingress, Now, Outbox, Timestamp};

use crate::harness::{Change, START, Told, builder, local_peer, register};

/// A table that makes everybody wait for one turn.
struct Slow(MemoryLocation);

fn later<T: Send + Unpin + 'static>(answer: Answer<T>) -> Answer<T> {
    let Answer::Now(value) = answer else { return answer };
    let mut value = Some(value);
    let mut turns = 0;
    Answer::Later(Box::pin(poll_fn(move |_| {
        turns += 1;
        if turns == 1 { Poll::Pending } else { Poll::Ready(value.take().expect("polled once more")) }
    })))
}

impl LocationService for Slow {
    fn register(&self, aor: &Aor<'_>, plan: &Plan<'_>, now: Now) -> Answer<Result<Registered, RegisterError>> {
        later(self.0.register(aor, plan, now))
    }
    fn lookup(&self, aor: &Aor<'_>, now: Now) -> Answer<Result<Option<Record>, StoreError>> {
        later(self.0.lookup(aor, now))
    }
    fn remove(&self, aor: &Aor<'_>, which: Removal<'_>, now: Now) -> Answer<Result<Registered, StoreError>> {
        later(self.0.remove(aor, which, now))
    }
    fn flow_lost(
        &self,
        aor: &Aor<'_>,
        flow: Flow,
        until: Timestamp,
        now: Now,
    ) -> Answer<Result<Registered, StoreError>> {
        later(self.0.flow_lost(aor, flow, until, now))
    }
    fn scan(&self, after: Option<&[u8]>, limit: usize) -> Answer<Result<Page, StoreError>> {
        later(self.0.scan(after, limit))
    }
    fn sweep(&self, now: Now, share: Share, budget: usize, told: &mut dyn FnMut(&Record, Option<&Record>)) -> usize {
        self.0.sweep(now, share, budget, told)
    }
}

#[test]
fn whoever_waits_is_answered_when_the_store_has_spoken() {
    let told = Told::default();
    let location = Arc::new(Slow(MemoryLocation::default()));
    let registrar = builder().location(location).observer(Arc::new(told.clone())).build().unwrap();
    let chain = ReceiveChain::new([Link::from(registrar.clone()), Redirect::new(registrar.clone()).into()]);
    let mut dispatcher = Dispatcher::new(chain, Config::default(), Share::WHOLE);
    let (mut outbox, now) = (Outbox::new(), Now::from_millis(START));
    let invite = register("invite").line("INVITE sip:alice@example.com SIP/2.0");
    for (n, request, status, reason) in [
        (1, register("a").cseq(5).contact("<sip:a@h>").expires("60"), "SIP/2.0 200 OK", Some("registered")),
        (2, register("a").cseq(4).contact("<sip:a@h>"), "SIP/2.0 500 CSeq Out Of Order", None),
        (3, invite, "SIP/2.0 302 Moved Temporarily", None),
        (4, register("a").cseq(6).contact("*").expires("0"), "SIP/2.0 200 OK", Some("removed")),
    ] {
        let text = request.text(n);
        let rx = Inbound { bytes: text.as_bytes(), peer: local_peer(), now };
        let mut pending = Box::pin(dispatcher.on_message(rx, &mut outbox).expect("it waits"));
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::as_mut(&mut pending).poll(&mut context).is_pending() && outbox.is_empty());
        assert_eq!(told.take(), [], "nothing is told before it is accepted");
        let Poll::Ready(done) = Pin::as_mut(&mut pending).poll(&mut context) else { panic!("it is ready") };
        assert!(dispatcher.resume(done, now, &mut outbox).is_none());
        let answer = String::from_utf8(outbox.last().unwrap().1.to_vec()).unwrap();
        assert_eq!(answer.lines().next(), Some(status));
        assert_eq!(told.take().iter().map(|change: &Change| change.why).next(), reason);
        outbox.clear();
    }
}
