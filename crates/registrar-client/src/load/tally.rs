//! What is counted.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::report::{Latency, Wrong};
use super::user::Kind;
use crate::sip::{Answer, Register};

/// An hour in microseconds: more than anybody waits.
const LONGEST: u64 = 3_600_000_000;

/// What is counted.
pub(super) struct Tally {
    pub(super) started: u64,
    pub(super) requests: u64,
    pub(super) done: u64,
    pub(super) refused: u64,
    pub(super) timed_out: u64,
    pub(super) held_back: u64,
    pub(super) repeated: u64,
    pub(super) stray: u64,
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) errors: BTreeMap<String, u64>,
    pub(super) wrong: BTreeMap<&'static str, Wrong>,
    latency: Vec<(Kind, Histogram<u64>)>,
}

impl Tally {
    pub(super) fn new() -> Self {
        let histogram = |kind| Histogram::new_with_bounds(1, LONGEST, 3).ok().map(|histogram| (kind, histogram));
        Self {
            started: 0,
            requests: 0,
            done: 0,
            refused: 0,
            timed_out: 0,
            held_back: 0,
            repeated: 0,
            stray: 0,
            statuses: BTreeMap::new(),
            errors: BTreeMap::new(),
            wrong: BTreeMap::new(),
            latency: Kind::MEASURED.into_iter().filter_map(histogram).collect(),
        }
    }

    /// A registration is done: so long after it was due.
    pub(super) fn done(&mut self, kind: Kind, took: Duration) {
        if let Some((_, histogram)) = self.latency.iter_mut().find(|(of, _)| *of == kind) {
            self.done += 1;
            histogram.saturating_record(u64::try_from(took.as_micros()).unwrap_or(LONGEST).max(1));
        }
    }

    /// An error of a connection. There are few kinds.
    pub(super) fn error(&mut self, error: &std::io::Error) {
        *self.errors.entry(error.to_string()).or_default() += 1;
    }

    /// Judges a 200.
    pub(super) fn judge(&mut self, answer: &Answer, register: &Register, kind: Kind, asked: u32, cseq: u32) {
        let contact = answer.contact(register.contact());
        let granted = contact.and_then(|contact| answer.granted(contact));
        match (kind, contact) {
            (Kind::Remove | Kind::Leave, Some(contact)) if contact.expires != Some(0) => {
                self.wrong("not-removed", || format!("{} is still listed", register.contact()));
            }
            (Kind::Remove | Kind::Leave, _) => {}
            (_, None) => self.wrong("no-contact", || format!("the 200 does not list {}", register.contact())),
            (_, Some(_)) => match granted {
                None => self.wrong("no-expires", || format!("{} has no expires", register.contact())),
                Some(0) => self.wrong("expired-at-once", || format!("{} is granted for 0 s", register.contact())),
                Some(granted) if granted > asked => {
                    self.wrong("longer-than-asked", || format!("{granted} s are granted for {asked}"));
                }
                Some(_) => {}
            },
        }
        if answer.call_id != register.call_id() {
            self.wrong("call-id-changed", || format!("{} became {}", register.call_id(), answer.call_id));
        }
        if answer.cseq != Some(cseq) {
            self.wrong("cseq-changed", || format!("{cseq} became {:?}", answer.cseq));
        }
    }

    pub(super) fn wrong(&mut self, code: &'static str, example: impl FnOnce() -> String) {
        let wrong = self.wrong.entry(code).or_insert_with(|| Wrong { count: 0, example: example() });
        wrong.count += 1;
    }

    pub(super) fn latencies(&self) -> BTreeMap<&'static str, Latency> {
        let taken = self.latency.iter().filter(|(_, histogram)| !histogram.is_empty());
        taken.map(|(kind, histogram)| (kind.name(), Latency::of(histogram))).collect()
    }
}
