//! The whole table listed over the API while phones refresh: what the phones notice of it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::configs::program;
use super::load::Load;
use super::pace::Pace;
use super::plan::{Outcome, Plan};
use super::process::Process;
use super::requests::DOMAIN;
use super::scenario::SOCKETS;
use super::servers::free_port;
use super::{Options, report, usage};
use crate::command;

/// Refreshes in a second, of as many users.
const RATE: u32 = 10_000;

/// For how long they are timed, with and without somebody who lists.
const TIMED: Duration = Duration::from_secs(10);

pub(crate) fn run(options: &Options, bindings: u32, folder: &Path) -> Result<()> {
    println!("{}", report::machine());
    let (sip, api) = (free_port()?, free_port()?);
    let config = folder.join("registrar.toml");
    let text = format!(
        "listen = [\"udp:127.0.0.1:{sip}\"]\ndomains = [\"{DOMAIN}\"]\nworkers = 1\n\
         [registrar]\nmax_expires = 7200\njitter = 0\n[location]\nmode = \"memory\"\n\
         [admin]\nlisten = \"127.0.0.1:{api}\"\n"
    );
    fs::write(&config, text)?;
    let mut command = command::new(program()?);
    command.arg("serve").arg("--config").arg(&config);
    let mut server = Process::start(command, &folder.join("log"))?;
    server.wait_until(Duration::from_millis(5), |printed| printed.contains("  api "))?;

    let mut load = Load::udp(sip, SOCKETS)?;
    let plan = |count, pace, until| Plan { until, ..Plan::refreshes((0, bindings), count, pace) };
    let registered = load.run(&plan(0, Pace::Outstanding(usize::try_from(options.outstanding)?), None).each_once())?;
    ensure!(registered.lost == 0 && registered.unwanted.is_empty(), "not all of them could register");
    println!("{bindings} bindings; {RATE} refreshes in a second");
    let mut rounds = Vec::new();
    for round in 1..=options.rounds {
        let timed = || plan(u64::MAX, Pace::PerSecond(RATE), Some(Instant::now() + TIMED));
        let alone = load.run(&timed())?;
        let before = usage::memory(server.id())?;
        let done = AtomicBool::new(false);
        let (outcome, listings, memory) = thread::scope(|scope| -> Result<_> {
            let lister = scope.spawn(|| {
                let mut listings = 0_u32;
                while !done.load(Ordering::Relaxed) {
                    let lines = list(api)?;
                    ensure!(lines >= u64::from(bindings), "{lines} of {bindings} addresses were listed");
                    listings += 1;
                }
                Ok(listings)
            });
            let watcher = scope.spawn(|| {
                let mut most = 0;
                while !done.load(Ordering::Relaxed) {
                    most = most.max(usage::memory(server.id()).unwrap_or(0));
                    thread::sleep(Duration::from_millis(200));
                }
                most
            });
            let outcome = load.run(&timed());
            done.store(true, Ordering::Relaxed);
            let listings = lister.join().ok().context("the one who lists")??;
            Ok((outcome?, listings, watcher.join().ok().context("the one who watches")?))
        })?;
        say(round, "alone", &alone);
        say(round, "listed", &outcome);
        let more = memory.saturating_sub(before) as f64 / 1e6;
        println!("round {round}: {listings} listings, {more:.1} MB more at most, of {:.1} MB", before as f64 / 1e6);
        let figures = |outcome: &Outcome| {
            json!({ "p50_us": micros(outcome, 0.5), "p99_us": micros(outcome, 0.99), "p99.9_us": micros(outcome, 0.999),
                    "lost": outcome.lost })
        };
        rounds.push(json!({ "alone": figures(&alone), "listed": figures(&outcome), "listings": listings,
                            "memory_before": before, "memory_at_most": memory }));
    }
    report::write(folder, &json!({ "machine": report::machine(), "bindings": bindings, "rounds": rounds }))
}

fn say(round: u32, name: &str, outcome: &Outcome) {
    let micros = |share| micros(outcome, share);
    println!(
        "round {round}: {name:<7} p50 {:>6.0} µs, p99 {:>6.0}, p99.9 {:>6.0}; {} answered, {} lost",
        micros(0.5),
        micros(0.99),
        micros(0.999),
        outcome.answered,
        outcome.lost
    );
}

fn micros(outcome: &Outcome, share: f64) -> f64 {
    outcome.latency(share).as_secs_f64() * 1e6
}

/// Reads the whole table as JSON lines; how many there were.
fn list(api: u16) -> Result<u64> {
    let mut stream = TcpStream::connect(("127.0.0.1", api))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(
        b"GET /api/v1/aors HTTP/1.1\r\nHost: localhost\r\nAccept: application/x-ndjson\r\nConnection: close\r\n\r\n",
    )?;
    let mut lines = BufReader::with_capacity(1 << 16, stream);
    let mut line = Vec::new();
    let mut count = 0;
    while lines.read_until(b'\n', &mut line)? > 0 {
        // The sizes of chunks and the head begin otherwise.
        count += u64::from(line.starts_with(b"{\"aor\":"));
        line.clear();
    }
    Ok(count)
}
