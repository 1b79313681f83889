//! The open loop.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::io;
use std::time::Duration;

use sip_message::Index;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::carrier::{Came, Carrier};
use super::pacer::Pacer;
use super::tally::Tally;
use super::user::{Kind, User};
use super::{Plan, Report};
use crate::sip::{Answer, Link, Register, token};

/// When a datagram is sent again (RFC 3261 §17.1.2.2): T1 later, then twice as long each time.
const AGAIN: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// How many answers may wait to be looked at.
const ANSWERS: usize = 4096;

/// How often a registration goes on after a challenge.
const ROUNDS: u8 = 3;

/// Registrations that may be going on at once.
const GOING_ON: usize = 100_000;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The name has no address.
    #[error("{host}: {source}")]
    NoAddress {
        /// The name.
        host: String,
        /// What the resolver says.
        #[source]
        source: io::Error,
    },
    /// It cannot be connected to.
    #[error("{target}: {source}")]
    Unreachable {
        /// Where.
        target: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A user's name has something in it that no message can have.
    #[error("{0} cannot stand in a message")]
    Name(String),
}

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Since the beginning.
    pub elapsed: Duration,
    /// Registrations that were started.
    pub started: u64,
    /// Those that are done.
    pub done: u64,
    /// Those that ended otherwise, or could not be started.
    pub failed: u64,
}

/// Carries out the plan until its end or until `stop` is ready. `told` hears several times in a second how far it is.
///
/// # Errors
/// Nothing was sent.
pub async fn load(
    plan: &Plan,
    stop: impl Future<Output = ()>,
    mut told: impl FnMut(Progress),
) -> Result<Report, LoadError> {
    let mut engine = Engine::connect(plan).await?;
    engine.run(stop, &mut told).await;
    Ok(engine.report())
}

/// A registration that is going on.
struct Flight {
    user: usize,
    kind: Kind,
    due: Instant,
    round: u8,
    /// Over UDP, what is sent again.
    bytes: Option<Vec<u8>>,
}

struct Engine<'a> {
    plan: &'a Plan,
    carriers: Vec<Carrier>,
    answers: mpsc::Receiver<Came>,
    users: Vec<User>,
    /// The user whose turn it is.
    turn: usize,
    /// Hundredths of a removal that are owed.
    churn: f64,
    run: String,
    next: u64,
    flights: HashMap<u64, Flight>,
    /// When datagrams are sent again, the soonest first: a queue for each repetition, since all wait equally long.
    again: [VecDeque<(Instant, u64)>; AGAIN.len()],
    /// When requests are given up, the soonest first.
    deadlines: VecDeque<(Instant, u64)>,
    index: Index,
    tally: Tally,
    began: Instant,
    ended: Instant,
}

impl<'a> Engine<'a> {
    async fn connect(plan: &'a Plan) -> Result<Self, LoadError> {
        let to = &plan.to;
        let no_address = |source| LoadError::NoAddress { host: to.host.clone(), source };
        let addresses = to.resolve().await.map_err(no_address)?;
        let (sender, answers) = mpsc::channel(ANSWERS);
        let (mut carriers, mut locals) = (Vec::new(), Vec::new());
        for number in 0..plan.connections.clamp(1, plan.users.max(1)) {
            let link = open(plan, &addresses).await?;
            locals.push(link.local());
            let number = usize::try_from(number).unwrap_or_default();
            carriers.push(Carrier::start(number, link, plan.patience, sender.clone()));
        }
        let places = (0..plan.users).zip(locals.iter().enumerate().cycle());
        let users = places.map(|(number, (carrier, local))| {
            User::new(number, Register::new(to, &plan.name_of(number), &plan.domain, *local), carrier)
        });
        let now = Instant::now();
        Ok(Self {
            plan,
            carriers,
            answers,
            users: users.collect(),
            turn: 0,
            churn: 0.0,
            run: token(12),
            next: 0,
            flights: HashMap::new(),
            again: Default::default(),
            deadlines: VecDeque::new(),
            index: Index::new(),
            tally: Tally::new(),
            began: now,
            ended: now,
        })
    }

