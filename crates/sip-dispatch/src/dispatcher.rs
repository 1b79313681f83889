//! From bytes to the receive chain and back.

use std::cell::OnceCell;
use std::fmt;
use std::mem::take;
use std::sync::Arc;

use sip_message::header::Via;
use sip_message::{Framing, HeaderId, Index, Message, Method, Request};
use sip_transport::{FlowEvent, Inbound, Ingress, Now, Outbox, Peer, Tick, Timestamp};

use crate::absorb::{Absorber, Seen};
use crate::copies::Copies;
use crate::held::{Answer, Group, Held, HeldRoom};
use crate::identity::Carried;
use crate::parts::{FirstDigest, Parts};
use crate::pending::{Over, Ticket, Waiting, WaitingRoom};
use crate::refusal::Refusal;
use crate::route::response_route;
use crate::told::Told;
use crate::transaction::{Keys, TransactionKey};
use crate::{
    Coming, Config, Counters, Deferred, Exchange, Hold, Identity, Pending, Reason, ReceiveChain, Receiver, Resume,
    Rules, Sealed, Share, Status, Verdict, reason, unreadable,
};

/// How many remembered answers a tick forgets at most.
const EXPIRE_BUDGET: usize = 10_000;
/// How many waiting requests a tick answers with 500 at most.
const OVERDUE_BUDGET: usize = 500;

/// How a request ended, for whoever logs or counts.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// The request.
    pub message: Message<'a>,
    /// Its method; empty if the request line cannot be read.
    pub method: Method<'a>,
    /// Who sent it.
    pub peer: &'a Peer,
    /// When it was read; datagrams that come in one batch are read at one time.
    pub arrived: Timestamp,
    /// When it ended.
    pub now: Now,
    /// Who has proved to have sent it, if somebody has.
    pub identity: Option<&'a Identity<'a>>,
    /// What was answered; `None` if nothing was.
    pub status: Option<Status>,
    /// The same as it was written.
    pub answer: Option<&'a [u8]>,
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
    held: HeldRoom,
    copies: Copies,
    keys: Keys,
    counters: Arc<Counters>,
    listener: Option<Listener>,
    /// What it follows, and the edition that it has taken up.
    rules: Option<(Rules, u64)>,
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
            held: HeldRoom::default(),
            copies: Copies::default(),
            keys: Keys::default(),
            counters: Arc::default(),
            listener: None,
            rules: None,
        };
        Self { index: Index::new(), core }
    }

    /// The same with rules that can be replaced while it works.
    #[must_use]
    pub fn following(rules: &Rules, share: Share) -> Self {
        let (edition, chain, config) = rules.current();
        let mut dispatcher = Self::new(chain, config, share);
        dispatcher.core.rules = Some((rules.clone(), edition));
        dispatcher
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

    fn prepare(&mut self, messages: &[&[u8]]) {
        self.core.chain.prepare(&Coming::new(messages));
    }

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
        core.on_message(message, &rx.peer, rx.now, out)
    }

    fn resume(&mut self, done: Resume, now: Now, out: &mut Outbox) -> Option<Pending> {
        match done.0 {
            Over::One { ticket, deferred } => {
                // It may have been answered with 500 meanwhile.
                let waiting = self.core.room.leave(ticket)?;
                self.core.go_on(waiting, Turn::Resumed(ticket, deferred), now, out)
            }
            Over::Group { serial, may_leave } => {
                let group = self.core.held.leave(serial)?;
                self.core.tell(group, may_leave, now, out);
                None
            }
        }
    }

    /// What waits for a store waits on, since its change may come to pass; the answer goes nowhere.
    fn on_flow(&mut self, peer: &Peer, event: FlowEvent, now: Now, _out: &mut Outbox) {
        self.core.chain.flow(peer, event, now);
    }

    fn on_tick(&mut self, now: Now, out: &mut Outbox) -> Tick {
        self.core.follow();
        let more_overdue = self.core.answer_overdue(now, out);
        let more_to_forget = self.core.absorber.expire(now.at, EXPIRE_BUDGET);
        let chain = self.core.chain.tick(now, self.core.share);
        if more_to_forget || more_overdue { Tick::More } else { chain }
    }
}

