//! Commands that tell of the commands.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::Shell;

#[derive(Debug, Subcommand)]
pub(crate) enum PaperCommand {
    /// Write what makes a shell complete these commands.
    Completions(CompletionsArgs),
    /// Write the manual pages, registrar.1 and one for each command, into a directory.
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The directory, such as /usr/local/share/man/man1.
    pub(crate) directory: PathBuf,
}
