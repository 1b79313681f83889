//! A worker: one thread, its sockets, its [`Ingress`].
//!
//! Each socket has a task that waits for events. Whatever an event brings is done on the spot, under one borrow of the
//! [`Core`] and without awaiting: receive, hand up, send what was answered.

use std::cell::{Cell, RefCell, RefMut};
use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;
use tokio::io::Interest;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use crate::counters::WorkerCounters;
use crate::outbox::Promise;
use crate::pending::Inbox;
use crate::stream::{ConnectionLimits, READ_BUFFER, Table};
use crate::udp::{ANSWERS, BATCH, Datagram, Gather, Received, Receiver, Sender, UdpLeg};
#[cfg(feature = "ws")]
use crate::websocket;
use crate::{
    Clock, CloseCause, Destination, DrainSummary, Flow, FlowEvent, Inbound, Ingress, LegId, Now, Outbox, Peer,
    ServerConfig, StreamConfig, Tick, Timestamp, Transport, stun,
};

/// How often [`Ingress::on_tick`] is called.
const TICK: Duration = Duration::from_millis(TICK_MS);
const TICK_MS: u64 = 100;
/// How long answers leave by a UDP leg that has ended: longer than anything is waited for.
const RETIRE_MS: u64 = 30_000;
/// An outbox that holds more is sent before the next message is served.
const OUTBOX_LIMIT: usize = 256 << 10;

/// What the tasks of one worker share.
pub(crate) struct Worker<I: Ingress> {
    pub(crate) clock: Clock,
    pub(crate) counters: Arc<WorkerCounters>,
    pub(crate) streams: StreamConfig,
    pub(crate) limits: Arc<ConnectionLimits>,
    /// Something has ended that a drain waits for.
    pub(crate) ended: Notify,
    /// Pending work that is not polled yet.
    pub(crate) inbox: Inbox<I::Pending>,
    /// [`UdpConfig::gather`](crate::UdpConfig).
    gather: Duration,
    max_pending: usize,
    pending: Cell<usize>,
    draining: Cell<bool>,
    /// UDP legs that have ended and by which answers may still be due, each with when it is closed at the latest.
    retiring: RefCell<Vec<(LegId, Timestamp)>>,
    /// When its timers are due again.
    tick_due: Cell<Option<Timestamp>>,
    core: RefCell<Core<I>>,
}

/// What changes while messages are served; borrowed for one batch, never while waiting.
pub(crate) struct Core<I> {
    pub(crate) service: Service<I>,
    /// What was read from a stream last.
    pub(crate) scratch: Box<[u8]>,
    /// What stands in it, where it was protected.
    pub(crate) plain: Vec<u8>,
    receiver: Receiver,
}

/// The layer above, with all that it takes for its answers to leave.
pub(crate) struct Service<I> {
    ingress: I,
    pub(crate) out: Outbox,
    pub(crate) connections: Table,
    udp_legs: Vec<Rc<UdpLeg>>,
    sender: Sender,
    counters: Arc<WorkerCounters>,
    write_queue: usize,
}

/// The layer above panicked; it was counted, and what it was called for is dropped.
#[derive(Debug)]
pub(crate) struct Panicked;

impl<I: Ingress> Service<I> {
    /// Hands a message up.
    fn message(&mut self, rx: Inbound<'_>) -> Result<Option<I::Pending>, Panicked> {
        self.counters.messages.up();
        let now = rx.now;
        let result = self.guarded(|ingress, out| ingress.on_message(rx, out));
        self.flush_if_full(now);
        result
    }

