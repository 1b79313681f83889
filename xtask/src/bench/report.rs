//! What was measured, for people and for machines.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::Options;
use super::configs;
use super::plan::Outcome;
use super::requests::Template;
use super::scenario::{LASTING, Scenario};
use super::servers::{Keep, Which};

/// One server, one scenario, one round.
pub(crate) struct Sample {
    pub(crate) round: u32,
    pub(crate) which: Which,
    pub(crate) scenario: Scenario,
    /// The server's CPU time in µs for each answer.
    pub(crate) cpu: f64,
    pub(crate) outcome: Outcome,
}

impl Sample {
    /// How many processors the server kept busy: 1 is a single thread at its limit.
    fn processors(&self) -> f64 {
        self.cpu * self.outcome.rate() / 1e6
    }
}

pub(crate) fn print(samples: &[Sample], options: &Options, folder: &Path) -> Result<()> {
    let machine = machine();
    println!("\n{machine}");
    println!(
        "{} rounds, {} addresses-of-record, {} requests outstanding, REGISTER of {} bytes",
        options.rounds,
        options.aors,
        options.outstanding,
        Template::new(LASTING, "UDP").size(),
    );
    if samples.iter().any(|sample| sample.which.less() > 1) {
        println!("with a database: a tenth of the addresses, and of the requests");
    }
    if let Some(rate) = options.rate {
        println!("offered: {rate} requests a second, evenly spaced");
    }
    println!("\nServer CPU, µs per request");
    println!("{:<18} {:<19} {:>7}  {:>15}  each round", "scenario", "server", "median", "range");
    let groups = by_scenario(samples);
    for ((scenario, which), group) in &groups {
        let values: Vec<f64> = group.iter().map(|sample| sample.cpu).collect();
        println!("{:<18} {:<19} {}", scenario.name(), which.name(), spread(&values));
    }
    let pairs: Vec<_> = groups
        .iter()
        .flat_map(|((scenario, ours), own)| groups.iter().map(move |other| (*scenario, *ours, own, other)))
        .filter(|(scenario, ours, _, ((other_scenario, other), _))| {
            scenario == other_scenario && compares(*ours, *other)
        })
        .map(|(scenario, ours, own, ((_, other), theirs))| (scenario, ours, *other, own, theirs))
        .collect();
    println!("\nOne ÷ the other, round by round");
    for (scenario, ours, other, own, theirs) in &pairs {
        let ratios: Vec<f64> = own.iter().zip(*theirs).map(|(own, theirs)| own.cpu / theirs.cpu).collect();
        println!("{:<18} {:<39} {}", scenario.name(), pair(*ours, *other), spread(&ratios));
    }
    println!("\nThe same, less what the echo takes for as many datagrams");
    for (scenario, ours, other, own, theirs) in pairs.iter().filter(|(_, _, other, ..)| *other != Which::Echo) {
        let Some(echoes) = scenario.echoes() else { continue };
        let less = |sample: &Sample| Some(sample.cpu - echo_of(samples, sample.round)? * f64::from(echoes));
        let ratio = |(own, theirs): (&&Sample, &&Sample)| Some(less(own)? / less(theirs)?);
        let ratios: Vec<f64> = own.iter().zip(*theirs).filter_map(ratio).collect();
        if !ratios.is_empty() {
            println!("{:<18} {:<39} {}", scenario.name(), pair(*ours, *other), spread(&ratios));
        }
    }
    println!("\nLatency in µs, generator included, and what went wrong (medians over the rounds; sums)");
    println!(
        "{:<18} {:<19} {:>8} {:>8} {:>8} {:>8} {:>9} {:>10}  {:>6}  unwanted",
        "scenario", "server", "p50", "p99", "p99.9", "max", "answers/s", "CPUs used", "lost"
    );
    for ((scenario, which), group) in &groups {
        let of = |value: &dyn Fn(&Sample) -> f64| median(&group.iter().map(|sample| value(sample)).collect::<Vec<_>>());
        let latency = |share: f64| of(&|sample| micros(&sample.outcome, share));
        let lost: u64 = group.iter().map(|sample| sample.outcome.lost).sum();
        println!(
            "{:<18} {:<19} {:>8.0} {:>8.0} {:>8.0} {:>8.0} {:>9.0} {:>10.2}  {lost:>6}  {}",
            scenario.name(),
            which.name(),
            latency(0.5),
            latency(0.99),
            latency(0.999),
            latency(1.0),
            of(&|sample| sample.outcome.rate()),
            of(&Sample::processors),
            unwanted(group),
        );
    }
    let raw: Vec<Value> = samples.iter().map(raw).collect();
    write(folder, &json!({ "machine": machine, "samples": raw }))
}

