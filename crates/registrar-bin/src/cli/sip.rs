//! Commands that register at any registrar.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum SipCommand {
    /// Register once at any registrar, say what happens at each step and what is odd, and remove the binding again.
    Probe(ProbeArgs),
    /// Drive any registrar with registrations, and say how it answers. Only for registrars that are yours.
    Load(LoadArgs),
}

/// Which registrar, and how to get there.
#[derive(Debug, Args)]
pub(crate) struct DestinationArgs {
    /// The registrar, such as sip:example.com, sip:192.0.2.1:5060;transport=tcp or sips:example.com. Its name is looked up
    /// by the system (A and AAAA, no SRV).
    pub(crate) uri: String,
    /// The transport, if the URI does not say it.
    #[arg(long)]
    pub(crate) transport: Option<Transport>,
    /// A PEM file with the certificate authorities that are believed, in place of those of the system.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

/// How a user proves who it is.
#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    /// The name in the credentials, if it is not that of the user.
    #[arg(long, value_name = "NAME")]
    pub(crate) auth_user: Option<String>,
    /// Read the password from standard input: one line. Without it the environment's REGISTRAR_PASSWORD is taken.
    #[arg(long)]
    pub(crate) stdin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    #[command(flatten)]
    pub(crate) destination: DestinationArgs,
    /// Who registers: alice, or alice@example.com if the registrar serves that domain under another name or address.
    #[arg(long)]
    pub(crate) user: String,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// For how many seconds it asks to be registered.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) expires: u32,
    /// How long each answer may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "8", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// As JSON, when it is done.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    pub(crate) destination: DestinationArgs,
    /// How many users register.
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) users: u32,
    /// The name of a user, with {n} for its number, from 0 on; with @example.com if that is another domain.
    #[arg(long, default_value = "load{n}")]
    pub(crate) user: String,
    /// With a password, which may have {n} for the number of the user.
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// Registrations in a second.
    #[arg(long, value_name = "N", default_value = "100", value_parser = rate)]
    pub(crate) rate: f64,
    /// For how many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) duration: Duration,
    /// Of a hundred who are registered, so many remove their binding instead of renewing it, and are new the next time.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent)]
    pub(crate) churn: f64,
    /// For how many seconds they ask to be registered.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) expires: u32,
    /// Over how many connections, or from how many UDP ports.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// How long an answer may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Leave the bindings there at the end.
    #[arg(long)]
    pub(crate) keep: bool,
    /// As JSON, when it is done.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    Udp,
    Tcp,
    Tls,
}

/// From a twentieth of a second to a day.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.05..=86_400.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "from 0.05 to 86400 seconds".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.01..=100_000.0).contains(rate));
    rate.ok_or_else(|| "from 0.01 to 100000 in a second".to_owned())
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| "from 0 to 100".to_owned())
}