fn framing(peer: &Peer) -> Framing {
    // A message of WebSocket has its bounds, as a datagram has (RFC 7118 §5).
    if peer.flow.is_some() && !peer.transport.is_websocket() { Framing::Stream } else { Framing::Datagram }
}

/// A request that may be answered.
struct Arrived<'a> {
    message: Message<'a>,
    request: Request<'a>,
    parts: Option<&'a Parts<'a>>,
    via: &'a Via<'a>,
    peer: &'a Peer,
    arrived: Timestamp,
    now: Now,
    key: TransactionKey,
    carried: Carried<'a>,
    /// Until when its answer is held, once there is one, and what is to be told then.
    hold: Option<Hold>,
    told: Told,
}

/// How a request was answered: by what was written into `out` after `before`, if anything was.
struct Answered<'a> {
    sealed: Sealed,
    before: usize,
    out: &'a Outbox,
    now: Now,
}

/// What is done with a request now.
enum Turn {
    /// It is shown to the chain.
    First,
    /// What it waited for is there.
    Resumed(Ticket, Deferred),
    /// It is answered with this, whatever it waited for.
    Refused(Refusal),
}

impl Core {
    /// Takes up new rules, if there are any.
    fn follow(&mut self) {
        if let Some((rules, edition)) = &mut self.rules
            && rules.are_newer_than(*edition)
        {
            (*edition, self.chain, self.config) = rules.current();
        }
    }

    /// Goes on with a request that has waited.
    fn go_on(&mut self, waiting: Waiting, turn: Turn, now: Now, out: &mut Outbox) -> Option<Pending> {
        let Waiting { mut copy, peer, arrived, key, hold, told } = waiting;
        let (message, carried) = copy.parts();
        let next = match message.top_via() {
            Some(via) => {
                let request = message.request().unwrap_or(UNREADABLE);
                let (parts, via, peer) = (None, &via, &peer);
                let arrived = Arrived { message, request, parts, via, peer, arrived, now, key, carried, hold, told };
                self.take_turn(arrived, turn, out)
            }
            None => None,
        };
        self.copies.give_back(copy);
        next
    }

    /// What a group of answers waited for is over.
    fn tell(&mut self, mut group: Group, may_leave: bool, now: Now, out: &mut Outbox) {
        let told = group.take_told();
        if may_leave {
            told.into_iter().for_each(|told| told.tell(now));
        }
        group.sort();
        let hold = group.hold.clone();
        while let Some(next) = group.next(&mut self.held) {
            for (held, answer) in next {
                if let Some(flow) = held.peer.flow {
                    out.keep_promise(flow);
                }
                if may_leave {
                    self.tell_one(held, answer, now, out);
                } else {
                    self.refuse_held(held, Refusal::later(hold.lost()), now, out);
                }
            }
        }
        self.held.give_back(group);
    }

    /// Lets an answer leave that was held.
    fn tell_one(&mut self, held: Held, answer: Answer<'_>, now: Now, out: &mut Outbox) {
        let before = out.len();
        if let Some((to, bytes)) = answer {
            out.send(to, bytes);
        }
        let Held { mut copy, peer, arrived, key, sealed, stateless, told } = held;
        told.tell(now);
        let (message, carried) = copy.parts();
        let answered = Answered { sealed, before, out, now };
        self.log(message, &peer, arrived, carried.identity.as_ref(), answered);
        self.remember(&peer, key, stateless, before, now, out);
        self.copies.give_back(copy);
    }

    /// Answers a request otherwise than with what is held for it.
    fn refuse_held(&mut self, held: Held, refusal: Refusal, now: Now, out: &mut Outbox) {
        let Held { copy, peer, arrived, key, .. } = held;
        // It waits no more.
        let waited = Waiting { copy, peer, arrived, key, hold: None, told: Told::default() };
        drop(self.go_on(waited, Turn::Refused(refusal), now, out));
    }