    /// Announces what will be handed up.
    fn prepare<'a>(&mut self, datagrams: impl Iterator<Item = Datagram<'a>>) {
        let whole: SmallVec<[&[u8]; BATCH]> = datagrams.filter_map(Datagram::whole).collect();
        // After a panic, which has been counted, they are handed up as if nothing had been said.
        let _ = self.guarded(|ingress, _| ingress.prepare(&whole));
    }

    /// Hands up what pending work has ended with, and gives what is to be waited for next.
    pub(crate) fn resume(&mut self, done: I::Resume, now: Now) -> Option<I::Pending> {
        // After a panic, which has been counted, nothing follows.
        let next = self.guarded(|ingress, out| ingress.resume(done, now, out)).unwrap_or_default();
        self.flush_if_full(now);
        next
    }

    /// Hands up what has become of a connection.
    pub(crate) fn flow_event(&mut self, peer: &Peer, event: FlowEvent, now: Now) {
        // A panic has been counted, and there is nothing else to drop.
        let _ = self.guarded(|ingress, out| ingress.on_flow(peer, event, now, out));
    }

    fn guarded<T>(&mut self, call: impl FnOnce(&mut I, &mut Outbox) -> T) -> Result<T, Panicked> {
        let Self { ingress, out, .. } = self;
        // What the ingress leaves behind is its own affair; the outbox is sound at any point.
        catch_unwind(AssertUnwindSafe(|| call(ingress, out))).map_err(|_| {
            self.counters.panics.up();
            Panicked
        })
    }

    fn flush_if_full(&mut self, now: Now) {
        if self.out.size() > OUTBOX_LIMIT {
            self.flush(now);
        }
    }

    /// Sends those answers that leave as datagrams.
    fn send_datagrams(&mut self) {
        let legs = &self.udp_legs;
        let datagram = |(to, bytes)| match to {
            Destination::Datagram { leg, remote } => Some((leg, remote, bytes)),
            Destination::Stream(_) => None,
        };
        let mut datagrams = self.out.iter().filter_map(datagram).peekable();
        // Streams do not pay for what many datagrams need.
        if datagrams.peek().is_none() {
            return;
        }
        let sent = self.sender.send(datagrams, |id| legs.iter().find(|leg| leg.id == id).map(|leg| leg.socket.as_fd()));
        self.counters.datagrams_sent.add(sent.sent);
        self.counters.datagrams_dropped.add(sent.dropped);
        self.counters.datagrams_failed.add(sent.failed);
    }

    /// Sends all that was answered, and waits for nothing.
    pub(crate) fn flush(&mut self, now: Now) {
        for promise in self.out.take_promises() {
            match promise {
                Promise::Made(flow) => {
                    if let Some(connection) = self.connections.get_mut(flow) {
                        connection.pending += 1;
                    }
                }
                Promise::Kept(flow) => {
                    if let Some(connection) = self.connections.get_mut(flow) {
                        connection.pending_ended();
                    }
                }
            }
        }
        if self.out.is_empty() {
            return;
        }
        self.send_datagrams();
        for run in self.out.stream_runs() {
            match self.connections.get_mut(run.flow) {
                #[cfg(feature = "ws")]
                Some(connection) if connection.takes_answers() && connection.content.is_framed() => {
                    let mut framed = Vec::with_capacity(run.joined().len() + 16);
                    run.each().for_each(|message| websocket::write_message(message, &mut framed));
                    connection.send(&framed, self.write_queue, now.at);
                }
                Some(connection) if connection.takes_answers() => {
                    connection.send(run.joined(), self.write_queue, now.at);
                }
                _ => self.counters.messages_without_flow.add(run.len()),
            }
        }
        self.out.clear();
    }
}

