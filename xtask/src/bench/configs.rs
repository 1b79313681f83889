//! What the registrar under test is told.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result};

use super::digest::{Hash, PASSWORD, name_of};
use super::requests::{DOMAIN, domain};
use super::servers::{Access, Keep, Room};
use crate::command;

/// The data directory, within the server's folder.
pub(super) const DATA: &str = "location";

/// The users file, there too.
pub(super) const USERS: &str = "users.toml";

/// After its answer, a change is on disk within this time where answers do not wait for that.
pub(super) const DELAY: Duration = Duration::from_secs(1);

/// Another program than the usual one.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// From now on, measures this program.
pub(super) fn measure(program: &Path) -> Result<()> {
    let program = program.canonicalize().with_context(|| format!("no program {}", program.display()))?;
    // Said once, at the beginning.
    PROGRAM.set(program).ok().context("two programs")
}

/// What it was told to measure, if it was.
pub(super) fn named() -> Option<&'static Path> {
    PROGRAM.get().map(PathBuf::as_path)
}

/// The program: the one built beside this one, if no other was named.
pub(super) fn program() -> Result<PathBuf> {
    match PROGRAM.get() {
        Some(program) => Ok(program.clone()),
        None => Ok(env::current_exe()?.with_file_name("registrar")),
    }
}

/// What our own does beside answering.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) keep: Keep,
    /// Whether it can be asked over a Unix socket, and so counts, tells events, and remembers how requests ended.
    pub(super) is_observed: bool,
    /// One worker for each core, not one.
    pub(super) has_every_core: bool,
}

/// The release binary, as it is by default but for that. What it keeps is in the folder too.
pub(super) fn registrar(port: u16, access: Access, setup: Setup, room: Room, folder: &Path) -> Result<Command> {
    let config = folder.join("registrar.toml");
    let Room { bindings, shape, connections } = room;
    let domains: Vec<String> = (0..shape.domains).map(|at| format!("{:?}", domain(at, shape.domains))).collect();
    let domains = domains.join(", ");
    let contacts = shape.contacts.max(10);
    let tcp = match connections {
        0 => String::new(),
        _ => format!("\n[tcp]\nconnections = {connections}\nconnections_per_source = {connections}\n"),
    };
    let most = bindings.saturating_mul(2);
    let workers = if setup.has_every_core { "" } else { "workers = 1\n" };
    let observed = if setup.is_observed { "\n[admin]\nlisten = [\"unix:admin.sock\"]\n" } else { "" };
    let auth = match access {
        Access::Open => String::new(),
        Access::Users(hash) => {
            write_users(&folder.join(USERS), hash, bindings)?;
            format!(
                "\n[users]\nfile = \"{USERS}\"\n\n\
                 [auth]\nalgorithms = [\"{}\"]\nwrong_passwords = 0\nremembered_nonces = {}\n",
                hash.name(),
                // The oldest are forgotten by halves.
                bindings.saturating_mul(4).clamp(1_000_000, 100_000_000)
            )
        }
    };
    let text = format!(
        "listen = [\"udp:127.0.0.1:{port}\", \"tcp:127.0.0.1:{port}\"]\n\
         domains = [{domains}]\n\
         {workers}\n\
         [registrar]\n\
         max_expires = 7200\n\
         min_expires = 30\n\
         jitter = 0\n\
         max_bindings = {most}\n\
         max_contacts = {contacts}\n\
         {auth}{observed}{tcp}\n\
         [location]\n\
         {}",
        match setup.keep {
            Keep::Memory => "mode = \"memory\"\n".to_owned(),
            Keep::Synced => format!("mode = \"synced\"\ndirectory = \"{DATA}\"\n"),
            Keep::Delayed => format!("mode = \"delayed\"\ninterval = {}\ndirectory = \"{DATA}\"\n", DELAY.as_millis()),
        }
    );
    fs::write(&config, text)?;
    let mut command = command::new(program()?);
    command.arg("serve").arg("--config").arg(&config);
    Ok(command)
}

/// All users, each with the hash of the password.
fn write_users(file: &Path, hash: Hash, users: u32) -> Result<()> {
    let key = hash.name().to_ascii_lowercase();
    let mut text = String::new();
    for user in 0..users {
        let name = name_of(user);
        let _ = writeln!(text, "[user.\"{name}@{DOMAIN}\"]\n{key} = \"{}\"", hash.ha1(&name, PASSWORD));
    }
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    Ok(file.write_all(text.as_bytes())?)
}
