//! CPU for a request, at every point of an axis in turn, in rounds.

use std::path::Path;

use anyhow::{Result, ensure};

use super::super::Options;
use super::super::connections::make_room;
use super::super::digest::{Login, PASSWORD};
use super::super::load::Load;
use super::super::pace::Pace;
use super::super::plan::{Plan, Proof};
use super::super::scenario::{SOCKETS, check_passwords, measured};
use super::super::servers::{Access, Server, Which};
use super::Curve;
use super::axes::{Axis, Case};

/// A server at its point, with the load that it gets.
struct Subject {
    case: Case,
    server: Server,
    load: Load,
    plan: Plan,
}

pub(super) fn measure(axis: Axis, options: &Options, folder: &Path) -> Result<Vec<Curve>> {
    let cases = axis.cases();
    let connections: u32 = cases.iter().map(|case| case.connections).sum();
    make_room(u64::from(connections) + 1000)?;
    let mut subjects = Vec::new();
    for case in cases.into_iter().filter(|case| case.which.missing().is_none()) {
        subjects.push(Subject::start(case, options, folder)?);
    }
    let mut curves = Vec::new();
    for round in 1..=options.rounds {
        // What drifts within a round must not always meet the same point.
        if round > 1 {
            subjects.reverse();
        }
        for Subject { case, server, load, plan } in &mut subjects {
            let (cpu, outcome) = measured(server, load, plan)?;
            let (which, x) = (case.which, case.x);
            ensure!(outcome.unwanted.is_empty(), "{} at {x}: {:?}", which.name(), outcome.unwanted);
            println!(
                "{}, round {round} of {}: {x}: {} {cpu:.2} µs, {} lost",
                axis.name(),
                options.rounds,
                which.name(),
                outcome.lost
            );
            Curve::add(&mut curves, which, f64::from(x), cpu);
        }
    }
    subjects.into_iter().try_for_each(|subject| subject.server.forget())?;
    Ok(curves)
}

impl Subject {
    /// Starts it, with all its users registered.
    fn start(case: Case, options: &Options, folder: &Path) -> Result<Self> {
        let Case { which, access, room, connections, x } = case;
        println!("{} at {x}", which.name());
        let server = Server::start(which, access, room, folder)?;
        let mut load = match connections {
            0 => Load::udp(server.port, SOCKETS)?,
            _ => Load::tcp(server.port, usize::try_from(connections)?)?,
        };
        let pace = Pace::Outstanding(usize::try_from(options.outstanding)?);
        let mut plan = Plan { shape: room.shape, ..Plan::refreshes((0, room.bindings), options.requests, pace) };
        match access {
            _ if which == Which::Echo => {}
            Access::Open => {
                let registered = load.run(&plan.each_once())?;
                ensure!(registered.unwanted.is_empty(), "{} at {x}: {:?}", which.name(), registered.unwanted);
            }
            Access::Users(hash) => {
                check_passwords(&mut load, hash, &plan, which.name())?;
                plan.proof = Proof::Again(Login { hash, password: PASSWORD });
            }
        }
        Ok(Self { case, server, load, plan })
    }
}
