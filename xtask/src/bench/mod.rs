//! `cargo xtask bench`: the release binary under load, beside Kamailio and a bare UDP echo, in interleaved rounds.
//!
//! By itself it prints the table of budgets; with the options that say "instead" it measures one thing in detail.
//!
//! Wall-clock figures of a shared machine say little; what counts is the servers' CPU time per request, and its ratio
//! between servers measured a moment apart.

mod client;
mod configs;
mod connections;
mod databases;
mod digest;
mod disk;
pub(crate) mod echo;
mod growth;
mod kamailio;
mod latency;
mod listing;
mod load;
mod million;
mod others;
mod pace;
mod plan;
mod process;
mod report;
mod requests;
mod restart;
mod scenario;
mod servers;
mod table;
mod usage;
mod wire;
mod written;

use std::env;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use self::digest::Hash;
use self::growth::Axis;
use self::report::Sample;
use self::scenario::Trial;
use self::servers::{Access, Keep, Server, Which};
use self::table::Row;
use crate::command::{self, cargo};

#[derive(Args, Clone)]
pub(crate) struct Options {
    /// Rounds of all servers in turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Addresses-of-record
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    aors: u32,
    /// Requests of each measurement beside the first registrations
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    requests: u64,
    /// Requests that are outstanding at any moment
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4096))]
    outstanding: u32,
    /// This program instead of the release binary, such as that of `cargo xtask optimized`
    #[arg(long)]
    program: Option<PathBuf>,
    /// Only these rows of the table
    #[arg(long, value_delimiter = ',', conflicts_with_all = ["details", "only", "servers", "rate"])]
    rows: Vec<Row>,
    /// Instead: every scenario of every server, with CPU, ratios and latencies
    #[arg(long)]
    details: bool,
    /// Of the details: only these servers, in this order
    #[arg(long, value_delimiter = ',')]
    servers: Vec<Which>,
    /// Of the details: only servers that ask for no passwords, or for some by this hash
    #[arg(long, value_delimiter = ',')]
    only: Vec<Access>,
    /// Of the details: also refreshes at this rate a second, whatever is answered
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// Instead: bytes for each of so many bindings, and the pause when they all expire
    #[arg(long, value_parser = clap::value_parser!(u32).range(1000..=3_000_000))]
    bindings: Option<u32>,
    /// Instead: how long servers that keep their bindings take to start with so many
    #[arg(long, value_parser = clap::value_parser!(u32).range(1000..=3_000_000))]
    restart: Option<u32>,
    /// Instead: what servers that keep their bindings write to the disk, in so many seconds of each load
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=250))]
    written: Option<u32>,
    /// Instead: memory for each of so many idle connections over TCP, TLS and WSS, and CPU to open one
    #[arg(long, value_parser = clap::value_parser!(u32).range(100..=20_000))]
    connections: Option<u32>,
    /// Instead: what phones notice when a table of so many is listed over the API
    #[arg(long, value_parser = clap::value_parser!(u32).range(1000..=3_000_000))]
    listing: Option<u32>,
    /// Instead: how cost grows with one thing after the other, or with these, as pictures in docs/growth
    #[arg(long, value_delimiter = ',', num_args = 0..)]
    growth: Option<Vec<Axis>>,
    /// Instead: how long answers take at 10, 50 and 80 % of the rate that each server reaches, beside the echo
    #[arg(long)]
    latency: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if cfg!(debug_assertions) {
        // The generator must not be the slower side.
        let own = env::args_os().skip(1);
        return command::run(cargo().args(["run", "--quiet", "--release", "--package", "xtask", "--"]).args(own));
    }
    // Who names servers, passwords or a rate asks for the details.
    let is_detailed =
        options.details || !options.servers.is_empty() || !options.only.is_empty() || options.rate.is_some();
    let mut options = options.clone();
    if options.servers.is_empty() {
        options.servers =
            vec![Which::Echo, Which::Registrar(Keep::Memory), Which::Registrar(Keep::Synced), Which::Kamailio];
    }
    if options.only.is_empty() {
        options.only = Access::value_variants().to_vec();
    }
    options.servers.retain(|which| match which.missing() {
        None => true,
        Some(package) => {
            println!("{} is left out: the Debian package {package} is not here", which.name());
            false
        }
    });
    if let Some(program) = &options.program {
        configs::measure(program)?;
    } else if options.servers.iter().any(|which| which.is_ours()) {
        command::run(cargo().args(["build", "--release", "--bin", "registrar"]))?;
    }
    let folder = folder()?;
    if let Some(bindings) = options.bindings {
        million::run(&options, bindings, &folder)
    } else if let Some(bindings) = options.restart {
        restart::run(&options, bindings, &folder)
    } else if let Some(seconds) = options.written {
        written::run(&options, seconds, &folder)
    } else if let Some(connections) = options.connections {
        connections::run(&options, connections, &folder)
    } else if let Some(bindings) = options.listing {
        listing::run(&options, bindings, &folder)
    } else if options.latency {
        latency::run(&options, &folder)
    } else if let Some(axes) = &options.growth {
        growth::run(axes, &options, &folder)
    } else if is_detailed {
        rounds(&options, &folder)
    } else {
        table::run(&options, &folder)
    }
}

/// Configurations, logs and results of this run, beside what cargo builds.
fn folder() -> Result<PathBuf> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let program = env::current_exe()?;
    let target = program.parent().and_then(Path::parent).context("not in a target folder")?;
    let folder = target.join("bench").join(now.to_string());
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

fn rounds(options: &Options, folder: &Path) -> Result<()> {
    let mut samples = Vec::new();
    for round in 1..=options.rounds {
        for &access in &options.only {
            for &which in &options.servers {
                println!("round {round} of {}: {}, {}", options.rounds, access.name(), which.name());
                let server = Server::start(which, access, options.aors, folder)?;
                Trial { server: &server, which, access, options }.run(&mut |scenario, cpu, outcome| {
                    samples.push(Sample { round, which, scenario, cpu, outcome });
                })?;
            }
        }
    }
    report::print(&samples, options, folder)
}

impl ValueEnum for Which {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.name()))
    }
}

impl ValueEnum for Access {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Open, Self::Users(Hash::Md5), Self::Users(Hash::Sha256)]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Open => "open",
            Self::Users(Hash::Md5) => "md5",
            Self::Users(Hash::Sha256) => "sha-256",
        }))
    }
}
