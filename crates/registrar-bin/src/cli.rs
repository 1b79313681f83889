//! The command line, as typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod api;
mod paper;
mod sip;

pub(crate) use api::{AddressArgs, ApiArgs, ApiCommand, FilterArgs, ListArgs as AddressesArgs, WatchArgs};
pub(crate) use paper::PaperCommand;
pub(crate) use sip::{AccountArgs, DestinationArgs, LoadArgs, ProbeArgs, SipCommand, Transport};

use crate::config::LocationMode;

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

const EXIT_CODES: &str = "Exit codes: 0 done; 2 wrong use of the command line; 64 wrong settings; 65 damaged or wrong \
                          data, wrong answers; 67 no such address, binding or connection; 68 a name has no address; 69 \
                          the machine does not allow it, such as a port in use, or nobody answers; 70 a fault in this \
                          program; 76 the other end is not of this version; 77 a token, password or permission is missing.";

const LISTEN: &str =
    "A listener, such as udp:192.0.2.1:5060, tls:[::]:5061, ws: or wss:; may be repeated. Replaces those of the file";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve (what it does without a command).
    Serve(ServeArgs),
    /// Read a configuration file and say everything that is wrong with it, each with its line.
    Check(CheckArgs),
    /// Change or show the users of a users file.
    #[command(subcommand)]
    User(UserCommand),
    /// Take bindings out of the location table, put them in, or see to its file. The registrar must have been stopped.
    #[command(subcommand)]
    Location(LocationCommand),
    #[command(flatten)]
    Api(ApiCommand),
    #[command(flatten)]
    Sip(SipCommand),
    #[command(flatten)]
    Paper(PaperCommand),
}

#[derive(Clone, Debug, Args)]
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
    /// The certificate of tls: and wss: listeners: a PEM file with the chain. Replaces those of the file.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// The private key of --certificate: a PEM file.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// What to log: error, warn, info, debug or trace; also by module, as in info,sip_transport=debug.
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log: Option<String>,
    /// The directory in which bindings are kept.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// How bindings are kept.
    #[arg(long, value_name = "MODE")]
    pub(crate) location: Option<LocationMode>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user.
    Add(AddArgs),
    /// Give a user another password. What else its entry says stays.
    Passwd(PasswdArgs),
    /// Remove a user.
    Remove(RemoveArgs),
    /// Show the users, without their secrets.
    List(ListArgs),
    /// Add the users of another server, all or none.
    Import(ImportArgs),
}

/// Which users file.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct UsersFileArgs {
    /// The users file. Passwords are hashed for the domain of the user, if --realm does not say otherwise.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The configuration file, which names the users file and the realm.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Where a password comes from; without an option it is asked for.
#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from standard input: one line.
    #[arg(long, conflicts_with = "generate")]
    pub(crate) stdin: bool,
    /// Make a password and print it, once.
    #[arg(long)]
    pub(crate) generate: bool,
    /// Keep the password itself instead of hashes of it.
    #[arg(long, conflicts_with = "realm")]
    pub(crate) plain: bool,
    /// The realm for which it is hashed.
    #[arg(long)]
    pub(crate) realm: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The user, such as alice@example.com.
    pub(crate) address: String,
    #[command(flatten)]
    pub(crate) file: UsersFileArgs,
    #[command(flatten)]
    pub(crate) password: PasswordArgs,
    /// Challenge this user with this algorithm instead of those of its domain; may be repeated.
    #[arg(long, value_name = "ALGORITHM")]
    pub(crate) algorithm: Vec<String>,
    /// Let it register this address too, such as sales@example.com or *@example.com; may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) may_register: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PasswdArgs {
    /// The user, such as alice@example.com.
    pub(crate) address: String,
    #[command(flatten)]
    pub(crate) file: UsersFileArgs,
    #[command(flatten)]
    pub(crate) password: PasswordArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The user, such as alice@example.com.
    pub(crate) address: String,
    #[command(flatten)]
    pub(crate) file: UsersFileArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) file: UsersFileArgs,
    /// As JSON: an array with an object for each user.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// What to read; - or nothing: standard input.
    pub(crate) input: Option<PathBuf>,
    /// How it is written.
    #[arg(long)]
    pub(crate) format: ImportFormat,
    #[command(flatten)]
    pub(crate) file: UsersFileArgs,
    /// The domain of users for whom the input names none; of all users of an htdigest file.
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// The realm for which passwords are hashed and hashes were made, where the input does not say it (csv).
    #[arg(long)]
    pub(crate) realm: Option<String>,
    /// Keep passwords themselves, where the input has them, instead of hashes (csv).
    #[arg(long)]
    pub(crate) plain: bool,
    /// Give users that are there already the secrets of the input.
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    /// Lines of user:realm:hash, as Apache's htdigest writes them.
    Htdigest,
    /// A header and lines, with the columns of Kamailio's or OpenSIPS' table subscriber.
    Csv,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LocationCommand {
    /// Write all bindings as JSON, one line for each address of record.
    Export(ExportArgs),
    /// Put in what was exported, or the table of another server.
    Import(LocationImportArgs),
    /// Read everything and say what there is, or what is damaged. Nothing is changed.
    Verify(TableArgs),
    /// Write the file anew, as small as it can be.
    Compact(TableArgs),
}

/// Which table. Without an option it is the one that is served without an option.
#[derive(Debug, Args)]
pub(crate) struct TableArgs {
    /// The directory in which bindings are kept.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The configuration file, which names the directory.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// Where to write; without it, standard output. It is there when it is whole, and only its owner can read it.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LocationImportArgs {
    /// What to read; - or nothing: standard input.
    pub(crate) input: Option<PathBuf>,
    /// How it is written.
    #[arg(long, default_value = "json")]
    pub(crate) format: LocationFormat,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// Put the addresses of the input in place of those that are there already, which else stay as they are.
    #[arg(long)]
    pub(crate) replace: bool,
    /// Put in what is right even if something is wrong.
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// The domain of users for whom the input names none (kamailio, ul-dump).
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// What the clock of that server showed beyond UTC, such as +01:00: its database has local times (kamailio).
    #[arg(long, value_name = "OFFSET", allow_hyphen_values = true)]
    pub(crate) utc_offset: Option<String>,
    /// When it was written, such as 2026-11-23T21:00:00Z; without it, the time of the file, or now (ul-dump).
    #[arg(long, value_name = "TIME")]
    pub(crate) taken_at: Option<String>,
    /// For how long bindings are kept that would never expire; without it, they are wrong (kamailio, ul-dump).
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=31_536_000))]
    pub(crate) permanent: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LocationFormat {
    /// What export writes.
    Json,
    /// Kamailio's table location: a header and lines, as psql --csv, mysql --batch or sqlite3 -csv -header write them.
    Kamailio,
    /// What Kamailio's ul.dump gives, as text (kamcmd) or as JSON (jsonrpc, kamctl).
    UlDump,
    /// The store of Net::SIP::Registrar: Data::Dumper's text, or JSON.
    NetSip,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
