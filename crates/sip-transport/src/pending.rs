//! Pending work: what waits for somebody else, polled beside the sockets.
//!
//! One task of each worker polls all of it. A thousand pieces that a store has made ready together wake it once, and
//! their answers leave together.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, Stream, StreamExt};

use crate::worker::Worker;
use crate::{Flow, Ingress};

/// How many pieces are resumed before the sockets have their turn: two batches of datagrams.
const RESUMES_PER_TURN: usize = 64;

/// Pending work on its way to the task that polls it.
pub(crate) struct Inbox<W> {
    new: RefCell<Vec<Piece<W>>>,
    task: Cell<Option<Waker>>,
}

/// A piece of pending work, or its result, with the connection that its message came by.
type Piece<W> = (W, Option<Flow>);

impl<W> Inbox<W> {
    pub(crate) fn new() -> Self {
        Self { new: RefCell::default(), task: Cell::default() }
    }

    pub(crate) fn put(&self, work: W, origin: Option<Flow>) {
        self.new.borrow_mut().push((work, origin));
        if let Some(task) = self.task.take() {
            task.wake();
        }
    }

    /// Hands all of it to `take`; the task is woken when more comes.
    fn empty(&self, cx: &Context<'_>, take: impl FnMut(Piece<W>)) {
        self.new.borrow_mut().drain(..).for_each(take);
        self.task.set(Some(cx.waker().clone()));
    }
}

/// Polls pending work, and what follows from it, for ever.
pub(crate) async fn serve_pending<I: Ingress + 'static>(worker: Rc<Worker<I>>) {
    let mut waiting = FuturesUnordered::new();
    loop {
        poll_fn(|cx| {
            worker.inbox.empty(cx, |(work, origin)| {
                // It costs one message if it panics.
                let work = AssertUnwindSafe(work).catch_unwind();
                waiting.push(async move { (work.await.ok(), origin) });
            });
            worker.resume_ready(&mut waiting, cx)
        })
        .await;
        tokio::task::yield_now().await;
    }
}

impl<I: Ingress + 'static> Worker<I> {
    /// Resumes what is ready and sends what is answered. Ready itself if there may be more.
    fn resume_ready(
        &self,
        waiting: &mut (impl Stream<Item = Piece<Option<I::Resume>>> + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let mut turn = Poll::Ready(());
        let now = self.clock.now();
        let service = &mut self.core().service;
        for _ in 0..RESUMES_PER_TURN {
            let Poll::Ready(Some((done, origin))) = waiting.poll_next_unpin(cx) else {
                turn = Poll::Pending;
                break;
            };
            if done.is_none() {
                self.counters.panics.up();
            }
            match done.and_then(|done| service.resume(done, now)) {
                Some(next) => self.inbox.put(next, origin),
                None => self.end_pending(service, origin),
            }
        }
        service.flush(now);
        turn
    }
}
