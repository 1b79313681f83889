//! What changes from one sample to the next.

use std::collections::VecDeque;

use super::Sample;

/// How many rates are kept for the curve: more than any terminal is wide.
const CURVE: usize = 512;

/// Reasons that are no refusals.
const DONE: [&str; 7] = ["registered", "refreshed", "registered-evicting", "removed", "queried", "repeated", "options"];

/// Reasons that ask for proof.
const CHALLENGES: [&str; 2] = ["no-credentials", "stale-nonce"];

/// What is shown.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) target: String,
    pub(super) now: Sample,
    pub(super) rates: Rates,
    /// Requests in a second, the newest last.
    pub(super) curve: VecDeque<u64>,
    /// Why there is no newer sample.
    pub(super) failure: Option<String>,
}

/// How often something happened, in a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rates {
    pub(super) requests: f64,
    pub(super) new: f64,
    pub(super) refreshed: f64,
    pub(super) removed: f64,
    pub(super) queried: f64,
    pub(super) challenged: f64,
    pub(super) refused: f64,
    /// By reason, the most frequent first.
    pub(super) refusals: Vec<(String, f64)>,
    /// By class of outcomes, the most frequent first.
    pub(super) took: Vec<Took>,
}

/// How long answers of a class took: no longer than so many seconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Took {
    pub(super) class: String,
    pub(super) requests: u64,
    pub(super) median: f64,
    pub(super) p99: f64,
}

impl Model {
    /// Of a first sample, which has nothing to be compared with.
    #[must_use]
    pub fn new(target: String, first: Sample) -> Self {
        Self { target, now: first, rates: Rates::default(), curve: VecDeque::new(), failure: None }
    }

    /// Takes up the next sample, or why there is none.
    pub fn next(&mut self, sample: Result<Sample, String>) {
        match sample {
            Ok(sample) => {
                self.rates = Rates::between(&self.now, &sample);
                self.now = sample;
                self.failure = None;
            }
            Err(failure) => {
                self.rates = Rates::default();
                self.failure = Some(failure);
            }
        }
        if self.curve.len() == CURVE {
            self.curve.pop_front();
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast from a float saturates")]
        self.curve.push_back(self.rates.requests.round() as u64);
    }
}

impl Rates {
    fn between(before: &Sample, now: &Sample) -> Self {
        let seconds = now.at.saturating_sub(before.at).as_secs_f64();
        // After a restart everything begins at 0.
        if seconds <= 0.0 || before.status.pid != now.status.pid {
            return Self::default();
        }
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let rate = |n: u64| n as f64 / seconds;
        let counter = |sample: &Sample, name: &str| sample.status.counters.get(name).copied().unwrap_or_default();
        let since = |name: &str| rate(counter(now, name).saturating_sub(counter(before, name)));
        let mut rates = Self { requests: since("requests"), ..Self::default() };
        let (Some(before), Some(now)) = (&before.metrics, &now.metrics) else { return rates };
        for (reason, n) in &now.outcomes {
            let rate = rate(n.saturating_sub(before.outcomes.get(reason).copied().unwrap_or_default()));
            match reason.as_str() {
                "registered" | "registered-evicting" => rates.new += rate,
                "refreshed" | "repeated" => rates.refreshed += rate,
                "removed" => rates.removed += rate,
                "queried" => rates.queried += rate,
                reason if CHALLENGES.contains(&reason) => rates.challenged += rate,
                reason if !DONE.contains(&reason) => {
                    rates.refused += rate;
                    if rate > 0.0 {
                        rates.refusals.push((reason.to_owned(), rate));
                    }
                }
                _ => {}
            }
        }
        let took = now.took.iter().filter_map(|(class, now)| Took::between(class, before.took.get(class), now));
        rates.took = took.collect();
        rates.took.sort_by_key(|took| std::cmp::Reverse(took.requests));
        rates.refusals.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        rates
    }
}

impl Took {
    /// From the buckets of two samples, which are in the order of their bounds; `None` if nothing happened.
    fn between(class: &str, before: Option<&Vec<(f64, u64)>>, now: &[(f64, u64)]) -> Option<Self> {
        let at = |bound: f64| before?.iter().find(|(other, _)| *other == bound).map(|(_, n)| *n);
        let since: Vec<_> = now.iter().map(|(bound, n)| (*bound, n.saturating_sub(at(*bound).unwrap_or(0)))).collect();
        let requests = since.last().map_or(0, |(_, n)| *n);
        let within = |percent: u64| {
            let needed = requests.saturating_mul(percent).div_ceil(100);
            since.iter().find(|(_, n)| *n >= needed).map(|(bound, _)| *bound)
        };
        let (median, p99) = (within(50)?, within(99)?);
        (requests > 0).then(|| Self { class: class.to_owned(), requests, median, p99 })
    }
}
