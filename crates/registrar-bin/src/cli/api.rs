//! Commands that ask a running registrar.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ApiCommand {
    /// Say how the running registrar is.
    Status(ApiArgs),
    /// List the addresses that are registered, and where they are.
    List(ListArgs),
    /// Show one address with all that is known of its bindings.
    Show(AddressArgs),
    /// Say why an address is, or is not, reachable, and what to do about it.
    Why(AddressArgs),
    /// Show what happens, as it happens.
    Watch(WatchArgs),
    /// Remove one binding of an address, or all.
    Remove(RemoveBindingArgs),
    /// End a connection, or all of an address.
    Kick(KickArgs),
    /// Show how busy the registrar is: a live view of the whole screen.
    Top(TopArgs),
    /// Show the settings in force, and where each comes from.
    Explain(ExplainArgs),
    /// Have the configuration read again, and say what changed.
    Reload(ApiArgs),
    /// Have the registrar answer what has arrived, and stop.
    Drain(ApiArgs),
}

/// Where the API of the running registrar is. Without an option: the socket admin.sock in the directory of the table.
#[derive(Debug, Args)]
pub(crate) struct ApiArgs {
    /// The Unix socket of the API.
    #[arg(long, value_name = "PATH", group = "where")]
    pub(crate) socket: Option<PathBuf>,
    /// The TCP address of the API, such as http://127.0.0.1:8060.
    #[arg(long, value_name = "URL", group = "where")]
    pub(crate) url: Option<String>,
    /// The configuration file of the registrar, which says where its API is.
    #[arg(short, long, value_name = "FILE", group = "where")]
    pub(crate) config: Option<PathBuf>,
    /// A file with the token for --url. Without it the environment's REGISTRAR_TOKEN is taken.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// As JSON: that of the API; a line for each thing where there are several.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Only what holds for this domain.
    pub(crate) domain: Option<String>,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AddressArgs {
    /// The address, such as alice@example.com.
    pub(crate) address: String,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveBindingArgs {
    /// The address, such as alice@example.com.
    pub(crate) address: String,
    /// The contact; without it, all of them.
    pub(crate) contact: Option<String>,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

#[derive(Debug, Args)]
pub(crate) struct KickArgs {
    /// A connection as `show` names it, or an address, such as alice@example.com.
    #[arg(value_name = "FLOW|ADDRESS")]
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

/// Which addresses: those that fit everything that is said.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Only addresses of this domain.
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// Only those with this in their user.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Only those with this in a contact.
    #[arg(long)]
    pub(crate) contact: Option<String>,
    /// Only those registered from this IP address or network, such as 192.0.2.0/24.
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Only those registered over this transport: udp, tcp, tls, ws or wss.
    #[arg(long)]
    pub(crate) transport: Option<String>,
    /// Only those with this in their User-Agent.
    #[arg(long)]
    pub(crate) user_agent: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// How many addresses at most; without it 1,000 as a table, and all as JSON.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Only events of this kind, such as registered, refreshed, removed, expired, evicted, lost, refused; may be repeated.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub(crate) kind: Vec<registrar_api::EventKind>,
    /// Only those of addresses of this domain.
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// Only those of this address.
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// End after so many.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    /// How often it is looked at, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = super::sip::seconds)]
    pub(crate) every: std::time::Duration,
    #[command(flatten)]
    pub(crate) api: ApiArgs,
}

fn kind(text: &str) -> Result<registrar_api::EventKind, String> {
    use registrar_api::EventKind;
    let known = EventKind::ALL.into_iter().find(|kind| kind.name() == text);
    known.ok_or_else(|| format!("the kinds are {}", EventKind::ALL.map(EventKind::name).join(", ")))
}
