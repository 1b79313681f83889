//! The works of the table in interleaved rounds: in each, every server does each work a moment after the others.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use nix::time::ClockId;

use super::super::client::Kind;
use super::super::load::Load;
use super::super::million::fill;
use super::super::others::Watch;
use super::super::pace::Pace;
use super::super::plan::{Outcome, Plan};
use super::super::scenario::{LASTING, SOCKETS, measured};
use super::super::servers::{Access, Keep, Server, Which};
use super::super::{Options, connections, restart};
use super::budgets::{OURS, Row};
use super::figures::{Figures, What, Work};
use super::subjects::Subject;

/// Works that one set of servers does, in an order in which each finds what it needs: over TCP every user has a second
/// binding.
const STAGES: [&[Work]; 3] = [
    &[Work::Refresh, Work::Query, Work::Offered, Work::New, Work::RefreshOverTcp, Work::EveryCore],
    &[Work::Challenge, Work::Pair],
    &[Work::Durable],
];

/// Many addresses.
const MANY: u32 = 1_000_000;

/// Refreshes of them in each round, so that each round meets other records.
const REFRESHES_OF_MANY: u64 = 200_000;

/// Idle connections, whose memory does not differ from round to round.
const IDLE: u32 = 2000;
const IDLE_ROUNDS: u32 = 2;

/// How often a server with many bindings starts in each way.
const STARTS: u32 = 3;

impl Row {
    /// The works that it is about.
    fn works(self) -> &'static [Work] {
        match self {
            Self::Refresh => &[Work::Refresh],
            Self::New => &[Work::New],
            Self::Query => &[Work::Query],
            Self::Challenge => &[Work::Challenge],
            Self::Pair => &[Work::Pair],
            Self::Durable => &[Work::Durable],
            Self::Tcp => &[Work::RefreshOverTcp],
            Self::Offered => &[Work::Offered],
            Self::Cores => &[Work::EveryCore],
            Self::Million | Self::Memory | Self::Connections | Self::Restart => &[],
        }
    }
}

/// Measures what these rows need.
pub(super) fn measure(rows: &[Row], options: &Options, folder: &Path, watch: &mut Watch) -> Result<Figures> {
    let mut figures = Figures::default();
    for round in 1..=options.rounds {
        for works in STAGES {
            let wanted = |work: &Work| rows.iter().any(|row| row.works().contains(work));
            let works: Vec<Work> = works.iter().copied().filter(wanted).collect();
            stage(&works, round, options, folder, &mut figures)?;
        }
        watch.lap(&format!("round {round}"))?;
    }
    if rows.contains(&Row::Million) || rows.contains(&Row::Memory) {
        many(rows.contains(&Row::Million), options, folder, &mut figures)?;
        watch.lap("many addresses")?;
    }
    if rows.contains(&Row::Connections) {
        for round in 1..=options.rounds.min(IDLE_ROUNDS) {
            for kind in Kind::ALL {
                let folder = folder.join(format!("idle-{}-{round}", kind.name()));
                let each = connections::idle(kind, IDLE, &folder)?;
                println!("{IDLE} idle connections, {}: {each:.0} bytes each", kind.name());
                figures.add(round, (What::BytesPerIdle(kind), OURS), each);
            }
        }
        watch.lap("idle connections")?;
    }
    if rows.contains(&Row::Restart) {
        starts(options, folder, &mut figures)?;
        watch.lap("restarts")?;
    }
    Ok(figures)
}

/// One round of these works.
fn stage(works: &[Work], round: u32, options: &Options, folder: &Path, figures: &mut Figures) -> Result<()> {
    let mut subjects: Vec<Subject> = Vec::new();
    let mut parties: Vec<(Which, Access)> = Vec::new();
    for party in works.iter().flat_map(|work| work.parties()) {
        if !parties.contains(party) && party.0.missing().is_none() {
            parties.push(*party);
            subjects.push(Subject::start(party.0, party.1, options, folder)?);
        }
    }
    // What grows slowly within a round must not always meet the same server.
    if round.is_multiple_of(2) {
        subjects.reverse();
    }
    for &work in works {
        let mut said = Vec::new();
        for subject in subjects.iter_mut().filter(|subject| subject.takes_part(work)) {
            let own = own_cpu()?;
            let (cpu, outcome) = subject.perform(work)?;
            let own = own_cpu()?.saturating_sub(own);
            said.push(format!("{} {cpu:.2}", subject.which.name()));
            note_flaws(figures, round, work, subject.which, &outcome);
            figures.add(round, (What::Cpu(work), subject.which), cpu);
            if work == Work::EveryCore {
                every_core(figures, round, cpu, &outcome, own);
            }
        }
        println!("round {round} of {}: {}: {} µs", options.rounds, work.name(), said.join(", "));
    }
    subjects.into_iter().try_for_each(Subject::forget)
}

