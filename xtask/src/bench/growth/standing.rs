//! What grows with the bindings that are there, whether anybody asks or not: memory, and the time to start.

use std::path::Path;

use anyhow::{Result, ensure};

use super::super::Options;
use super::super::load::Load;
use super::super::pace::Pace;
use super::super::plan::Plan;
use super::super::restart::{Kept, STARTS};
use super::super::scenario::SOCKETS;
use super::super::servers::{Access, Keep, Server, Which};
use super::Curve;
use super::axes::OURS;

/// Bindings at the end, and at how many points on the way memory is read.
const MEMORY: [(Which, u32, u32); 2] = [(OURS, 10_000_000, 40), (Which::Kamailio, 1_000_000, 4)];

/// Bindings on disk.
const RESTART: [u32; 5] = [100_000, 500_000, 1_000_000, 2_000_000, 3_000_000];

/// Each server is filled once, and looked at on the way.
pub(super) fn memory(options: &Options, folder: &Path) -> Result<Vec<Curve>> {
    let pace = Pace::Outstanding(usize::try_from(options.outstanding)?);
    let mut curves = Vec::new();
    for (which, most, steps) in MEMORY.into_iter().filter(|(which, ..)| which.missing().is_none()) {
        let server = Server::start(which, Access::Open, most, folder)?;
        let mut load = Load::udp(server.port, SOCKETS)?;
        let step = most / steps;
        for at in 0..=steps {
            if at > 0 {
                let registered = load.run(&Plan::refreshes(((at - 1) * step, step), 0, pace).each_once())?;
                ensure!(registered.unwanted.is_empty(), "{}: {:?}", which.name(), registered.unwanted);
            }
            let (bindings, megabytes) = (f64::from(at * step), server.memory()? as f64 / 1e6);
            println!("memory: {bindings}: {} {megabytes:.1} MB", which.name());
            Curve::add(&mut curves, which, bindings, megabytes);
        }
    }
    Ok(curves)
}

/// Each server is filled once, and then they start in turn.
pub(super) fn restart(options: &Options, folder: &Path) -> Result<Vec<Curve>> {
    let which = Which::Registrar(Keep::Synced);
    let mut servers = Vec::new();
    for bindings in RESTART {
        println!("{} with {bindings}:", which.name());
        servers.push((bindings, Kept::new(which, bindings, options.outstanding.max(1024), folder)?));
    }
    let mut curves = Vec::new();
    let [after_sigterm, ..] = &STARTS;
    for round in 1..=options.rounds {
        for (bindings, kept) in &mut servers {
            let seconds = kept.start_again(after_sigterm)?.first_answer.as_secs_f64();
            println!("restart, round {round} of {}: {bindings}: {seconds:.2} s", options.rounds);
            Curve::add(&mut curves, which, f64::from(*bindings), seconds);
        }
    }
    servers.into_iter().try_for_each(|(_, kept)| kept.forget())?;
    Ok(curves)
}