    /// Until the end of the plan, or until it is stopped.
    async fn run(&mut self, stop: impl Future<Output = ()>, told: &mut dyn FnMut(Progress)) {
        let mut stop = std::pin::pin!(stop);
        let pause = Duration::from_secs_f64(1.0 / self.plan.rate);
        let tick = Duration::from_millis(200);
        self.began = Instant::now();
        let end = self.began + self.plan.duration;
        let mut pacer = Pacer::start(self.began, end, self.plan.rate);
        let (mut due, mut tell) = (self.began, self.began + tick);
        let mut number: u32 = 0;
        // Those who are still registered at the end remove their bindings, unless these shall stay.
        let mut leaving: Option<usize> = None;
        loop {
            let now = Instant::now();
            while due <= now && leaving.is_none() && due < end {
                self.start_next(due);
                number = number.saturating_add(1);
                // From the beginning, so that no error adds up.
                due = self.began + pause.mul_f64(f64::from(number));
            }
            if leaving.is_none() && now >= end {
                self.ended = self.ended.max(end);
                if !self.flights.is_empty() {
                    // Nothing new, until what is going on has ended.
                } else if self.plan.keep {
                    return;
                } else {
                    (leaving, due) = (Some(0), now);
                }
            }
            while let Some(user) = leaving.filter(|_| due <= now) {
                let Some(at) = self.bound_from(user) else { break };
                self.launch(at, Kind::Leave, due);
                (leaving, due) = (Some(at + 1), due + pause);
            }
            let is_done = leaving.is_some_and(|user| self.bound_from(user).is_none()) && self.flights.is_empty();
            if is_done || self.carriers.iter().all(|carrier| !carrier.is_open) {
                self.ended = self.ended.max(now.min(end));
                return;
            }
            self.repeat(now);
            self.give_up(now);
            if now >= tell {
                tell = now + tick;
                told(self.progress(now));
            }
            let starts = leaving.is_some() || due < end;
            let next = if starts { due } else { now + tick }.max(now).min(self.next_timer().unwrap_or(tell)).min(tell);
            tokio::select! {
                biased;
                () = &mut stop => {
                    self.ended = self.ended.max(Instant::now().min(end));
                    return;
                }
                came = self.answers.recv() => self.came(came),
                Some(()) = pacer.wait() => {}
                () = sleep_until(next) => {}
            }
            // What else has come already.
            for _ in 0..ANSWERS {
                let Ok(came) = self.answers.try_recv() else { break };
                self.came(Some(came));
            }
        }
    }

    /// Starts the registration that is due, of the next user who is free.
    fn start_next(&mut self, due: Instant) {
        let all = self.users.len();
        let free = (0..all)
            .map(|ahead| (self.turn + ahead) % all)
            .find(|at| self.users.get(*at).is_some_and(|user| !user.busy));
        let Some(at) = free.filter(|_| self.flights.len() < GOING_ON) else {
            self.tally.held_back += 1;
            return;
        };
        self.turn = (at + 1) % all;
        let bound = self.users.get(at).is_some_and(|user| user.bound);
        let kind = if bound { self.renew_or_remove() } else { Kind::New };
        self.launch(at, kind, due);
    }

    fn renew_or_remove(&mut self) -> Kind {
        self.churn += self.plan.churn;
        if self.churn < 100.0 {
            return Kind::Refresh;
        }
        self.churn -= 100.0;
        Kind::Remove
    }

    fn launch(&mut self, user: usize, kind: Kind, due: Instant) {
        let is_sent = self.send(Flight { user, kind, due, round: 0, bytes: None });
        match kind {
            // What could not be removed at the end is counted as left.
            Kind::Leave => {}
            _ if is_sent => self.tally.started += 1,
            _ => self.tally.held_back += 1,
        }
    }

    /// Sends a request of a registration; `false`: there is no room for it.
    fn send(&mut self, mut flight: Flight) -> bool {
        let number = self.next;
        self.next += 1;
        let Some(user) = self.users.get_mut(flight.user) else { return false };
        let branch = format!("z9hG4bK{}.{number:x}", self.run);
        let Ok(bytes) = user.request(self.plan, flight.kind, &branch) else { return false };
        let Some(carrier) = self.carriers.get(user.carrier) else { return false };
        let datagrams = !self.plan.to.over.is_stream();
        flight.bytes = datagrams.then(|| bytes.clone());
        if !carrier.send(bytes) {
            user.busy = false;
            return false;
        }
        user.busy = true;
        self.tally.requests += 1;
        let now = Instant::now();
        if let (true, Some(first)) = (datagrams, self.again.first_mut()) {
            first.push_back((now + AGAIN[0], number));
        }
        self.deadlines.push_back((now + self.plan.patience, number));
        self.flights.insert(number, flight);
        true
    }

    fn came(&mut self, came: Option<Came>) {
        match came {
            Some((_, Ok(message))) => self.answered(&message),
            Some((carrier, Err(error))) => {
                self.tally.error(&error);
                if let (true, Some(carrier)) = (self.plan.to.over.is_stream(), self.carriers.get_mut(carrier)) {
                    carrier.is_open = false;
                }
            }
            // Every task has ended, and said so before.
            None => self.carriers.iter_mut().for_each(|carrier| carrier.is_open = false),
        }
    }

