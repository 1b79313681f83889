//! Commands that ask a running registrar, that try any registrar, and that tell of the commands.

mod addresses;
mod api;
mod find;
mod load;
mod paper;
mod password;
mod probe;
mod watch;

pub(crate) use paper::paper;

use std::future::Future;
use std::io::{IsTerminal, Write};

use registrar_client::view::Look;
use serde::Serialize;
use tokio::runtime::Builder;

use crate::Failure;
use crate::cli::{ApiCommand, SipCommand};

/// Asks the running registrar.
pub(crate) fn api(command: &ApiCommand) -> Result<(), Failure> {
    run(api::command(command))
}

/// Registers at any registrar.
pub(crate) fn sip(command: &SipCommand) -> Result<(), Failure> {
    match command {
        SipCommand::Probe(args) => run(probe::probe(args)),
        SipCommand::Load(args) => run(load::load(args)),
    }
}

fn run(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Machine(format!("error: cannot begin: {error}")))?;
    runtime.block_on(command)
}

/// How standard output looks.
fn look() -> Look {
    Look::of_stdout(|name| std::env::var_os(name), std::io::stdout().is_terminal())
}

/// One thing as JSON for scripts.
fn json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::Fault(format!("error: JSON: {error}")))?;
    Ok(text + "\n")
}

/// Prints a part of what was asked for; `false`: whoever reads has seen enough.
fn print_on(text: &str) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::Machine(format!("error: standard output: {error}"))),
    }
}
