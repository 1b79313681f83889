//! How many requests ended how.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use sip_dispatch::{Outcome, Reason};

/// A number for each reason, and one for those of links that are not known here.
#[derive(Debug)]
pub(crate) struct Outcomes {
    known: HashMap<&'static str, AtomicU64>,
    other: AtomicU64,
}

impl Outcomes {
    pub(crate) fn new() -> Self {
        let all = sip_dispatch::reason::ALL.iter().chain(sip_registrar::reason::ALL);
        Self { known: all.map(|reason| (reason.code(), AtomicU64::new(0))).collect(), other: AtomicU64::new(0) }
    }

    pub(crate) fn count(&self, outcome: &Outcome<'_>) {
        self.of(outcome.reason).fetch_add(1, Ordering::Relaxed);
    }

    /// In Prometheus' text format (version 0.0.4).
    pub(crate) fn text(&self) -> String {
        let mut all: Vec<_> = self.known.iter().map(|(code, n)| (*code, n.load(Ordering::Relaxed))).collect();
        all.push(("other", self.other.load(Ordering::Relaxed)));
        all.sort_unstable();
        let mut text = "# HELP registrar_outcomes_total Requests by the reason with which they ended.\n\
                        # TYPE registrar_outcomes_total counter\n"
            .to_owned();
        for (code, n) in all {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "registrar_outcomes_total{{reason=\"{code}\"}} {n}");
        }
        text
    }

    fn of(&self, reason: Reason) -> &AtomicU64 {
        self.known.get(reason.code()).unwrap_or(&self.other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_line() {
        let outcomes = Outcomes::new();
        outcomes.of(sip_registrar::reason::REFRESHED).fetch_add(3, Ordering::Relaxed);
        outcomes.of(Reason::new("my-own", "")).fetch_add(2, Ordering::Relaxed);
        let text = outcomes.text();
        assert!(text.contains("\nregistrar_outcomes_total{reason=\"refreshed\"} 3\n"), "{text}");
        assert!(text.contains("\nregistrar_outcomes_total{reason=\"other\"} 2\n"), "{text}");
        let lines = sip_dispatch::reason::ALL.len() + sip_registrar::reason::ALL.len() + 3;
        assert_eq!(text.lines().count(), lines, "{text}");
    }
}
