//! How requests ended, and how long they took.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use sip_dispatch::Outcome;
use sip_registrar::{LocationService, Observer};
use sip_transport::Transport;

use super::population::Population;
use super::text::{Kind, Text};

/// Workers count apart from each other, as long as there are not more of them.
const SHARDS: usize = 16;

/// Upper bounds of the histogram's buckets, in milliseconds.
const BOUNDS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 20_000];

/// What is counted for metrics: outcomes, how long they took, and how many bindings there are of which domain.
pub struct Meters {
    /// The reasons that are known here, each with its place; others count at the place behind them.
    places: HashMap<&'static str, usize>,
    codes: Vec<&'static str>,
    shards: Box<[Shard]>,
    population: Arc<Population>,
}

/// What some workers count. A cache line begins with it.
#[repr(align(128))]
struct Shard {
    /// A number for each reason and transport.
    ended: Box<[AtomicU64]>,
    took: [Histogram; Class::ALL.len()],
}

#[derive(Default)]
struct Histogram {
    /// One for each bound, and one for what takes longer.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    millis: AtomicU64,
}

/// How a request ended, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Success,
    Challenge,
    Redirect,
    Refused,
    Failed,
    Silent,
}

impl Class {
    const ALL: [Self; 6] = [Self::Success, Self::Challenge, Self::Redirect, Self::Refused, Self::Failed, Self::Silent];

    fn of(status: Option<u16>) -> Self {
        match status {
            None => Self::Silent,
            Some(..300) => Self::Success,
            Some(..400) => Self::Redirect,
            Some(401 | 407) => Self::Challenge,
            Some(..500) => Self::Refused,
            Some(_) => Self::Failed,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Challenge => "challenge",
            Self::Redirect => "redirect",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Silent => "silent",
        }
    }
}

impl Meters {
    /// Everything at 0.
    #[must_use]
    pub fn new() -> Self {
        let all = sip_dispatch::reason::ALL.iter().chain(sip_registrar::reason::ALL);
        let mut codes: Vec<_> = all.map(|reason| reason.code()).collect();
        codes.sort_unstable();
        let places = codes.iter().copied().zip(0..).collect();
        codes.push("other");
        let shard = |_| Shard {
            ended: (0..codes.len() * Transport::ALL.len()).map(|_| AtomicU64::new(0)).collect(),
            took: Default::default(),
        };
        let shards = (0..SHARDS).map(shard).collect();
        Self { places, codes, shards, population: Arc::default() }
    }

    /// Counts how a request ended.
    pub fn outcome(&self, outcome: &Outcome<'_>) {
        let Some(shard) = self.shards.get(own_shard()) else { return };
        let reason = self.places.get(outcome.reason.code()).copied().unwrap_or(self.places.len());
        if let Some(ended) = shard.ended.get(reason * Transport::ALL.len() + column(outcome.peer.transport)) {
            ended.fetch_add(1, Ordering::Relaxed);
        }
        let class = Class::of(outcome.status.map(|status| status.code()));
        if let Some(took) = shard.took.get(class as usize) {
            took.add(outcome.now.at.0.saturating_sub(outcome.arrived.0));
        }
    }

    /// Who is told of changes.
    #[must_use]
    pub fn observer(&self) -> Arc<dyn Observer> {
        Arc::<Population>::clone(&self.population)
    }

    /// Counts the bindings that are there before anything changes, of a store that answers at once.
    pub fn seed(&self, location: &dyn LocationService) {
        self.population.seed(location);
    }

    pub(super) fn write(&self, text: &mut Text) {
        text.family("registrar_outcomes_total", Kind::Counter, "Requests by the reason with which they ended.");
        for (reason, code) in self.codes.iter().enumerate() {
            for transport in Transport::ALL {
                let place = reason * Transport::ALL.len() + column(transport);
                let ended = self.sum(|shard| shard.ended.get(place));
                text.line("registrar_outcomes_total", &[("reason", code), ("transport", transport.scheme())], ended);
            }
        }
        let name = "registrar_outcome_duration_seconds";
        text.family(name, Kind::Histogram, "From reading a request to its answer, to the millisecond, by class.");
        for class in Class::ALL {
            self.write_histogram(class, text);
        }
        self.population.write(text);
    }

    fn write_histogram(&self, class: Class, text: &mut Text) {
        let of = |shard: &Shard, bucket: usize| shard.took.get(class as usize)?.buckets.get(bucket).map(read);
        let mut below = 0;
        for bucket in 0..=BOUNDS.len() {
            below += self.shards.iter().filter_map(|shard| of(shard, bucket)).sum::<u64>();
            let le = BOUNDS.get(bucket).map_or("+Inf".to_owned(), |&bound| (bound as f64 / 1e3).to_string());
            let labels = [("class", class.name()), ("le", le.as_str())];
            text.line("registrar_outcome_duration_seconds_bucket", &labels, below);
        }
        let millis = self.sum(|shard| shard.took.get(class as usize).map(|took| &took.millis));
        let labels = [("class", class.name())];
        text.line("registrar_outcome_duration_seconds_sum", &labels, millis as f64 / 1e3);
        text.line("registrar_outcome_duration_seconds_count", &labels, below);
    }

    fn sum<'a>(&'a self, of: impl Fn(&'a Shard) -> Option<&'a AtomicU64>) -> u64 {
        self.shards.iter().filter_map(of).map(read).sum()
    }
}

impl Default for Meters {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}

impl Histogram {
    fn add(&self, millis: u64) {
        let bucket = BOUNDS.partition_point(|&bound| bound < millis);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        if millis > 0 {
            self.millis.fetch_add(millis, Ordering::Relaxed);
        }
    }
}

fn read(number: &AtomicU64) -> u64 {
    number.load(Ordering::Relaxed)
}

/// The place of a transport, from 0 on.
pub(super) fn column(transport: Transport) -> usize {
    Transport::ALL.iter().position(|&known| known == transport).unwrap_or_default()
}

/// Where this thread counts.
fn own_shard() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS;
    }
    OWN.with(|own| *own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_long_is_in_the_bucket_that_it_belongs_to() {
        let meters = Meters::new();
        let took = &meters.shards[0].took[Class::Refused as usize];
        [0, 1, 2, 3, 30_000].into_iter().for_each(|millis| took.add(millis));
        let mut text = Text::default();
        meters.write_histogram(Class::Refused, &mut text);
        let lines = text.done();
        for (le, below) in [("0.001", 2), ("0.002", 3), ("0.005", 4), ("20", 4), ("+Inf", 5)] {
            let line = format!("_bucket{{class=\"refused\",le=\"{le}\"}} {below}\n");
            assert!(lines.contains(&line), "{line} is not in {lines}");
        }
        assert!(lines.contains("_sum{class=\"refused\"} 30.006\n"), "{lines}");
        assert!(lines.contains("_count{class=\"refused\"} 5\n"), "{lines}");
    }

    #[test]
    fn every_status_has_its_class() {
        let classes = [None, Some(200), Some(302), Some(401), Some(404), Some(503)].map(Class::of);
        let expected =
            [Class::Silent, Class::Success, Class::Redirect, Class::Challenge, Class::Refused, Class::Failed];
        assert_eq!(classes, expected);
    }
}
