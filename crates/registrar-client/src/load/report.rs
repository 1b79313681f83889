//! What came of it.

use std::collections::BTreeMap;
use std::fmt::Write;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::view::{Column, Ink, Look, clean, table};

/// What came of it. A registration is one operation, however many requests it takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Where it went.
    pub target: String,
    /// For how many seconds registrations were started.
    pub seconds: f64,
    /// How many were wanted in a second.
    pub rate: f64,
    /// Registrations that were started.
    pub started: u64,
    /// Those that ended with a 200.
    pub done: u64,
    /// Those that ended with another final answer.
    pub refused: u64,
    /// Those to which no final answer came in time.
    pub timed_out: u64,
    /// Those that were due and could not be started: every user still waited, or a connection was full or gone.
    pub held_back: u64,
    /// Those that were still going on when it was stopped.
    pub unfinished: u64,
    /// Requests that were sent, without datagrams sent again.
    pub requests: u64,
    /// Datagrams that were sent again.
    pub repeated: u64,
    /// Answers to no request that was waited for: late ones and repeated ones.
    pub stray: u64,
    /// How many answers had which status.
    pub statuses: BTreeMap<u16, u64>,
    /// How long registrations took, from when they were due; those that are done.
    pub latency: BTreeMap<&'static str, Latency>,
    /// Answers that break the rules.
    pub wrong: BTreeMap<&'static str, Wrong>,
    /// What became of connections.
    pub errors: BTreeMap<String, u64>,
    /// Bindings that were left there.
    pub left: u64,
}

/// How long something took, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// How many there were.
    pub count: u64,
    /// The mean.
    pub mean: f64,
    /// Half took no longer.
    pub p50: f64,
    /// Nine of ten took no longer.
    pub p90: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1,000.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

/// Answers that break a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wrong {
    /// How many.
    pub count: u64,
    /// The first.
    pub example: String,
}

impl Latency {
    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "at most an hour in microseconds, far below 2^52")]
        let ms = |micros: u64| micros as f64 / 1000.0;
        let at = |quantile| ms(histogram.value_at_quantile(quantile));
        Self {
            count: histogram.len(),
            mean: histogram.mean() / 1000.0,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: ms(histogram.max()),
        }
    }
}

impl Report {
    /// For people.
    #[must_use]
    pub fn text(&self, look: Look) -> String {
        let mut text = look.ink(Ink::Head, clean(&self.target)) + "\n";
        let mut line = |name: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {name:<10} {value}");
        };
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let per_second = |n: u64| if self.seconds > 0.0 { n as f64 / self.seconds } else { 0.0 };
        let started = per_second(self.started);
        line("started", format!("{} in {:.1} s: {started:.1}/s of {:.1}/s", self.started, self.seconds, self.rate));
        line("done", format!("{}: {:.1}/s", self.done, per_second(self.done)));
        for (name, n, ink) in [
            ("refused", self.refused, Ink::Bad),
            ("timed out", self.timed_out, Ink::Bad),
            ("held back", self.held_back, Ink::Warn),
            ("unfinished", self.unfinished, Ink::Warn),
        ] {
            line(name, if n > 0 { look.ink(ink, n) } else { n.to_string() });
        }
        line("requests", format!("{}, and {} datagrams sent again", self.requests, self.repeated));
        let statuses: Vec<_> = self.statuses.iter().map(|(status, n)| format!("{status}: {n}")).collect();
        let stray = if self.stray > 0 { format!("; {} late or repeated", self.stray) } else { String::new() };
        line("answers", format!("{}{stray}", statuses.join(", ")));
        if self.left > 0 {
            line("left there", format!("{} bindings", self.left));
        }
        if !self.latency.is_empty() {
            text += &self.latencies(look);
        }
        for (code, wrong) in &self.wrong {
            let mark = look.ink(Ink::Bad, format_args!("WRONG {code}"));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{mark}: {} times, the first: {}", wrong.count, clean(&wrong.example));
        }
        for (error, n) in &self.errors {
            let _ = writeln!(text, "{}: {} ({n} times)", look.ink(Ink::Bad, "connection"), clean(error));
        }
        text
    }

    fn latencies(&self, look: Look) -> String {
        let columns = ["COUNT", "MEAN", "P50", "P90", "P99", "P99.9", "MAX"].map(Column::Right).into_iter();
        let columns: Vec<_> = std::iter::once(Column::Left("MILLISECONDS")).chain(columns).collect();
        let rows = self.latency.iter().map(|(kind, latency)| {
            let Latency { mean, p50, p90, p99, p999, max, .. } = latency;
            let times = [mean, p50, p90, p99, p999, max].map(|ms| format!("{ms:.2}"));
            let texts = [(*kind).to_owned(), latency.count.to_string()].into_iter().chain(times);
            texts.map(|text| (text, None)).collect()
        });
        table(look, &columns, rows)
    }
}