impl<I: Ingress + 'static> Worker<I> {
    pub(crate) fn new(
        id: u16,
        ingress: I,
        config: &ServerConfig,
        limits: Arc<ConnectionLimits>,
        counters: Arc<WorkerCounters>,
    ) -> Rc<Self> {
        // The low bits of the milliseconds since 1970: no two runs begin alike.
        let [.., a, b, c, d] = config.clock.timestamp().0.to_be_bytes();
        let service = Service {
            ingress,
            out: Outbox::new(),
            connections: Table::new(id, u32::from_be_bytes([a, b, c, d])),
            udp_legs: Vec::new(),
            sender: Sender::new(&config.udp),
            counters: Arc::clone(&counters),
            write_queue: config.streams.write_queue,
        };
        let scratch = vec![0; READ_BUFFER].into_boxed_slice();
        Rc::new(Self {
            clock: config.clock,
            counters,
            streams: config.streams.clone(),
            limits,
            ended: Notify::new(),
            inbox: Inbox::new(),
            gather: config.udp.gather,
            max_pending: config.pending,
            pending: Cell::new(0),
            draining: Cell::new(false),
            retiring: RefCell::default(),
            tick_due: Cell::new(None),
            core: RefCell::new(Core { service, scratch, plain: Vec::new(), receiver: Receiver::new(&config.udp) }),
        })
    }

    pub(crate) fn core(&self) -> RefMut<'_, Core<I>> {
        self.core.borrow_mut()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// Hands a message up, and sees to what is left to wait for.
    pub(crate) fn serve(&self, service: &mut Service<I>, rx: Inbound<'_>) -> Result<(), Panicked> {
        let origin = rx.peer.flow;
        let Some(work) = service.message(rx)? else { return Ok(()) };
        if self.pending.get() >= self.max_pending {
            self.counters.pending_dropped.up();
            return Ok(());
        }
        self.counters.pending_started.up();
        self.pending.set(self.pending.get() + 1);
        if let Some(connection) = origin.and_then(|flow| service.connections.get_mut(flow)) {
            connection.pending += 1;
        }
        self.inbox.put(work, origin);
        Ok(())
    }

    /// A piece of pending work that came from `origin` has ended, in whatever way.
    pub(crate) fn end_pending(&self, service: &mut Service<I>, origin: Option<Flow>) {
        self.pending.set(self.pending.get().saturating_sub(1));
        if let Some(connection) = origin.and_then(|flow| service.connections.get_mut(flow)) {
            connection.pending_ended();
        }
        if self.pending.get() == 0 {
            self.ended.notify_one();
        }
    }

    /// Serves one batch of datagrams, and says how many it was. Where more are there, answers may not have left yet.
    pub(crate) fn serve_datagrams(&self, leg: &UdpLeg) -> (Received, usize) {
        let mut core = self.core();
        let Core { service, receiver, .. } = &mut *core;
        let received = receiver.receive(leg);
        let now = self.clock.now();
        let Ok(received) = received else {
            self.counters.datagram_errors.up();
            service.flush(now);
            return (Received::Drained, 0);
        };
        let datagrams = receiver.datagrams();
        let count = datagrams.len();
        if count > 1 {
            service.prepare(receiver.datagrams());
        }
        for datagram in datagrams {
            self.counters.datagrams_received.up();
            match datagram {
                Datagram::Truncated => self.counters.datagrams_truncated.up(),
                Datagram::Whole(bytes, _) if is_keepalive(bytes) => self.counters.keepalives.up(),
                Datagram::Whole(bytes, remote) if stun::is_stun(bytes) => {
                    let mut answer = service.out.begin();
                    if stun::answer(bytes, remote, answer.buffer()) {
                        answer.send(Destination::Datagram { leg: leg.id, remote });
                        self.counters.stun_answered.up();
                    } else {
                        self.counters.stun_ignored.up();
                    }
                }
                Datagram::Whole(bytes, remote) => {
                    let peer = Peer { leg: leg.id, transport: Transport::Udp, remote, local: leg.local, flow: None };
                    // After a panic the next datagram is served like any other.
                    let _ = self.serve(service, Inbound { bytes, peer, now });
                }
            }
        }
        // While more comes at once, answers wait for each other: the more of them leave together, the more have one address.
        if received == Received::Drained || service.out.len() + BATCH > ANSWERS {
            service.flush(now);
        }
        (received, count)
    }

    /// Counts how much later than due its timers are looked after.
    fn note_lateness(&self) {
        let now = self.clock.now().at;
        if let Some(due) = self.tick_due.replace(Some(now.plus_millis(TICK_MS))) {
            self.counters.tick_lateness_ms.add(now.0.saturating_sub(due.0));
        }
    }

    fn tick(&self) -> Tick {
        let now = self.clock.now();
        self.counters.pulse.up();
        let service = &mut self.core().service;
        let tick = service.guarded(|ingress, out| ingress.on_tick(now, out)).unwrap_or(Tick::Done);
        service.flush(now);
        self.close_retired(service, now.at);
        tick
    }

    /// Sends what is answered to this leg by its socket.
    pub(crate) fn answer_by(&self, leg: &Rc<UdpLeg>) {
        self.core().service.udp_legs.push(Rc::clone(leg));
    }

    /// Closes a leg that is read no more once all that is pending has ended.
    pub(crate) fn retire(&self, leg: LegId) {
        let now = self.clock.timestamp();
        self.retiring.borrow_mut().push((leg, now.plus_millis(RETIRE_MS)));
        self.close_retired(&mut self.core().service, now);
    }

    fn close_retired(&self, service: &mut Service<I>, now: Timestamp) {
        let mut retiring = self.retiring.borrow_mut();
        let is_over = |due: Timestamp| self.pending.get() == 0 || due <= now;
        for (leg, _) in retiring.extract_if(.., |(_, due)| is_over(*due)) {
            service.udp_legs.retain(|other| other.id != leg);
        }
    }

    /// Lets every connection finish what has arrived.
    pub(crate) fn begin_drain(&self) {
        self.draining.set(true);
        let connections = &mut self.core().service.connections;
        for flow in connections.flows() {
            if let Some(connection) = connections.get_mut(flow) {
                connection.nudge();
            }
        }
    }

    /// Waits until there are neither connections nor pending work.
    pub(crate) async fn idle(&self) {
        while self.pending.get() > 0 || !self.core().service.connections.is_empty() {
            self.ended.notified().await;
        }
    }

    /// Ends what is still there.
    pub(crate) fn cut(&self) -> DrainSummary {
        self.core().service.flush(self.clock.now());
        let flows = self.core().service.connections.flows();
        let mut unsent_bytes = 0;
        for flow in &flows {
            unsent_bytes += self.core().service.connections.get_mut(*flow).map_or(0, |connection| connection.unsent());
            self.close(*flow, CloseCause::Drain);
        }
        DrainSummary { connections: flows.len(), unsent_bytes, pending: self.pending.get() }
    }
}

