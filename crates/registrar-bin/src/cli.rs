//! The command line, as typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A SIP registrar: phones tell it where they are, and it tells others.
///
/// Without a command it serves UDP and TCP on port 5060 of 127.0.0.1, and of ::1 where there is IPv6.
#[derive(Debug, Parser)]
#[command(name = "registrar", version, args_conflicts_with_subcommands = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 2 wrong use of the command line; 64 wrong settings; 69 the machine does \
                          not allow it, such as a port in use; 70 a fault in this program.";

const LISTEN: &str =
    "A listener, such as udp:192.0.2.1:5060 or tcp:[::]:5060; may be repeated. Replaces those of the file";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve (what it does without a command).
    Serve(ServeArgs),
    /// Read a configuration file and say everything that is wrong with it, each with its line.
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    // Not a doc comment: rustdoc would take the brackets for a link.
    #[arg(short, long, value_name = "LEG", help = LISTEN)]
    pub(crate) listen: Vec<String>,
    /// A domain to serve, such as example.com or *.example.com; may be repeated. Replaces those of the file.
    #[arg(short, long, value_name = "DOMAIN")]
    pub(crate) domain: Vec<String>,
    /// What to log: error, warn, info, debug or trace; also by module, as in info,sip_transport=debug.
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
