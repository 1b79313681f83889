//! From bytes to the receive chain and back.

use std::fmt;
use std::sync::Arc;

use sip_message::header::Via;
use sip_message::{Framing, HeaderId, Index, Message, Method, Request};
use sip_transport::{FlowEvent, Inbound, Ingress, Now, Outbox, Peer, Tick};

use crate::absorb::{Absorber, Seen};
use crate::identity::Carried;
use crate::pending::{Ticket, Waiting, WaitingRoom};
use crate::route::response_route;
use crate::transaction::{Keys, TransactionKey};
use crate::{
    Config, Counters, Deferred, Exchange, Identity, Pending, Reason, ReceiveChain, Receiver, Resume, Share, Status,
    Verdict, reason, unreadable,
};

/// How many remembered answers a tick forgets at most.
const EXPIRE_BUDGET: usize = 10_000;
/// How many waiting requests a tick answers with 500 at most.
const OVERDUE_BUDGET: usize = 500;
/// When to come again, in seconds, if too many wait.
const RETRY_AFTER: u32 = 10;

/// How a request ended, for whoever logs or counts.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// The request.
    pub message: Message<'a>,
    /// Its method; empty if the request line cannot be read.
    pub method: Method<'a>,
    /// Who sent it.
    pub peer: &'a Peer,
    /// When it ended.
    pub now: Now,
    /// Who has proved to have sent it, if somebody has.
    pub identity: Option<&'a Identity<'a>>,
    /// What was answered; `None` if nothing was.
    pub status: Option<Status>,
    /// Why.
    pub reason: Reason,
}

