//! How long a server with many bindings takes from its start to its first answer, and what they take on the disk.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::load::Load;
use super::pace::Pace;
use super::plan::Plan;
use super::scenario::SOCKETS;
use super::servers::{Access, Server, Which};
use super::{Options, disk, report};

/// How a server ended, and whether its files are still in memory when it starts again.
pub(super) struct Start {
    pub(super) name: &'static str,
    after: Signal,
    is_cold: bool,
}

pub(super) const STARTS: [Start; 3] = [
    Start { name: "SIGTERM", after: Signal::SIGTERM, is_cold: false },
    Start { name: "SIGKILL", after: Signal::SIGKILL, is_cold: false },
    Start { name: "SIGTERM, cold", after: Signal::SIGTERM, is_cold: true },
];

/// Users who are looked for after each start, evenly spread.
const LOOKED_FOR: u32 = 1000;

/// What one start took.
pub(super) struct Sample {
    stop: Duration,
    pub(super) first_answer: Duration,
    cpu: Duration,
    memory: u64,
    read: u64,
}

pub(crate) fn run(options: &Options, bindings: u32, folder: &Path) -> Result<()> {
    println!("{}", report::machine());
    let mut raw = Vec::new();
    for &which in options.servers.iter().filter(|which| which.is_ours() && which.keeps()) {
        println!("\n{}, {bindings} bindings, {} rounds", which.name(), options.rounds);
        let mut samples: [Vec<Sample>; STARTS.len()] = Default::default();
        for _ in 0..options.rounds {
            let mut kept = Kept::new(which, bindings, options.outstanding, folder)?;
            for (start, samples) in STARTS.iter().zip(&mut samples) {
                samples.push(kept.start_again(start)?);
            }
            println!("at the end {}", kept.size()?);
        }
        print(&samples);
        raw.extend(STARTS.iter().zip(&samples).map(|(start, samples)| json(which, bindings, start, samples)));
    }
    report::write(folder, &json!({ "machine": report::machine(), "starts": raw }))
}

/// A server that has registered all, and keeps them.
pub(super) struct Kept {
    server: Server,
    load: Load,
    bindings: u32,
    plan: Plan,
}

impl Kept {
    /// Registers all.
    pub(super) fn new(which: Which, bindings: u32, outstanding: u32, folder: &Path) -> Result<Self> {
        let server = Server::start(which, Access::Open, bindings, folder)?;
        let mut load = Load::udp(server.port, SOCKETS)?;
        let pace = Pace::Outstanding(usize::try_from(outstanding)?);
        let plan = Plan::refreshes((0, bindings), u64::from(bindings / 10), pace);
        let registered = load.run(&plan.each_once())?;
        // Some may have been lost on the way; whoever got an answer must be there.
        let (lost, unwanted) = (registered.lost, &registered.unwanted);
        ensure!(lost == 0 && unwanted.is_empty(), "not all were registered: {lost} lost, {unwanted:?}");
        let kept = Self { server, load, bindings, plan };
        println!(
            "registered in {:.1} s; {}; {:.0} MB of memory",
            registered.took.as_secs_f32(),
            kept.size()?,
            kept.server.memory()? as f64 / 1e6,
        );
        Ok(kept)
    }

    /// Ends it and starts it again in this way.
    pub(super) fn start_again(&mut self, start: &Start) -> Result<Sample> {
        let Self { server, load, bindings, plan } = self;
        // What no snapshot has yet.
        load.run(plan)?;
        let stop = server.stop(start.after);
        if start.is_cold {
            disk::forget(&server.data())?;
        }
        let first_answer = server.start_again()?;
        let (cpu, read, memory) = (server.used()?, server.read()?, server.memory()?);
        for turn in 0..LOOKED_FOR.min(*bindings) {
            let user = (u64::from(*bindings) * u64::from(turn) / u64::from(LOOKED_FOR)) as u32;
            ensure!(load.is_bound(user)?, "user {user} is not bound after {}", start.name);
        }
        Ok(Sample { stop, first_answer, cpu, memory, read })
    }

    /// Ends it and removes what it has kept.
    pub(super) fn forget(self) -> Result<()> {
        self.server.forget()
    }

    /// What its files take, in words.
    fn size(&self) -> Result<String> {
        let size = disk::size(&self.server.data())?;
        let each = |bytes: u64| bytes as f64 / f64::from(self.bindings);
        Ok(format!("{:.1} bytes of file for a binding, {:.1} on the disk", each(size.length), each(size.allocated)))
    }
}

fn print(samples: &[Vec<Sample>; STARTS.len()]) {
    println!("\nFrom the start of the process to the first answer, ms");
    table(samples, |sample| sample.first_answer.as_secs_f64() * 1e3);
    println!("\nCPU until then, ms");
    table(samples, |sample| sample.cpu.as_secs_f64() * 1e3);
    println!("\nRead from the disk, MB");
    table(samples, |sample| sample.read as f64 / 1e6);
    println!("\nMemory after it (Pss), MB");
    table(samples, |sample| sample.memory as f64 / 1e6);
    println!("\nFrom the signal to the end of the process, ms");
    table(samples, |sample| sample.stop.as_secs_f64() * 1e3);
}

fn table(samples: &[Vec<Sample>; STARTS.len()], value: impl Fn(&Sample) -> f64) {
    println!("{:<18} {:>7}  {:>15}  each round", "after", "median", "range");
    for (start, samples) in STARTS.iter().zip(samples) {
        let values: Vec<f64> = samples.iter().map(&value).collect();
        println!("{:<18} {}", start.name, report::spread(&values));
    }
}

fn json(which: Which, bindings: u32, start: &Start, samples: &[Sample]) -> Value {
    let each = samples.iter().map(|sample| {
        json!({
            "stop_seconds": sample.stop.as_secs_f64(),
            "first_answer_seconds": sample.first_answer.as_secs_f64(),
            "cpu_seconds": sample.cpu.as_secs_f64(),
            "memory": sample.memory,
            "read": sample.read,
        })
    });
    json!({ "server": which.name(), "bindings": bindings, "after": start.name, "starts": each.collect::<Vec<_>>() })
}
