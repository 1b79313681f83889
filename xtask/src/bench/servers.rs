//! The servers under test: started on a free port of 127.0.0.1, ready before use, ended with all that they started.

use std::env;
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use super::configs::{DATA, DELAY, Setup, USERS, registrar};
use super::databases::{Database, missing_for_postgresql, missing_for_sqlite};
use super::digest::Hash;
use super::kamailio::{CHECKS, kamailio};
use super::process::Process;
use super::requests::{Kind, Shape, Template};
use super::usage;
use crate::command;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Which {
    /// A bare UDP echo: what the kernel alone costs.
    Echo,
    /// The release binary with one worker.
    Registrar(Keep),
    /// The same, on disk before the answer, with observers, metrics and a history of outcomes (`[admin]`).
    RegistrarComplete,
    /// The same in memory, with a worker for each core.
    RegistrarEveryCore,
    /// Kamailio with usrloc and registrar in memory, checking requests as its own sample configuration does.
    Kamailio,
    /// Kamailio that checks nothing and only saves.
    KamailioBare,
    /// Kamailio with checks that writes each change to SQLite before it answers.
    KamailioSqlite,
    /// The same with PostgreSQL.
    KamailioPostgreSql,
}

/// How the registrar keeps its bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Keep {
    Memory,
    /// On disk before the answer.
    Synced,
    /// On disk a second later at most.
    Delayed,
}

impl Which {
    pub(crate) const ALL: [Self; 10] = [
        Self::Echo,
        Self::Registrar(Keep::Memory),
        Self::Registrar(Keep::Synced),
        Self::Registrar(Keep::Delayed),
        Self::RegistrarComplete,
        Self::RegistrarEveryCore,
        Self::Kamailio,
        Self::KamailioBare,
        Self::KamailioSqlite,
        Self::KamailioPostgreSql,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Registrar(Keep::Memory) => "registrar",
            Self::Registrar(Keep::Synced) => "registrar-synced",
            Self::Registrar(Keep::Delayed) => "registrar-delayed",
            Self::RegistrarComplete => "registrar-complete",
            Self::RegistrarEveryCore => "registrar-every-core",
            Self::Kamailio => "kamailio",
            Self::KamailioBare => "kamailio-bare",
            Self::KamailioSqlite => "kamailio-sqlite",
            Self::KamailioPostgreSql => "kamailio-postgresql",
        }
    }

    pub(crate) fn is_ours(self) -> bool {
        self.setup().is_some()
    }

    /// What our own does beside answering; `None`: it is not our own.
    fn setup(self) -> Option<Setup> {
        let (is_observed, has_every_core) = (self == Self::RegistrarComplete, self == Self::RegistrarEveryCore);
        let keep = match self {
            Self::Registrar(keep) => keep,
            Self::RegistrarComplete => Keep::Synced,
            Self::RegistrarEveryCore => Keep::Memory,
            _ => return None,
        };
        Some(Setup { keep, is_observed, has_every_core })
    }

    /// Whether what it has answered is on disk, at once or soon.
    pub(crate) fn keeps(self) -> bool {
        match self {
            Self::KamailioSqlite | Self::KamailioPostgreSql => true,
            _ => self.setup().is_some_and(|setup| setup.keep != Keep::Memory),
        }
    }

    /// How many times less it is given to do: a database takes a hundred times longer, and nobody would wait for that.
    pub(crate) fn less(self) -> u32 {
        if matches!(self, Self::KamailioSqlite | Self::KamailioPostgreSql) { 10 } else { 1 }
    }

    /// The Debian package that is missing here, if one is.
    pub(crate) fn missing(self) -> Option<&'static str> {
        match self {
            Self::Echo | Self::Registrar(_) | Self::RegistrarComplete | Self::RegistrarEveryCore => None,
            _ if command::find("kamailio").is_none() => Some("kamailio"),
            Self::Kamailio | Self::KamailioBare => None,
            Self::KamailioSqlite => missing_for_sqlite(),
            Self::KamailioPostgreSql => missing_for_postgresql(),
        }
    }
}

/// Whom it lets register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Open,
    /// Whoever knows the password of a user, hashed so.
    Users(Hash),
}

impl Access {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Users(hash) => hash.name(),
        }
    }
}

/// What a server is told to make room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) bindings: u32,
    /// What there is more of than usual.
    pub(crate) shape: Shape,
    /// Connections from one source; 0: the usual number.
    pub(crate) connections: u32,
}

impl From<u32> for Room {
    fn from(bindings: u32) -> Self {
        Self { bindings, shape: Shape::USUAL, connections: 0 }
    }
}

/// A running server; it ends with this value, before its database does.
pub(crate) struct Server {
    pub(crate) port: u16,
    which: Which,
    access: Access,
    room: Room,
    folder: PathBuf,
    process: Process,
    database: Option<Database>,
}

impl Server {
    /// Starts it with room for so much, and waits for its first answer.
    pub(crate) fn start(which: Which, access: Access, room: impl Into<Room>, folder: &Path) -> Result<Self> {
        let room = room.into();
        let port = free_port()?;
        let folder = folder.join(format!("{}-{port}", which.name()));
        fs::create_dir_all(&folder)?;
        let database = match which {
            Which::KamailioSqlite => Some(Database::sqlite(&folder)?),
            Which::KamailioPostgreSql => Some(Database::postgresql(free_port()?, &folder)?),
            _ => None,
        };
        let process = spawn(which, access, port, database.as_ref(), room, &folder)?;
        let mut server = Self { port, which, access, room, folder, process, database };
        server.wait_until_it_answers()?;
        Ok(server)
    }

