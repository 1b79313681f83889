//! `registrar`: a SIP registrar as a program.
//!
//! ```text
//!   command line ─▶ config: as typed ─▶ Settings: resolved and checked ─▶ assemble: the chain ─▶ serve
//! ```
//!
//! This crate is the only one that knows all the others, and does nothing itself but read what it is told, wire the
//! parts and report.
#![forbid(unsafe_code)]

mod access;
mod admin;
mod assemble;
mod backend;
mod bad_lines;
mod banner;
mod certificates;
mod check;
mod cli;
mod commands;
mod config;
mod counts;
mod descriptors;
mod guards;
mod journal;
mod location;
mod log_writer;
mod message_log;
mod per_second;
mod reload;
mod reread;
mod say;
mod serve;
mod service;
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
/// There is no such address, binding or connection (EX_NOUSER).
const EX_NOUSER: u8 = 67;
/// A name has no address (EX_NOHOST).
const EX_NOHOST: u8 = 68;
/// Right settings that the machine does not allow, such as a port in use (EX_UNAVAILABLE).
const EX_UNAVAILABLE: u8 = 69;
/// A fault in this program (EX_SOFTWARE).
const EX_SOFTWARE: u8 = 70;
/// The other end speaks another language, or another version of it (EX_PROTOCOL).
const EX_PROTOCOL: u8 = 76;
/// A token, a password or a permission is missing (EX_NOPERM).
const EX_NOPERM: u8 = 77;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        None => serve::serve(&cli.serve),
        Some(Command::Serve(args)) => serve::serve(args),
        Some(Command::Check(args)) => check::check(args),
        Some(Command::User(command)) => users::command(command),
        Some(Command::Location(command)) => location::command(command),
        Some(Command::Api(command)) => commands::api(command),
        Some(Command::Sip(command)) => commands::sip(command),
        Some(Command::Paper(command)) => commands::paper(command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let (code, text) = match &failure {
                Failure::Settings(text) => (EX_USAGE, text),
                Failure::Data(text) => (EX_DATAERR, text),
                Failure::Machine(text) => (EX_UNAVAILABLE, text),
                Failure::Fault(text) => (EX_SOFTWARE, text),
                Failure::Missing(text) => (EX_NOUSER, text),
                Failure::NoAddress(text) => (EX_NOHOST, text),
                Failure::Strange(text) => (EX_PROTOCOL, text),
                Failure::NotAllowed(text) => (EX_NOPERM, text),
            };
            // Some have said all before. Nobody is left to be told if this fails.
            if !text.is_empty() {
                drop(writeln!(std::io::stderr(), "{}", text.trim_end()));
            }
            ExitCode::from(code)
        }
    }
}

impl Failure {
    /// What is said of it.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Settings(text)
            | Self::Data(text)
            | Self::Machine(text)
            | Self::Fault(text)
            | Self::Missing(text)
            | Self::NoAddress(text)
            | Self::Strange(text)
            | Self::NotAllowed(text) => text,
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
    /// What it was to act upon is not there.
    Missing(String),
    /// A name has no address.
    NoAddress(String),
    /// The other end is not what it should be.
    Strange(String),
    /// It may not do what it was told.
    NotAllowed(String),
}