/// How much a server does that has every core, and what the generator takes of them.
fn every_core(figures: &mut Figures, round: u32, cpu: f64, outcome: &Outcome, generator: Duration) {
    let cores = cpu * outcome.rate() / 1e6;
    let generator = generator.as_secs_f64() / outcome.took.as_secs_f64();
    let share = generator / (generator + cores) * 100.0;
    let of = [
        (What::Rate, outcome.rate()),
        (What::Cores, cores),
        (What::GeneratorCores, generator),
        (What::GeneratorShare, share),
    ];
    for (what, value) in of {
        figures.add(round, (what, Which::RegistrarEveryCore), value);
    }
}

/// CPU time of this process, which sends the requests.
fn own_cpu() -> Result<Duration> {
    Ok(ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?.into())
}

/// Answers that were not wanted, or did not come.
fn note_flaws(figures: &mut Figures, round: u32, work: Work, which: Which, outcome: &Outcome) {
    if outcome.lost > 0 || !outcome.unwanted.is_empty() {
        figures.flaws.push(format!(
            "round {round}: {}, {}: {} lost of {}, answered otherwise: {:?}",
            work.name(),
            which.name(),
            outcome.lost,
            outcome.answered + outcome.lost,
            outcome.unwanted
        ));
    }
}

/// Tables with many addresses, filled once; then refreshes in rounds, beside a table with few.
fn many(is_refreshed: bool, options: &Options, folder: &Path, figures: &mut Figures) -> Result<()> {
    let outstanding = usize::try_from(options.outstanding)?;
    let mut sizes = vec![(Work::RefreshOfMany, OURS, MANY)];
    if is_refreshed {
        sizes.push((Work::RefreshOfFew, OURS, options.aors));
        sizes.push((Work::RefreshOfMany, Which::Kamailio, MANY));
    }
    let mut tables = Vec::new();
    for (work, which, aors) in sizes.into_iter().filter(|(_, which, _)| which.missing().is_none()) {
        println!("{}, {aors} addresses:", which.name());
        let server = Server::start(which, Access::Open, aors, folder)?;
        let mut load = Load::udp(server.port, SOCKETS)?;
        let filled = fill(&server, &mut load, LASTING, aors, outstanding)?;
        ensure!(filled.registered.unwanted.is_empty(), "not all could register: {:?}", filled.registered.unwanted);
        if (work, which) == (Work::RefreshOfMany, OURS) {
            let each = filled.full as f64 / filled.registered.answered.max(1) as f64;
            figures.add(1, (What::BytesPerBinding, OURS), each);
        }
        tables.push((work, which, aors, server, load));
    }
    for round in (1..=options.rounds).filter(|_| is_refreshed) {
        let mut said = Vec::new();
        for (work, which, aors, server, load) in &mut tables {
            let plan = Plan::refreshes((0, *aors), REFRESHES_OF_MANY, Pace::Outstanding(outstanding));
            let (cpu, outcome) = measured(server, load, &plan)?;
            said.push(format!("{} of {aors} {cpu:.2}", which.name()));
            note_flaws(figures, round, *work, *which, &outcome);
            figures.add(round, (What::Cpu(*work), *which), cpu);
        }
        println!("round {round} of {}: refresh: {} µs", options.rounds, said.join(", "));
    }
    Ok(())
}

/// A server with many bindings on disk, filled once, that ends and starts again in each way.
fn starts(options: &Options, folder: &Path, figures: &mut Figures) -> Result<()> {
    let which = Which::Registrar(Keep::Synced);
    println!("{}, {MANY} bindings:", which.name());
    let mut kept = restart::Kept::new(which, MANY, options.outstanding.max(1024), folder)?;
    for round in 1..=options.rounds.min(STARTS) {
        for (at, start) in restart::STARTS.iter().enumerate() {
            let took = kept.start_again(start)?.first_answer.as_secs_f64();
            println!("first answer after {}: {took:.2} s", start.name);
            figures.add(round, (What::Start(at), which), took);
        }
    }
    kept.forget()
}