    /// Ends it by a signal; how long that took.
    pub(crate) fn stop(&mut self, signal: Signal) -> Duration {
        self.process.stop(signal)
    }

    /// Ends it and removes what takes much room, its bindings and its users; log and configuration stay.
    pub(crate) fn forget(mut self) -> Result<()> {
        self.stop(Signal::SIGTERM);
        let (data, users) = (self.data(), self.folder.join(USERS));
        if data.is_dir() {
            fs::remove_dir_all(data)?;
        }
        if users.is_file() {
            fs::remove_file(users)?;
        }
        Ok(())
    }

    /// Starts it again, on the same port and with what it has kept; how long its first answer took.
    pub(crate) fn start_again(&mut self) -> Result<Duration> {
        let Self { which, access, port, room, .. } = *self;
        self.process = spawn(which, access, port, self.database.as_ref(), room, &self.folder)?;
        let answered = self.wait_until_it_answers()?;
        Ok(answered.saturating_duration_since(self.process.started()))
    }

    /// CPU time that its processes have used for all that was asked of them so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.settle();
        self.used()
    }

    /// Gives one that still has to write what it has answered the time for it.
    pub(crate) fn settle(&self) {
        if self.which == Which::Registrar(Keep::Delayed) {
            thread::sleep(DELAY);
        }
    }

    /// CPU time that its processes have used up to this moment, those of its database included.
    pub(crate) fn used(&self) -> Result<Duration> {
        self.sum(usage::cpu)
    }

    /// Bytes of memory that its processes use.
    pub(crate) fn memory(&self) -> Result<u64> {
        self.sum(usage::memory)
    }

    /// Bytes that its processes have had written, as the kernel counts them for each.
    pub(crate) fn written(&self) -> Result<u64> {
        self.sum(usage::written)
    }

    /// Bytes that its processes have had read from the disk.
    pub(crate) fn read(&self) -> Result<u64> {
        self.sum(usage::read)
    }

    fn sum<T: std::iter::Sum>(&self, of: impl Fn(i32) -> Result<T>) -> Result<T> {
        let database = self.database.as_ref().and_then(Database::process);
        [Some(&self.process), database].into_iter().flatten().map(|process| of(process.id())).sum()
    }

    /// What our own has counted: it says so at the end, so it must have been stopped.
    pub(crate) fn counted(&self) -> Result<Counted> {
        let printed = self.process.printed();
        let last = printed.lines().rev().find(|line| line.contains("counted=")).context("no counters in the log")?;
        Ok(Counted(last.to_owned()))
    }

    /// The folder where our own keeps its bindings.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join(DATA)
    }

    /// The moment of the first answer.
    fn wait_until_it_answers(&mut self) -> Result<Instant> {
        let socket = UdpSocket::bind(("127.0.0.1", 0))?;
        socket.connect(("127.0.0.1", self.port))?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let mut query = Template::new(Kind::Query, "UDP");
        let mut buffer = [0; 65_535];
        let mut tries = 0;
        // Refused while nobody listens yet.
        let answers = |_: &str| {
            tries += 1;
            socket.send(query.request(99_999_999, tries)).and_then(|_| socket.recv(&mut buffer)).is_ok()
        };
        self.process.wait_until(POLL, answers).with_context(|| self.which.name())?;
        Ok(Instant::now())
    }
}

/// The rest between two looks at a server that is not ready.
const POLL: Duration = Duration::from_millis(1);

fn spawn(
    which: Which,
    access: Access,
    port: u16,
    database: Option<&Database>,
    room: Room,
    folder: &Path,
) -> Result<Process> {
    let command = match which {
        Which::Echo => {
            let mut command = command::new(env::current_exe()?);
            command.args(["echo", &port.to_string()]);
            command
        }
        Which::KamailioBare => kamailio(port, access, None, room, folder, "")?,
        Which::Kamailio | Which::KamailioSqlite | Which::KamailioPostgreSql => {
            kamailio(port, access, database, room, folder, CHECKS)?
        }
        _ => registrar(port, access, which.setup().context("it has no setup")?, room, folder)?,
    };
    Process::start(command, &folder.join("log")).with_context(|| which.name())
}

/// The line with the registrar's counters.
#[derive(Clone, Debug)]
pub(crate) struct Counted(String);

impl Counted {
    /// One of them; those that are 0 are not printed.
    pub(crate) fn get(&self, name: &str) -> u64 {
        let names = self.0.split(|other: char| other.is_whitespace() || other == '"');
        let value = |word: &str| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok();
        names.filter_map(value).next().unwrap_or(0)
    }
}

/// A port that is free now for UDP and TCP.
pub(super) fn free_port() -> Result<u16> {
    for _ in 0..100 {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free for both UDP and TCP")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_from_the_line_that_names_them() {
        let line = "2026-08-01T00:00:00Z  INFO stopped counted=\"udp_received=7 location_writes=12\"";
        let counted = Counted(line.to_owned());
        assert_eq!([counted.get("udp_received"), counted.get("location_writes"), counted.get("location")], [7, 12, 0]);
    }

    #[test]
    fn every_server_has_its_own_name() {
        let names: std::collections::BTreeSet<_> = Which::ALL.iter().map(|which| which.name()).collect();
        assert_eq!(names.len(), Which::ALL.len());
    }
}
