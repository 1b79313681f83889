//! The servers under test: started on a free port of 127.0.0.1, ready before use, ended with all that they started.

use std::env;
use std::fs::{self, File};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::requests::{DOMAIN, Kind, Template};
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
    pub(crate) fn start(which: Which, bindings: u32, folder: &Path) -> Result<Self> {
        let port = free_port()?;
        let folder = folder.join(format!("{}-{port}", which.name()));
        fs::create_dir_all(&folder)?;
        let mut command = match which {
            Which::Echo => {
                let mut command = command::new(env::current_exe()?);
                command.args(["echo", &port.to_string()]);
                command
            }
            Which::Registrar => registrar(port, bindings, &folder)?,
            Which::Kamailio => kamailio(port, bindings, &folder, CHECKS)?,
            Which::KamailioBare => kamailio(port, bindings, &folder, "")?,
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
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    Ok(socket.local_addr()?.port())
}

fn registrar(port: u16, bindings: u32, folder: &Path) -> Result<std::process::Command> {
    // Built beside this program.
    let binary = env::current_exe()?.with_file_name("registrar");
    let config = folder.join("registrar.toml");
    let room = bindings.saturating_mul(2);
    let text = format!(
        "listen = [\"udp:127.0.0.1:{port}\", \"tcp:127.0.0.1:{port}\"]\n\
         domains = [\"{DOMAIN}\"]\n\
         workers = 1\n\n\
         [registrar]\n\
         max_expires = 7200\n\
         min_expires = 30\n\
         jitter = 0\n\
         max_bindings = {room}\n"
    );
    fs::write(&config, text)?;
    let mut command = command::new(binary);
    command.arg("serve").arg("--config").arg(&config);
    Ok(command)
}

/// What Kamailio's sample configuration does with every request before it comes to a REGISTER, credentials aside:
/// Max-Forwards, sanity, methods, retransmissions, dialogs, Route. Ours does the like.
const CHECKS: &str = r#"
    if (!mf_process_maxfwd_header("10")) {
        sl_send_reply("483", "Too Many Hops");
        exit;
    }
    if (!sanity_check("17895", "7")) {
        exit;
    }
    if (is_method("CANCEL")) {
        exit;
    }
    if (!is_method("ACK")) {
        if (t_precheck_trans()) {
            t_check_trans();
            exit;
        }
        t_check_trans();
    }
    if (has_totag()) {
        sl_send_reply("404", "Not here");
        exit;
    }
    remove_hf("Route");"#;

/// A registrar in memory, as an operator who cares for speed configures it.
fn kamailio(port: u16, bindings: u32, folder: &Path, checks: &str) -> Result<std::process::Command> {
    let binary = command::find("kamailio").context("kamailio is not there")?;
    let config = folder.join("kamailio.cfg");
    let text = format!(
        r#"#!KAMAILIO
debug=0
log_stderror=yes
auto_aliases=no
children=4
tcp_children=2
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
alias="{DOMAIN}"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "sanity.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "hash_size", 16)
modparam("usrloc", "use_domain", 1)
modparam("registrar", "default_expires", 3600)
modparam("registrar", "min_expires", 30)
modparam("registrar", "max_expires", 7200)
modparam("registrar", "max_contacts", 10)
request_route {{{checks}
    if (method == "REGISTER") {{
        save("location");
        exit;
    }}
    sl_send_reply("405", "Method Not Allowed");
}}
"#
    );
    fs::write(&config, text)?;
    let megabytes = if bindings > 100_000 { "2048" } else { "256" };
    let mut command = command::new(binary);
    command.args(["-DD", "-E", "-x", "fm", "-m", megabytes, "-M", "16", "-f"]).arg(&config);
    command.arg("-Y").arg(folder).arg("-w").arg(folder);
    Ok(command)
}
