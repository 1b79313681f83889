//! Somebody who makes one call after the other and notes when, and what came of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::checker::Op;
use super::model::{Call, Outcome, Sequence};
use crate::dice::Dice;
use crate::harness::{Leg, PATIENCE, Request, Response};
use crate::line::{Heard, Line};

/// How many addresses of record there are.
pub(crate) const AORS: usize = 3;
const CONTACTS: u64 = 4;

pub(crate) struct Client {
    call_id: u8,
    /// No other client's calls have these versions.
    version: u32,
    start: Instant,
    dice: Dice,
    /// The calls, each with the number of its address.
    pub(crate) history: Vec<(usize, Op)>,
}

impl Client {
    pub(crate) fn new(number: usize, call_id: u8, start: Instant, dice: Dice) -> Self {
        let version = u32::try_from(number).unwrap() * 1_000_000;
        Self { call_id, version, start, dice, history: Vec::new() }
    }

    /// Makes so many calls, unless the registrar dies, which `dead` says.
    pub(crate) fn call(&mut self, leg: Leg, calls: usize, dead: &AtomicBool) {
        let mut line = Line::to(leg);
        for _ in 0..calls {
            let aor = usize::try_from(self.dice.roll(0..AORS as u64)).unwrap();
            let call = self.next();
            if !self.make(&mut line, aor, call, dead) {
                return;
            }
        }
    }

    /// Asks for all bindings of every address.
    pub(crate) fn ask_for_all(&mut self, leg: Leg) {
        let mut line = Line::to(leg);
        (0..AORS).for_each(|aor| assert!(self.make(&mut line, aor, Call::Query, &AtomicBool::new(false))));
    }

    /// What was not answered can only have happened before.
    pub(crate) fn nothing_follows(&mut self, now: u64) {
        for (_, op) in &mut self.history {
            op.done = op.done.min(now);
        }
    }

    fn next(&mut self) -> Call {
        self.version += 1;
        // Two clients use one Call-ID; the time makes their numbers rise together, and now and then one is late.
        let late = if self.dice.roll(0..8) == 0 { 50 } else { 0 };
        let cseq = 100 + u32::try_from(self.start.elapsed().as_millis()).unwrap() - late;
        let from = Sequence { call_id: self.call_id, cseq };
        let contact = u8::try_from(self.dice.roll(0..CONTACTS)).unwrap();
        match self.dice.roll(0..20) {
            0..10 => Call::Put { contact, from, version: self.version },
            10..14 => Call::Remove { contact, from },
            14 => Call::Clear { from },
            _ => Call::Query,
        }
    }

    /// Makes a call; says whether there is still somebody to call.
    fn make(&mut self, line: &mut Line, aor: usize, call: Call, dead: &AtomicBool) -> bool {
        let request = request(aor, call);
        let sent = self.now();
        line.send(&request);
        let deadline = Instant::now() + PATIENCE;
        let outcome = loop {
            // Whoever was dead before it was listened to says nothing more.
            let is_dead = dead.load(Ordering::Acquire);
            match line.hear(Duration::from_millis(20)) {
                Heard::Answer(response) => {
                    assert_eq!(response.header("Call-ID"), request.call_id);
                    break Some(outcome(&response));
                }
                Heard::Gone => break None,
                Heard::Nothing if is_dead => break None,
                Heard::Nothing => assert!(Instant::now() < deadline, "no answer to {call:?}"),
            }
        };
        let goes_on = outcome.is_some();
        let done = if goes_on { self.now() } else { u64::MAX };
        self.history.push((aor, Op { call, sent, done, outcome }));
        goes_on
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap()
    }
}

fn request(aor: usize, call: Call) -> Request {
    let mut request = Request::register(&format!("sip:user{aor}@example.com"));
    if let Call::Put { from, .. } | Call::Remove { from, .. } | Call::Clear { from } = call {
        request.call_id = format!("linear-{}", from.call_id);
        request.cseq = from.cseq;
    }
    let uri = |contact| format!("<sip:{contact}@127.0.0.1:7777>");
    match call {
        Call::Put { contact, version, .. } => request.contact(&format!("{};v={version}", uri(contact))).expires(3600),
        Call::Remove { contact, .. } => request.contact(&uri(contact)).expires(0),
        Call::Clear { .. } => request.contact("*").expires(0),
        Call::Query => request,
    }
}

fn outcome(response: &Response) -> Outcome {
    match response.status() {
        200 => Outcome::Bindings(response.contacts().iter().map(|contact| version(contact)).collect()),
        500 => Outcome::Refused,
        _ => panic!("{}", response.text()),
    }
}

/// Reads `<sip:3@127.0.0.1:7777>;v=17;expires=3600`.
fn version(contact: &str) -> (u8, u32) {
    let number = |before: &str, after: char| {
        let (_, rest) = contact.split_once(before).unwrap();
        rest.split(after).next().unwrap()
    };
    (number("sip:", '@').parse().unwrap(), number(";v=", ';').parse().unwrap())
}
