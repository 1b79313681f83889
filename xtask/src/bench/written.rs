//! What reaches the disk for a request, beside the bytes of the records that it changes.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::disk::{self, Device};
use super::load::Load;
use super::pace::Pace;
use super::plan::{Order, Outcome, Plan};
use super::scenario::SOCKETS;
use super::servers::{Access, Server, Which};
use super::{Options, report};

/// How long others are watched, to know what they write.
const IDLE: Duration = Duration::from_secs(5);

/// The rate that is offered unless another is named.
const RATE: u32 = 10_000;

/// One load.
struct Phase {
    name: String,
    outcome: Outcome,
    /// Bytes that the device counted.
    device: u64,
    /// Bytes that the kernel counted for the server's processes.
    processes: u64,
    /// The length of the server's files afterwards.
    file: u64,
}

pub(crate) fn run(options: &Options, seconds: u32, folder: &Path) -> Result<()> {
    println!("{}", report::machine());
    let device = Device::of(folder)?;
    let before = device.written()?;
    thread::sleep(IDLE);
    let others = device.written()?.saturating_sub(before) as f64 / IDLE.as_secs_f64();
    println!("others write {:.1} kB a second to this disk", others / 1e3);
    let mut raw = Vec::new();
    for &which in options.servers.iter().filter(|which| which.keeps()) {
        println!(
            "\n{}, {} addresses-of-record, {seconds} s for each load",
            which.name(),
            options.aors.div_ceil(which.less())
        );
        raw.push(measure(which, options, seconds, &device, folder)?);
    }
    report::write(folder, &json!({ "machine": report::machine(), "others_bytes_per_second": others, "servers": raw }))
}

fn measure(which: Which, options: &Options, seconds: u32, device: &Device, folder: &Path) -> Result<Value> {
    let rate = options.rate.unwrap_or(RATE);
    let (known, more) = (options.aors.div_ceil(which.less()), rate * seconds);
    let mut server = Server::start(which, Access::Open, known + more, folder)?;
    let mut load = Load::udp(server.port, SOCKETS)?;
    let full = Pace::Outstanding(usize::try_from(options.outstanding)?);
    let offered = Pace::PerSecond(rate);
    let (new, again) = (Order::InTurn, Order::Scattered);
    // Those that are new at once, all of them; the others for so many seconds.
    let loads = [
        ("new, at the limit".to_owned(), full, (0, known), new, u64::from(known)),
        ("refresh, at the limit".to_owned(), full, (0, known), again, u64::MAX),
        (format!("new, {rate}/s"), offered, (known, more), new, u64::from(more)),
        (format!("refresh, {rate}/s"), offered, (0, known), again, u64::from(more)),
    ];
    let mut phases = Vec::new();
    for (name, pace, users, order, count) in loads {
        let (by_device, by_processes) = (device.written()?, server.written()?);
        let until = (count == u64::MAX).then(|| Instant::now() + Duration::from_secs(seconds.into()));
        let plan = Plan { order, until, ..Plan::refreshes(users, count, pace) };
        let outcome = load.run(&plan)?;
        ensure!(outcome.answered > 0, "{name}: no answers");
        server.settle();
        phases.push(Phase {
            name,
            outcome,
            device: device.written()?.saturating_sub(by_device),
            processes: server.written()?.saturating_sub(by_processes),
            file: if which.is_ours() { disk::size(&server.data())?.length } else { 0 },
        });
    }
    server.stop(Signal::SIGTERM);
    // Records are all of one size here.
    let record = match which {
        _ if which.is_ours() => {
            let counted = server.counted()?;
            let of = |name| counted.get(name);
            let (changes, bytes) = (of("location_changes"), of("location_change_bytes"));
            println!(
                "{changes} changes of {:.0} bytes in {} writes and {} snapshots; the store wrote {:.2} × their bytes",
                bytes as f64 / changes as f64,
                of("location_writes"),
                of("location_snapshots"),
                of("location_written_bytes") as f64 / bytes as f64,
            );
            Some(bytes as f64 / changes as f64)
        }
        _ => None,
    };
    println!(
        "{:<22} {:>9} {:>9} {:>15} {:>15} {:>9} {:>8}",
        "load", "answers/s", "answers", "B/answer: disk", "its processes", "÷ record", "file MB"
    );
    for phase in &phases {
        let answers = phase.outcome.answered as f64;
        let each = phase.device as f64 / answers;
        println!(
            "{:<22} {:>9.0} {:>9} {:>15.0} {:>15.0} {:>9} {:>8.1}",
            phase.name,
            phase.outcome.rate(),
            phase.outcome.answered,
            each,
            phase.processes as f64 / answers,
            record.map_or_else(|| "-".to_owned(), |record| format!("{:.2}", each / record)),
            phase.file as f64 / 1e6,
        );
    }
    let raw: Vec<Value> = phases.iter().map(raw).collect();
    Ok(json!({ "server": which.name(), "record_bytes": record, "loads": raw }))
}

fn raw(phase: &Phase) -> Value {
    json!({
        "load": phase.name,
        "answered": phase.outcome.answered,
        "lost": phase.outcome.lost,
        "unwanted": phase.outcome.unwanted,
        "seconds": phase.outcome.took.as_secs_f64(),
        "device_bytes": phase.device,
        "process_bytes": phase.processes,
        "file_bytes": phase.file,
    })
}
