//! How long answers take at a part of what a server can do, beside the bare echo at the same rate.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::load::Load;
use super::pace::Pace;
use super::plan::{Outcome, Plan};
use super::scenario::SOCKETS;
use super::servers::{Access, Server, Which};
use super::{Options, report};

/// Parts of the rate that was reached with many requests outstanding, in per cent.
const PARTS: [u32; 3] = [10, 50, 80];

/// For how long each is offered.
const TIMED: Duration = Duration::from_secs(5);

/// Shares of the requests that were answered sooner.
const SHARES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// One rate, offered to a server and to the echo.
struct Measured {
    which: Which,
    part: u32,
    rate: u32,
    server: [f64; SHARES.len()],
    echo: [f64; SHARES.len()],
    lost: u64,
}

pub(crate) fn run(options: &Options, folder: &Path) -> Result<()> {
    println!("{}", report::machine());
    let mut all = Vec::new();
    for round in 1..=options.rounds {
        for &which in options.servers.iter().filter(|which| **which != Which::Echo) {
            println!("round {round} of {}: {}", options.rounds, which.name());
            all.extend(of_server(options, which, folder)?);
        }
    }
    print(options, &all);
    let raw: Vec<_> = all.iter().map(Measured::raw).collect();
    report::write(folder, &json!({ "machine": report::machine(), "aors": options.aors, "measured": raw }))
}

fn of_server(options: &Options, which: Which, folder: &Path) -> Result<Vec<Measured>> {
    let (aors, many) = (options.aors.div_ceil(which.less()), Pace::Outstanding(usize::try_from(options.outstanding)?));
    let plan = |count, pace, until| Plan { until, ..Plan::refreshes((0, aors), count, pace) };
    let server = Server::start(which, Access::Open, options.aors, folder)?;
    let echo = Server::start(Which::Echo, Access::Open, options.aors, folder)?;
    let (mut load, mut beside) = (Load::udp(server.port, SOCKETS)?, Load::udp(echo.port, SOCKETS)?);
    let registered = load.run(&plan(aors.into(), many, None).each_once())?;
    ensure!(registered.lost == 0 && registered.unwanted.is_empty(), "not all of them could register");
    let most = load.run(&plan(options.requests.div_ceil(which.less().into()), many, None))?.rate();
    let mut all = Vec::new();
    for part in PARTS {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast from a float saturates")]
        let rate = ((most * f64::from(part) / 100.0) as u32).max(1);
        let timed = || plan(u64::MAX, Pace::PerSecond(rate), Some(Instant::now() + TIMED));
        let outcome = load.run(&timed())?;
        let echoed = beside.run(&timed())?;
        all.push(Measured {
            which,
            part,
            rate,
            server: micros(&outcome),
            echo: micros(&echoed),
            lost: outcome.lost + outcome.unwanted.values().sum::<u64>(),
        });
    }
    Ok(all)
}

fn micros(outcome: &Outcome) -> [f64; SHARES.len()] {
    SHARES.map(|(_, share)| outcome.latency(share).as_secs_f64() * 1e6)
}

impl Measured {
    fn raw(&self) -> Value {
        json!({ "server": self.which.name(), "per_cent": self.part, "rate": self.rate, "us": self.server,
                "echo_us": self.echo, "lost": self.lost })
    }
}

fn print(options: &Options, all: &[Measured]) {
    println!("\n{:<20} {:>4} {:>9} {:>24} {:>24} {:>26}", "µs since due", "%", "a second", "p50", "p99", "p99.9");
    for &which in options.servers.iter().filter(|which| **which != Which::Echo) {
        for part in PARTS {
            let rows: Vec<_> = all.iter().filter(|one| one.which == which && one.part == part).collect();
            let rate = spread(rows.iter().map(|one| f64::from(one.rate)));
            let line = |name: &str, of: &dyn Fn(&Measured) -> [f64; SHARES.len()]| {
                let columns: Vec<_> = (0..SHARES.len())
                    .map(|at| spread(rows.iter().filter_map(|one| of(one).get(at).copied())))
                    .collect();
                println!("{name:<20} {part:>4} {rate:>9} {}", columns.join("  "));
            };
            line(which.name(), &|one| one.server);
            line("echo beside it", &|one| one.echo);
            let lost: u64 = rows.iter().map(|one| one.lost).sum();
            if lost > 0 {
                println!("{:<20} {part:>4} {lost} lost or refused", which.name());
            }
        }
    }
}

/// The median, and the least and the most.
fn spread(values: impl Iterator<Item = f64>) -> String {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or(0.0);
    format!("{:.0} ({:.0} – {:.0})", at(values.len() / 2), at(0), at(values.len().saturating_sub(1)))
}
