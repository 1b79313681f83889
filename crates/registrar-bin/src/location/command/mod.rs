//! `registrar location`.

mod export;
mod import;
mod output;
mod target;
mod upkeep;

use sip_dispatch::Answer;

use crate::Failure;
use crate::cli::LocationCommand;

/// Does what it is told with the table of a registrar that does not run.
pub(crate) fn command(command: &LocationCommand) -> Result<(), Failure> {
    match command {
        LocationCommand::Export(args) => export::export(args),
        LocationCommand::Import(args) => import::import(args),
        LocationCommand::Verify(args) => upkeep::verify(args),
        LocationCommand::Compact(args) => upkeep::compact(args),
    }
}

/// Waits for an answer that may come later.
fn wait<T: Send + 'static>(answer: Answer<T>, runtime: &tokio::runtime::Runtime) -> T {
    match answer {
        Answer::Now(value) => value,
        waits => runtime.block_on(waits.told()),
    }
}

/// For waiting.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_current_thread().build();
    built.map_err(|error| Failure::Machine(format!("error: {error}")))
}