    /// Answers what has waited too long; says whether there is more of it.
    fn answer_overdue(&mut self, now: Now, out: &mut Outbox) -> bool {
        let since = Timestamp(now.at.0.saturating_sub(self.config.pending_deadline_ms));
        for _ in 0..OVERDUE_BUDGET {
            if let Some(waiting) = self.room.overdue(now.at) {
                // Its 500 leaves at once.
                let waiting = Waiting { hold: None, ..waiting };
                drop(self.go_on(waiting, Turn::Refused(Refusal::OVERDUE), now, out));
            } else if let Some(held) = self.held.overdue(since) {
                if let Some(flow) = held.peer.flow {
                    out.keep_promise(flow);
                }
                self.refuse_held(held, Refusal::OVERDUE, now, out);
            } else {
                break;
            }
            self.counters.pending_lost.add();
        }
        self.room.has_overdue(now.at) || self.held.has_overdue(since)
    }

    fn on_message(&mut self, message: Message<'_>, peer: &Peer, now: Now, out: &mut Outbox) -> Option<Pending> {
        let counters = &self.counters;
        let request = message.request();
        if message.looks_like_response() {
            counters.stray_responses.add();
            return None;
        }
        if is_ack(message, request) {
            counters.acks.add();
            return None;
        }
        if request.is_none() && message.value(HeaderId::CSeq).is_none() {
            counters.junk.add();
            return None;
        }
        let Some(via) = message.top_via() else {
            counters.no_via.add();
            return None;
        };
        let key = self.keys.transaction(message, &via, peer);
        if peer.flow.is_none() {
            self.absorber.fetch(key);
        }
        // Which also takes as long as to come by what was asked for.
        // By reference: it has just been written, and is read as a whole when it is copied.
        let request = request.as_ref().unwrap_or(&UNREADABLE);
        let parts = Parts::read(message, request);
        if peer.flow.is_none() {
            match self.absorber.find(key, now.at) {
                Seen::Never => {}
                Seen::InFlight => {
                    counters.absorbed_in_flight.add();
                    return None;
                }
                Seen::Answered(bytes) => {
                    counters.absorbed.add();
                    out.send(response_route(&via, peer, self.config.route).0, bytes);
                    return None;
                }
            }
        }
        counters.requests.add();
        let arrived = Arrived {
            message,
            request: *request,
            parts: Some(&parts),
            via: &via,
            peer,
            arrived: now.at,
            now,
            key,
            carried: Carried::default(),
            hold: None,
            told: Told::default(),
        };
        self.take_turn(arrived, Turn::First, out)
    }