    fn answered(&mut self, message: &[u8]) {
        let Some(answer) = Answer::read(&mut self.index, message, self.plan.to.over.is_stream()) else {
            self.tally
                .wrong("unreadable", || String::from_utf8_lossy(message.get(..120).unwrap_or(message)).into_owned());
            return;
        };
        if answer.status < 200 {
            return;
        }
        let number = answer.branch().and_then(|branch| branch.rsplit_once('.')).map(|(_, number)| number);
        let number = number.and_then(|number| u64::from_str_radix(number, 16).ok());
        let Some(mut flight) = number.and_then(|number| self.flights.remove(&number)) else {
            self.tally.stray += 1;
            return;
        };
        *self.tally.statuses.entry(answer.status).or_default() += 1;
        let Some(user) = self.users.get_mut(flight.user) else { return };
        user.busy = false;
        if let (401 | 407, true, Some(challenge)) = (answer.status, flight.round < ROUNDS, answer.challenges.first())
            && self.plan.login.is_some()
            && (challenge.stale || !user.has_credentials())
        {
            user.challenged(challenge.clone());
            flight.round += 1;
            if !self.send(flight) {
                self.tally.held_back += 1;
            }
            return;
        }
        if answer.status == 200 {
            user.bound = !flight.kind.removes();
            self.tally.judge(&answer, &user.register, flight.kind, self.plan.expires, user.cseq);
            self.tally.done(flight.kind, flight.due.elapsed());
        } else {
            self.tally.refused += 1;
        }
    }

    fn repeat(&mut self, now: Instant) {
        for stage in 0..AGAIN.len() {
            while let Some((_, number)) =
                self.again.get_mut(stage).and_then(|queue| queue.pop_front_if(|(at, _)| *at <= now))
            {
                let Some(flight) = self.flights.get(&number) else { continue };
                let carrier = self.users.get(flight.user).and_then(|user| self.carriers.get(user.carrier));
                if let (Some(bytes), Some(carrier)) = (&flight.bytes, carrier)
                    && carrier.send(bytes.clone())
                {
                    self.tally.repeated += 1;
                }
                if let (Some(queue), Some(pause)) = (self.again.get_mut(stage + 1), AGAIN.get(stage + 1)) {
                    queue.push_back((now + *pause, number));
                }
            }
        }
    }

    fn give_up(&mut self, now: Instant) {
        while let Some((_, number)) = self.deadlines.pop_front_if(|(at, _)| *at <= now) {
            let Some(flight) = self.flights.remove(&number) else { continue };
            self.tally.timed_out += 1;
            if let Some(user) = self.users.get_mut(flight.user) {
                user.busy = false;
            }
        }
    }

    fn next_timer(&self) -> Option<Instant> {
        let again = self.again.iter().filter_map(|queue| queue.front());
        again.chain(self.deadlines.front()).map(|(at, _)| *at).min()
    }

    fn bound_from(&self, at: usize) -> Option<usize> {
        let left = self.users.get(at..)?;
        left.iter().position(|user| user.bound && !user.busy).map(|ahead| at + ahead)
    }

    fn progress(&self, now: Instant) -> Progress {
        let Tally { started, done, refused, timed_out, held_back, .. } = self.tally;
        Progress { elapsed: now - self.began, started, done, failed: refused + timed_out + held_back }
    }

    fn report(self) -> Report {
        let latency = self.tally.latencies();
        let tally = self.tally;
        let size = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Report {
            target: self.plan.to.to_string(),
            seconds: (self.ended - self.began).as_secs_f64(),
            rate: self.plan.rate,
            started: tally.started,
            done: tally.done,
            refused: tally.refused,
            timed_out: tally.timed_out,
            held_back: tally.held_back,
            unfinished: size(self.flights.len()),
            requests: tally.requests,
            repeated: tally.repeated,
            stray: tally.stray,
            statuses: tally.statuses,
            latency,
            wrong: tally.wrong,
            errors: tally.errors,
            left: size(self.users.iter().filter(|user| user.bound).count()),
        }
    }
}

async fn open(plan: &Plan, addresses: &[std::net::SocketAddr]) -> Result<Link, LoadError> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address");
    for addr in addresses {
        match tokio::time::timeout(plan.patience, Link::open(&plan.to, *addr, plan.roots.as_ref())).await {
            Ok(Ok(link)) => return Ok(link),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(LoadError::Unreachable { target: plan.to.to_string(), source: last })
}