/// Writes the raw figures beside the logs of the run.
pub(crate) fn write(folder: &Path, raw: &Value) -> Result<()> {
    let file = folder.join("result.json");
    fs::write(&file, serde_json::to_string_pretty(raw)?)?;
    println!("\nRaw figures: {}", file.display());
    Ok(())
}

/// Processor, cores and kernel, and the program if it is not the usual one.
pub(crate) fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let model = model.map_or("unknown processor", |(_, name)| name);
    let program = configs::named().map(|program| format!("; {}", program.display())).unwrap_or_default();
    format!("{model}, {cores} cores, Linux {}{program}", kernel.trim())
}

type Groups<'a> = BTreeMap<(Scenario, Which), Vec<&'a Sample>>;

fn by_scenario(samples: &[Sample]) -> Groups<'_> {
    let mut groups = Groups::new();
    for sample in samples {
        groups.entry((sample.scenario, sample.which)).or_default().push(sample);
    }
    groups
}

/// Whether a ratio of the first to the second says something: ours to the others', and ours on disk to ours in memory.
fn compares(ours: Which, other: Which) -> bool {
    let in_memory = Which::Registrar(Keep::Memory);
    ours.is_ours() && (!other.is_ours() || (other == in_memory && ours != in_memory))
}

fn pair(ours: Which, other: Which) -> String {
    format!("{} ÷ {}", ours.name(), other.name())
}

/// What the echo took in this round, in µs for a datagram.
fn echo_of(samples: &[Sample], round: u32) -> Option<f64> {
    let echoes = samples.iter().filter(|sample| sample.round == round && sample.which == Which::Echo);
    let values: Vec<f64> = echoes.map(|sample| sample.cpu).collect();
    (!values.is_empty()).then(|| median(&values))
}

/// The middle, the least and the most of so many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) count: usize,
}

impl Spread {
    /// `None`: of nothing.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let least = values.iter().copied().reduce(f64::min)?;
        let most = values.iter().copied().reduce(f64::max)?;
        Some(Self { median: median(values), least, most, count: values.len() })
    }
}

/// Median, range and all values.
pub(super) fn spread(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let each: Vec<String> = values.iter().map(|value| format!("{value:.2}")).collect();
    format!("{:>7.2}  {least:>6.2} – {most:>6.2}  {}", median(values), each.join(" "))
}

pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN);
    f64::midpoint(lower, upper)
}

fn micros(outcome: &Outcome, share: f64) -> f64 {
    outcome.latency(share).as_secs_f64() * 1e6
}

fn unwanted(group: &[&Sample]) -> String {
    let mut sums: BTreeMap<u16, u64> = BTreeMap::new();
    for (status, count) in group.iter().flat_map(|sample| &sample.outcome.unwanted) {
        *sums.entry(*status).or_default() += count;
    }
    let each: Vec<String> = sums.iter().map(|(status, count)| format!("{count} × {status}")).collect();
    if each.is_empty() { "none".to_owned() } else { each.join(", ") }
}

fn raw(sample: &Sample) -> Value {
    json!({
        "round": sample.round,
        "server": sample.which.name(),
        "scenario": sample.scenario.name(),
        "cpu_us_per_request": sample.cpu,
        "processors": sample.processors(),
        "answered": sample.outcome.answered,
        "lost": sample.outcome.lost,
        "unwanted": sample.outcome.unwanted,
        "seconds": sample.outcome.took.as_secs_f64(),
        "latency_us": {
            "p50": micros(&sample.outcome, 0.5),
            "p99": micros(&sample.outcome, 0.99),
            "p99.9": micros(&sample.outcome, 0.999),
            "max": micros(&sample.outcome, 1.0),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }
}