    /// Takes a request one step on: to its end, or to where it has to wait.
    fn take_turn(&mut self, arrived: Arrived<'_>, turn: Turn, out: &mut Outbox) -> Option<Pending> {
        let Arrived { message, request, parts, via, peer, arrived, now, key, carried, hold, told } = arrived;
        let before = out.len();
        let mut ex = Exchange {
            message,
            request,
            parts,
            late_parts: OnceCell::new(),
            digest: FirstDigest::default(),
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
            hold,
            told,
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
            Turn::Refused(refusal) => Verdict::Handled(refusal.answer(&mut ex)),
        };
        let is_full = self.room.len() + self.held.len() >= self.config.max_pending;
        let mut sealed = match (ex.sealed, verdict) {
            // What has been answered is answered, whatever the link says.
            (Some(sealed), _) => sealed,
            (None, Verdict::Pending(deferred)) if !is_full => {
                // Who waits a second time keeps the deadline of the first.
                let ticket = ticket.unwrap_or_else(|| {
                    self.counters.pending.add();
                    self.room.ticket(now.at.plus_millis(self.config.pending_deadline_ms))
                });
                if peer.flow.is_none() {
                    self.absorber.begin(key);
                }
                let (hold, told) = (ex.hold.take(), take(&mut ex.told));
                let copy = self.copies.copy(message, ex.carried);
                self.room.enter(ticket, Waiting { copy, peer: *peer, arrived, key, hold, told });
                return Some(Pending::one(ticket, deferred));
            }
            (None, Verdict::Pending(_)) => Refusal::TOO_MANY.answer(&mut ex),
            (None, Verdict::Pass | Verdict::Handled(_)) => ex.refuse(Status::NOT_IMPLEMENTED, reason::UNANSWERED),
        };
        let mut owed = None;
        if let Some(hold) = ex.hold.take_if(|_| is_full) {
            ex.out.truncate(before);
            ex.sealed = None;
            sealed = Refusal::TOO_MANY.answer(&mut ex);
            // It may come to pass all the same.
            owed = Some((hold, take(&mut ex.told)));
        }
        if ex.contradicted {
            self.counters.second_answers.add();
        }
        let (stateless, told) = (ex.stateless, take(&mut ex.told));
        if let Some(hold) = ex.hold.take() {
            let copy = self.copies.copy(message, ex.carried);
            let held = Held { copy, peer: *peer, arrived, key, sealed, stateless, told };
            return self.hold(held, hold, before, now, out);
        }
        let answered = Answered { sealed, before, out: &*ex.out, now };
        self.log(message, peer, arrived, ex.carried.identity.as_ref(), answered);
        self.remember(peer, key, stateless, before, now, out);
        let (hold, told) = owed.filter(|(_, told)| !told.is_nothing())?;
        self.held.owe(told, &hold, now.at).map(|serial| Pending::group(serial, hold))
    }

    /// Takes the answer that was written last out again, until it may be told.
    fn hold(&mut self, held: Held, hold: Hold, before: usize, now: Now, out: &mut Outbox) -> Option<Pending> {
        self.counters.pending.add();
        match held.peer.flow {
            Some(flow) => out.promise(flow),
            None => self.absorber.begin(held.key),
        }
        let is_answered = out.len() > before;
        let new = self.held.hold(held, &hold, out, is_answered, now.at);
        new.map(|serial| Pending::group(serial, hold))
    }

    /// Tells whoever logs or counts how a request has ended.
    fn log(
        &self,
        message: Message<'_>,
        peer: &Peer,
        arrived: Timestamp,
        identity: Option<&Identity<'_>>,
        answered: Answered<'_>,
    ) {
        if let Some(listener) = &self.listener {
            let Answered { sealed, before, out, now } = answered;
            let method = message.request().unwrap_or(UNREADABLE).method;
            let (status, reason) = (sealed.status(), sealed.reason());
            let answer = out.last().filter(|_| out.len() > before).map(|(_, bytes)| bytes);
            listener(&Outcome { message, method, peer, arrived, now, identity, status, answer, reason });
        }
    }

    /// Remembers the answer to a datagram, if it is what was written into `out` after `before`.
    fn remember(&mut self, peer: &Peer, key: TransactionKey, stateless: bool, before: usize, now: Now, out: &Outbox) {
        if peer.flow.is_none() {
            match out.last().filter(|_| out.len() > before && !stateless) {
                Some((_, answer)) => self.absorber.answered(key, answer, now.at),
                None => self.absorber.forget(key),
            }
        }
    }
}

/// What stands for a request line that cannot be read.
const UNREADABLE: Request<'_> = Request { method: Method::Other(b""), uri: b"", version_2: true };

/// An ACK is never answered (RFC 3261 §17), not even one whose request line is malformed behind the method.
fn is_ack(message: Message<'_>, request: Option<Request<'_>>) -> bool {
    match request {
        Some(request) => request.method == Method::Ack,
        None => matches!(message.bytes(), [b'A', b'C', b'K', b' ' | b'\t', ..]),
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("share", &self.core.share).field("waiting", &self.core.room.len()).finish()
    }
}
