//! The servers under test: started on a free port of 127.0.0.1, ready before use, ended with all that they started.

use std::env;
use std::fs::{self, File};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::configs::{CHECKS, kamailio, registrar};
use super::digest::Hash;
use super::requests::{Kind, Template};
use super::usage;
use crate::command;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Which {
    /// A bare UDP echo: what the kernel alone costs.
    Echo,
    /// The release binary.
    Registrar,
    /// Kamailio with usrloc and registrar in memory, checking requests as its own sample configuration does.
    Kamailio,
    /// Kamailio that checks nothing and only saves.
    KamailioBare,
}

impl Which {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Registrar => "registrar",
            Self::Kamailio => "kamailio",
            Self::KamailioBare => "kamailio-bare",
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

/// A running server; it ends with this value.
pub(crate) struct Server {
    pub(crate) port: u16,
    child: Child,
    log: PathBuf,
}

/// How long a server may take until its first answer, and to leave after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(20);

impl Server {
    /// Starts it with room for so many bindings, and waits for its first answer.
    pub(crate) fn start(which: Which, access: Access, bindings: u32, folder: &Path) -> Result<Self> {
        let port = free_port()?;
        let folder = folder.join(format!("{}-{port}", which.name()));
        fs::create_dir_all(&folder)?;
        let mut command = match which {
            Which::Echo => {
                let mut command = command::new(env::current_exe()?);
                command.args(["echo", &port.to_string()]);
                command
            }
            Which::Registrar => registrar(port, access, bindings, &folder)?,
            Which::Kamailio => kamailio(port, access, bindings, &folder, CHECKS)?,
            Which::KamailioBare => kamailio(port, access, bindings, &folder, "")?,
        };
        let log = folder.join("log");
        let output = File::create(&log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().with_context(|| format!("cannot start {}", which.name()))?;
        let mut server = Self { port, child, log };
        server.wait_until_it_answers().with_context(|| which.name())?;
        Ok(server)
    }

    /// CPU time that its processes have used so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        usage::cpu(self.id())
    }

    /// Bytes of memory that its processes use.
    pub(crate) fn memory(&self) -> Result<u64> {
        usage::memory(self.id())
    }

    fn id(&self) -> i32 {
        self.child.id().cast_signed()
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let socket = UdpSocket::bind(("127.0.0.1", 0))?;
        socket.connect(("127.0.0.1", self.port))?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let mut query = Template::new(Kind::Query, "UDP");
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 65_535];
        let mut tries = 0;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("ended with {status}:\n{}", fs::read_to_string(&self.log).unwrap_or_default());
            }
            tries += 1;
            // Refused while nobody listens yet; then a moment's rest.
            if socket.send(query.request(99_999_999, tries)).and_then(|_| socket.recv(&mut buffer)).is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("no answer in {PATIENCE:?}; its output: {}", self.log.display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let family = usage::family(self.id()).unwrap_or_default();
        // Those it has started are its own to end.
        let _ = kill(Pid::from_raw(self.id()), Signal::SIGTERM);
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                for member in &family {
                    let _ = kill(Pid::from_raw(*member), Signal::SIGKILL);
                }
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A port that is free now for UDP and TCP.
fn free_port() -> Result<u16> {
    for _ in 0..100 {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free for both UDP and TCP")
}
