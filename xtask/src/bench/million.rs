//! Many bindings: what each takes in memory, and how long others wait when all expire in the same seconds.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::load::Load;
use super::pace::Pace;
use super::plan::{Outcome, Plan};
use super::requests::Kind;
use super::scenario::SOCKETS;
use super::servers::{Access, Server, Which};
use super::{Options, report};

/// Bindings are registered until this much after the start, so that the last of them still lasts 30 s.
const LIFE: Duration = Duration::from_secs(98);

/// How long other requests are timed before the bindings expire, and from then on.
const QUIET: Duration = Duration::from_secs(8);
const EXPIRY: Duration = Duration::from_secs(15);

/// Nobody should wait longer. The machine itself makes some wait, so what counts is the difference to quiet times.
const PAUSE: Duration = Duration::from_millis(5);

/// Users whose bindings last; their requests are the ones that must not wait.
const OTHERS: (u32, u32) = (90_000_000, 1000);

pub(crate) fn run(options: &Options, bindings: u32, folder: &Path) -> Result<()> {
    println!("{}", report::machine());
    let mut raw = Vec::new();
    for &which in options.servers.iter().filter(|which| **which != Which::Echo) {
        println!("\n{}, {bindings} bindings", which.name());
        raw.push(measure(which, options, bindings, folder)?);
    }
    report::write(folder, &json!({ "machine": report::machine(), "servers": raw }))
}

fn measure(which: Which, options: &Options, bindings: u32, folder: &Path) -> Result<Value> {
    let server = Server::start(which, Access::Open, bindings, folder)?;
    let mut load = Load::udp(server.port, SOCKETS)?;
    let outstanding = usize::try_from(options.outstanding)?;
    let others = |until| Plan { until: Some(until), ..Plan::refreshes(OTHERS, u64::MAX, Pace::Outstanding(1)) };

    // The others first, so that what they take is no part of the difference.
    load.run(&others(Instant::now()).each_once())?;
    let deadline = Instant::now() + LIFE;
    let Filled { registered, empty, full } =
        fill(&server, &mut load, Kind::RegisterUntil(deadline), bindings, outstanding)?;
    if deadline.saturating_duration_since(Instant::now()) < Duration::from_secs(30) {
        bail!("registering took {:?}: too slow to let all of them expire together", registered.took);
    }
    let each = full.saturating_sub(empty) as f64 / registered.answered.max(1) as f64;
    println!("{each:.0} bytes per binding ({:.1} MB → {:.1} MB)", megabytes(empty), megabytes(full));
    let some = [0, bindings / 2, bindings - 1];
    for user in some {
        if !load.is_bound(user)? {
            bail!("user {user} is not registered");
        }
    }

    thread::sleep(deadline.saturating_duration_since(Instant::now() + QUIET + Duration::from_secs(1)));
    let quiet = timed(&server, &mut load, &others(Instant::now() + QUIET), "quiet")?;
    let expiring = timed(&server, &mut load, &others(deadline + EXPIRY), "expiring")?;
    let after = server.memory()?;
    println!("afterwards {:.1} MB", megabytes(after));
    for user in some {
        if load.is_bound(user)? {
            bail!("user {user} is still registered {EXPIRY:?} after the end");
        }
    }
    Ok(json!({
        "server": which.name(),
        "bindings": registered.answered,
        "bytes_per_binding": each,
        "memory": { "empty": empty, "full": full, "after_expiry": after },
        "quiet": quiet,
        "expiring": expiring,
    }))
}

/// A table that was filled.
pub(super) struct Filled {
    pub(super) registered: Outcome,
    /// Bytes of memory before and after.
    pub(super) empty: u64,
    pub(super) full: u64,
}

/// Registers so many users, each once.
pub(super) fn fill(server: &Server, load: &mut Load, kind: Kind, bindings: u32, outstanding: usize) -> Result<Filled> {
    let empty = server.memory()?;
    let plan = Plan { kind, ..Plan::refreshes((0, bindings), 0, Pace::Outstanding(outstanding)) }.each_once();
    let cpu = server.cpu()?;
    let registered = load.run(&plan)?;
    let cpu = server.cpu()?.saturating_sub(cpu);
    let full = server.memory()?;
    println!(
        "registered {} in {:.1} s ({:.2} µs CPU each), {} lost, not 200: {:?}",
        registered.answered,
        registered.took.as_secs_f32(),
        cpu.as_secs_f64() * 1e6 / registered.answered.max(1) as f64,
        registered.lost,
        registered.unwanted,
    );
    Ok(Filled { registered, empty, full })
}

/// The others' requests one after the other for a while: their latency, and the CPU of the server meanwhile.
fn timed(server: &Server, load: &mut Load, plan: &Plan, name: &str) -> Result<Value> {
    let before = server.cpu()?;
    let outcome = load.run(plan)?;
    let cpu = server.cpu()?.saturating_sub(before);
    let millis = |share| outcome.latency(share).as_secs_f64() * 1e3;
    println!(
        "{name:<9} {:>5.1} s: latency p50 {:.3} ms, p99.9 {:.3} ms, max {:.3} ms; {} of {} over {PAUSE:?}; \
         CPU {:.3} s; lost {}",
        outcome.took.as_secs_f32(),
        millis(0.5),
        millis(0.999),
        millis(1.0),
        outcome.longer_than(PAUSE),
        outcome.answered,
        cpu.as_secs_f64(),
        outcome.lost,
    );
    Ok(raw(&outcome, cpu))
}

fn raw(outcome: &Outcome, cpu: Duration) -> Value {
    json!({
        "requests": outcome.answered,
        "lost": outcome.lost,
        "unwanted": outcome.unwanted,
        "cpu_seconds": cpu.as_secs_f64(),
        "latency_ms": {
            "p50": outcome.latency(0.5).as_secs_f64() * 1e3,
            "p99.9": outcome.latency(0.999).as_secs_f64() * 1e3,
            "max": outcome.latency(1.0).as_secs_f64() * 1e3,
        },
        "over_5_ms": outcome.longer_than(PAUSE),
    })
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