/// Serves a UDP leg for ever.
pub(crate) async fn serve_udp<I: Ingress + 'static>(worker: Rc<Worker<I>>, leg: Rc<UdpLeg>) {
    let mut gather = Gather::new(worker.gather);
    let mut served = 0;
    loop {
        // An error of readiness means that the runtime ends, and this task with it.
        let _ = poll_fn(|cx| leg.socket.poll_recv_ready(cx)).await;
        let mut received = Received::Drained;
        let batch = || {
            let count;
            (received, count) = worker.serve_datagrams(&leg);
            served += count;
            // Told that the socket is empty, tokio waits for the next event without one more call.
            if received == Received::More { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
        };
        // What it says is in `received`.
        let _ = leg.socket.try_io(Interest::READABLE, batch);
        if received == Received::More {
            tokio::task::yield_now().await;
            continue;
        }
        if let Some(patience) = gather.patience(std::mem::take(&mut served), worker.clock.timestamp()) {
            // The whole worker sleeps: as long as it waits for sockets, the next datagram would wake it.
            std::thread::sleep(patience);
        }
    }
}

/// Calls [`Ingress::on_tick`] for ever.
pub(crate) async fn tick<I: Ingress + 'static>(worker: Rc<Worker<I>>) {
    let mut every = interval(TICK);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        worker.note_lateness();
        while worker.tick() == Tick::More {
            // The sockets are polled before this goes on.
            tokio::task::yield_now().await;
        }
    }
}

/// A datagram of nothing but line ends, or of nothing: a keepalive that expects no answer.
fn is_keepalive(datagram: &[u8]) -> bool {
    datagram.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
}
