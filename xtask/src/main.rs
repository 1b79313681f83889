//! `cargo xtask`: the project's own commands. `cargo xtask test` is what a submission must pass.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what these commands print is their result")]

mod bench;
mod command;
mod fuzz;
mod instructions;
mod layers;
mod optimized;
mod reasons;
mod schemathesis;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything a submission must pass: tools, format, lints, layers, tidy, licences, tests, documentation, fuzzing
    Test(test::Options),
    /// Who may know whom among the crates; each library also builds alone
    Layers,
    /// The habits of this house that no compiler checks
    Tidy,
    /// Known security advisories against the dependencies; fails when the database cannot be reached
    Advisories,
    /// Write docs/reasons.md from the tables in the code
    Reasons,
    /// Run the fuzz targets
    Fuzz(fuzz::Options),
    /// Counted instructions and allocations of the hot paths, against what was recorded
    Instructions(instructions::Options),
    /// Server CPU per request, latency and memory of the release binary, beside Kamailio and a bare UDP echo
    Bench(bench::Options),
    /// The release binary compiled by a profile of its own work, which takes less CPU: target/optimized/registrar
    Optimized,
    /// The bare UDP echo that bench starts
    #[command(hide = true)]
    Echo { port: u16 },
}

fn main() -> ExitCode {
    match perform(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Test(options) => test::run(&options),
        Task::Layers => layers::run(),
        Task::Tidy => tidy::run(),
        Task::Advisories => test::advisories(),
        Task::Reasons => reasons::run(),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Instructions(options) => instructions::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Optimized => optimized::run(),
        Task::Echo { port } => bench::echo::serve(port),
    }
}
