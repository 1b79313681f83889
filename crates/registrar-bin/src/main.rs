//! `registrar`: a SIP registrar as a program.
//!
//! ```text
//!   command line ─▶ config: as typed ─▶ Settings: resolved and checked ─▶ assemble: the chain ─▶ serve
//! ```
//!
//! This crate is the only one that knows all the others, and does nothing itself but read what it is told, wire the
//! parts and report.
#![forbid(unsafe_code)]

mod assemble;
mod bad_lines;
mod banner;
mod certificates;
mod check;
mod cli;
mod config;
mod counts;
mod descriptors;
mod guards;
mod journal;
mod location;
mod log_writer;
mod reread;
mod say;
mod serve;
mod show;
mod signals;
mod time;
mod users;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Wrong settings (EX_USAGE of sysexits.h).
const EX_USAGE: u8 = 64;
/// Data that is not what it should be (EX_DATAERR).
const EX_DATAERR: u8 = 65;
/// Right settings that the machine does not allow, such as a port in use (EX_UNAVAILABLE).
const EX_UNAVAILABLE: u8 = 69;
/// A fault in this program (EX_SOFTWARE).
const EX_SOFTWARE: u8 = 70;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        None => serve::serve(&cli.serve),
        Some(Command::Serve(args)) => serve::serve(args),
        Some(Command::Check(args)) => check::check(args),
        Some(Command::User(command)) => users::command(command),
        Some(Command::Location(command)) => location::command(command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let (code, text) = match &failure {
                Failure::Settings(text) => (EX_USAGE, text),
                Failure::Data(text) => (EX_DATAERR, text),
                Failure::Machine(text) => (EX_UNAVAILABLE, text),
                Failure::Fault(text) => (EX_SOFTWARE, text),
            };
            // Nobody is left to be told if this fails.
            drop(writeln!(std::io::stderr(), "{}", text.trim_end()));
            ExitCode::from(code)
        }
    }
}

/// Why the program ends, in words for the operator.
pub(crate) enum Failure {
    /// What it was told is wrong.
    Settings(String),
    /// What it read is wrong, or damaged.
    Data(String),
    /// What it was told cannot be done here.
    Machine(String),
    /// It is broken.
    Fault(String),
}