type Listener = Arc<dyn Fn(&Outcome<'_>) + Send + Sync>;

/// One worker's dispatcher: drives requests through a chain that all workers share.
pub struct Dispatcher {
    index: Index,
    core: Core,
}

struct Core {
    chain: ReceiveChain,
    config: Config,
    share: Share,
    absorber: Absorber,
    room: WaitingRoom,
    keys: Keys,
    counters: Arc<Counters>,
    listener: Option<Listener>,
}

impl Dispatcher {
    /// A dispatcher of the worker that `share` names.
    #[must_use]
    pub fn new(chain: ReceiveChain, config: Config, share: Share) -> Self {
        let absorber = Absorber::new(config.absorb_bytes);
        let core = Core {
            chain,
            config,
            share,
            absorber,
            room: WaitingRoom::default(),
            keys: Keys::default(),
            counters: Arc::default(),
            listener: None,
        };
        Self { index: Index::new(), core }
    }

    /// Calls `listener` at the end of every request that was not absorbed. It runs on the worker's thread.
    #[must_use]
    pub fn on_outcome(mut self, listener: impl Fn(&Outcome<'_>) + Send + Sync + 'static) -> Self {
        self.core.listener = Some(Arc::new(listener));
        self
    }

    /// The counters, to be read from other threads.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        self.core.counters.clone()
    }
}

impl Ingress for Dispatcher {
    type Pending = Pending;
    type Resume = Resume;

    fn on_message(&mut self, rx: Inbound<'_>, out: &mut Outbox) -> Option<Pending> {
        let Self { index, core } = self;
        if core.config.throttle.as_ref().is_some_and(|throttle| !throttle.admits(rx.peer.remote.ip(), rx.now.at)) {
            core.counters.throttled.add();
            return None;
        }
        let Ok(message) = index.read(rx.bytes, framing(&rx.peer)) else {
            core.counters.too_long.add();
            return None;
        };
        core.on_message(message, rx.peer, rx.now, out)
    }

    fn resume(&mut self, done: Resume, now: Now, out: &mut Outbox) -> Option<Pending> {
        // It may have been answered with 500 meanwhile.
        let waiting = self.core.room.leave(done.ticket)?;
        self.go_on(waiting, Turn::Resumed(done.ticket, done.deferred), now, out)
    }

    /// What waits for a store waits on, since its change may come to pass; the answer goes nowhere.
    fn on_flow(&mut self, peer: &Peer, event: FlowEvent, now: Now, _out: &mut Outbox) {
        self.core.chain.flow(peer, event, now);
    }

    fn on_tick(&mut self, now: Now, out: &mut Outbox) -> Tick {
        for _ in 0..OVERDUE_BUDGET {
            let Some(waiting) = self.core.room.overdue(now.at) else { break };
            self.core.counters.pending_lost.add();
            // Who is overdue waits no more.
            drop(self.go_on(waiting, Turn::Overdue, now, out));
        }
        let more_to_forget = self.core.absorber.expire(now.at, EXPIRE_BUDGET);
        let chain = self.core.chain.tick(now, self.core.share);
        if more_to_forget || self.core.room.has_overdue(now.at) { Tick::More } else { chain }
    }
}

impl Dispatcher {
    /// Goes on with a request that has waited.
    fn go_on(&mut self, waiting: Waiting, turn: Turn, now: Now, out: &mut Outbox) -> Option<Pending> {
        let Waiting { bytes, peer, key, carried } = waiting;
        let message = self.index.read(&bytes, framing(&peer)).ok()?;
        let via = top_via(message)?;
        let next = self.core.take_turn(Arrived { message, via, peer, now, key, carried }, turn, out);
        self.core.room.give_back(bytes);
        next
    }
}

fn framing(peer: &Peer) -> Framing {
    // A message of WebSocket has its bounds, as a datagram has (RFC 7118 §5).
    if peer.flow.is_some() && !peer.transport.is_websocket() { Framing::Stream } else { Framing::Datagram }
}

fn top_via(message: Message<'_>) -> Option<Via<'_>> {
    message.list::<Via<'_>>(HeaderId::Via).next()?.ok()
}

/// A request that may be answered.
struct Arrived<'a> {
    message: Message<'a>,
    via: Via<'a>,
    peer: Peer,
    now: Now,
    key: TransactionKey,
    carried: Carried<'a>,
}

/// What is done with a request now.
enum Turn {
    /// It is shown to the chain.
    First,
    /// What it waited for is there.
    Resumed(Ticket, Deferred),
    /// It has waited too long.
    Overdue,
}

impl Core {
    fn on_message(&mut self, message: Message<'_>, peer: Peer, now: Now, out: &mut Outbox) -> Option<Pending> {
        let counters = &self.counters;
        if message.looks_like_response() {
            counters.stray_responses.add();
            return None;
        }
        if is_ack(message) {
            counters.acks.add();
            return None;
        }
        if message.request().is_none() && message.value(HeaderId::CSeq).is_none() {
            counters.junk.add();
            return None;
        }
        let Some(via) = top_via(message) else {
            counters.no_via.add();
            return None;
        };
        let key = self.keys.transaction(message, &via, &peer);
        if peer.flow.is_none() {
            match self.absorber.find(key, now.at) {
                Seen::Never => {}
                Seen::InFlight => {
                    counters.absorbed_in_flight.add();
                    return None;
                }
                Seen::Answered(bytes) => {
                    counters.absorbed.add();
                    out.send(response_route(&via, &peer, self.config.route).0, bytes);
                    return None;
                }
            }
        }
        counters.requests.add();
        let carried = Carried::default();
        self.take_turn(Arrived { message, via, peer, now, key, carried }, Turn::First, out)
    }

    /// Takes a request one step on: to its end, or to where it has to wait.
    fn take_turn(&mut self, arrived: Arrived<'_>, turn: Turn, out: &mut Outbox) -> Option<Pending> {
        let Arrived { message, via, peer, now, key, carried } = arrived;
        let before = out.len();
        let mut ex = Exchange {
            message,
            request: message.request().unwrap_or(UNREADABLE),
            via,
            peer,
            now,
            key,
            keys: &self.keys,
            config: &self.config,
            out: &mut *out,
            carried,
            sealed: None,
            stateless: false,
            contradicted: false,
        };
        let mut ticket = None;
        let verdict = match turn {
            Turn::First => match unreadable::refuse(&mut ex) {
                Some(sealed) => Verdict::Handled(sealed),
                None => self.chain.receive(&mut ex),
            },
            Turn::Resumed(its, deferred) => {
                ticket = Some(its);
                deferred.go_on(&mut ex)
            }
            Turn::Overdue => Verdict::Handled(ex.refuse(Status::INTERNAL_ERROR, reason::PENDING_LOST)),
        };
        let sealed = match (ex.sealed, verdict) {
            // What has been answered is answered, whatever the link says.
            (Some(sealed), _) => sealed,
            (None, Verdict::Pending(deferred)) if self.room.len() < self.config.max_pending => {
                // Who waits a second time keeps the deadline of the first.
                let ticket = ticket.unwrap_or_else(|| {
                    self.counters.pending.add();
                    self.room.ticket(now.at.plus_millis(self.config.pending_deadline_ms))
                });
                if peer.flow.is_none() {
                    self.absorber.begin(key);
                }
                let carried = ex.carried.into_owned();
                let bytes = self.room.copy(message.bytes());
                self.room.enter(ticket, Waiting { bytes, peer, key, carried });
                return Some(Pending::new(ticket, deferred));
            }
            (None, Verdict::Pending(_)) => ex.reply(Status::SERVICE_UNAVAILABLE, reason::TOO_MANY_PENDING, |answer| {
                answer.header(HeaderId::RetryAfter, RETRY_AFTER);
            }),
            (None, Verdict::Pass | Verdict::Handled(_)) => ex.refuse(Status::NOT_IMPLEMENTED, reason::UNANSWERED),
        };
        let stateless = ex.stateless;
        if ex.contradicted {
            self.counters.second_answers.add();
        }
        if let Some(listener) = &self.listener {
            let (status, reason) = (sealed.status(), sealed.reason());
            let (method, identity) = (ex.request.method, ex.carried.identity.as_ref());
            listener(&Outcome { message, method, peer: &peer, now, identity, status, reason });
        }
        if peer.flow.is_none() {
            match out.last().filter(|_| out.len() > before && !stateless) {
                Some((_, answer)) => self.absorber.answered(key, answer, now.at),
                None => self.absorber.forget(key),
            }
        }
        None
    }
}

/// What stands for a request line that cannot be read.
const UNREADABLE: Request<'_> = Request { method: Method::Other(b""), uri: b"", version_2: true };

/// An ACK is never answered (RFC 3261 §17), not even one whose request line is malformed behind the method.
fn is_ack(message: Message<'_>) -> bool {
    match message.request() {
        Some(request) => request.method == Method::Ack,
        None => matches!(message.bytes(), [b'A', b'C', b'K', b' ' | b'\t', ..]),
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("share", &self.core.share).field("waiting", &self.core.room.len()).finish()
    }
}
