//! What is known at one time.

use std::collections::BTreeMap;
use std::time::Duration;

use registrar_api::{Outcome, Status};

use crate::{Client, Error};

/// Requests by how they ended.
const OUTCOMES: &str = "registrar_outcomes_total";

/// How long they took, by class.
const TOOK: &str = "registrar_outcome_duration_seconds_bucket";

/// More reasons than there can be.
const MOST: usize = 4096;

/// What is known at one time.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Since the first one.
    pub at: Duration,
    /// How the registrar is.
    pub status: Status,
    /// What it has measured, if it says so.
    pub metrics: Option<Metrics>,
    /// The last refusals, the newest first.
    pub refusals: Vec<Outcome>,
}

/// What is read of `/metrics`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Requests by reason.
    pub outcomes: BTreeMap<String, u64>,
    /// For each class of outcomes, how many took no longer than so many seconds.
    pub took: BTreeMap<String, Vec<(f64, u64)>>,
}

impl Sample {
    /// Asks for it.
    ///
    /// # Errors
    /// The status cannot be had. Metrics and refusals that cannot be had are left out.
    pub async fn take(client: &Client, at: Duration) -> Result<Self, Error> {
        let status = client.status().await?;
        let metrics = client.metrics().await.ok().map(|text| Metrics::read(&text));
        let refusals = client.refusals().await.unwrap_or_default();
        Ok(Self { at, status, metrics, refusals })
    }
}

impl Metrics {
    /// Reads what is known of Prometheus' text format; labels that are not known are summed over.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut metrics = Self::default();
        for line in text.lines() {
            let Some((name, labels, value)) = sample(line) else { continue };
            let label = |wanted: &str| labels.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
            if name == OUTCOMES
                && let Some(reason) = label("reason").filter(|_| metrics.outcomes.len() < MOST)
            {
                *metrics.outcomes.entry(reason).or_default() += whole(value);
            } else if name == TOOK
                && let (Some(class), Some(bound)) = (label("class"), label("le").and_then(|bound| bound.parse().ok()))
                && metrics.took.values().map(Vec::len).sum::<usize>() < MOST
            {
                metrics.took.entry(class).or_default().push((bound, whole(value)));
            }
        }
        metrics
    }
}

/// Names and values.
type Labels = Vec<(String, String)>;

/// Name, labels and value of a line.
fn sample(line: &str) -> Option<(&str, Labels, f64)> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at_checked(end)?;
    if name.is_empty() || name.starts_with('#') {
        return None;
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some((name, labels, value))
}

/// Labels up to `}`, and what stands behind it.
fn labels(mut rest: &str) -> Option<(Labels, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, after) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        labels.push((name.to_owned(), value));
        rest = after.get(end + 1..)?;
    }
}

/// What is negative or no number counts as 0, and infinity as the greatest.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast from a float saturates")]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_read_and_the_rest_passed_over() {
        let text = "# HELP registrar_outcomes_total Requests.\n# TYPE registrar_outcomes_total counter\n\
                    registrar_outcomes_total{reason=\"registered\",transport=\"udp\"} 3\n\
                    registrar_outcomes_total{transport=\"tcp\",reason=\"registered\"} 4 1700000000000\n\
                    registrar_outcomes_total{reason=\"odd \\\"}\\n\"} 1\n\
                    registrar_outcome_duration_seconds_bucket{class=\"success\",le=\"0.001\"} 3\n\
                    registrar_outcome_duration_seconds_bucket{class=\"success\",le=\"+Inf\"} 4\n\
                    other 1\nregistrar_outcomes_total{reason=\"cut\n\n{} 1\n";
        let metrics = Metrics::read(text);
        assert_eq!(metrics.outcomes, BTreeMap::from([("registered".to_owned(), 7), ("odd \"}\n".to_owned(), 1)]));
        let took = [("success".to_owned(), vec![(0.001, 3), (f64::INFINITY, 4)])];
        assert_eq!(metrics.took, BTreeMap::from(took));
    }
}
