//! Connections: what an idle one takes in memory, and what opening one costs.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};

use super::client::{Client, Kind, Trust};
use super::configs::program;
use super::process::Process;
use super::requests::DOMAIN;
use super::servers::{Keep, Which, free_port};
use super::{Options, report, usage};
use crate::command;

/// How long nothing happens before memory is read.
const REST: Duration = Duration::from_secs(1);

/// Connections that are opened and closed again, one after the other, for what opening costs.
const OPENED: u32 = 500;

/// What certificates are signed with, as `openssl req -newkey` is told.
const KEYS: [(&str, &[&str]); 2] =
    [("P-256", &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("RSA-2048", &["rsa:2048"])];

pub(crate) fn run(options: &Options, connections: u32, folder: &Path) -> Result<()> {
    make_room(u64::from(connections) + 200)?;
    println!("{}", report::machine());
    let servers = [Which::Registrar(Keep::Memory), Which::Kamailio];
    let servers: Vec<_> = servers.into_iter().filter(|which| options.servers.contains(which)).collect();
    let mut rows: Vec<Row> = Vec::new();
    for round in 1..=options.rounds {
        for (key, how) in KEYS {
            for &which in &servers {
                println!("round {round} of {}: {}, {key}", options.rounds, which.name());
                let folder = folder.join(format!("{round}-{}-{key}", which.name()));
                fs::create_dir_all(&folder)?;
                rows.extend(measure(which, key, how, connections, &folder)?);
            }
        }
    }
    print(&rows, connections);
    let raw: Vec<Value> = rows.iter().map(Row::raw).collect();
    report::write(folder, &json!({ "machine": report::machine(), "connections": connections, "rows": raw }))
}

/// One figure of one round.
struct Row {
    what: String,
    which: Which,
    value: f64,
}

impl Row {
    fn raw(&self) -> Value {
        json!({ "what": self.what, "server": self.which.name(), "value": self.value })
    }
}

/// A server with legs for all of this.
struct Server {
    process: Process,
    ports: Ports,
    trust: Trust,
}

#[derive(Clone, Copy)]
struct Ports {
    tcp: u16,
    tls: u16,
    wss: u16,
}

impl Ports {
    fn of(self, kind: Kind) -> u16 {
        match kind {
            Kind::Tcp => self.tcp,
            Kind::Tls => self.tls,
            Kind::Wss => self.wss,
        }
    }
}

fn measure(which: Which, key: &str, how: &[&str], connections: u32, folder: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        // What a handshake costs depends on the key; what is kept after it does not.
        if key != KEYS[0].0 && kind != Kind::Tls {
            continue;
        }
        let server = start(which, how, connections, &folder.join(kind.name()))?;
        let what = if kind == Kind::Tcp { "TCP".to_owned() } else { format!("{}, {key}", kind.name()) };
        let what = format!("µs of CPU to open and close: {what}");
        rows.push(Row { what, which, value: server.opening(kind)? });
        if key == KEYS[0].0 {
            let what = format!("bytes for an idle one: {}", kind.name());
            rows.push(Row { what, which, value: server.idle(kind, connections)? });
        }
    }
    Ok(rows)
}

/// Bytes that our own takes for an idle connection, of so many.
pub(super) fn idle(kind: Kind, connections: u32, folder: &Path) -> Result<f64> {
    make_room(u64::from(connections) + 200)?;
    let server = start(Which::Registrar(Keep::Memory), KEYS[0].1, connections, folder)?;
    server.idle(kind, connections)
}

impl Server {
    fn open(&self, kind: Kind) -> Result<Client> {
        Client::open(kind, self.ports.of(kind), &self.trust)
    }

    /// What only the first ones cost.
    fn warm(&self, kind: Kind) -> Result<()> {
        (0..20).try_for_each(|_| self.open(kind)?.ask())
    }

    /// µs of CPU to open and close one.
    fn opening(&self, kind: Kind) -> Result<f64> {
        self.warm(kind)?;
        let before = usage::cpu(self.process.id())?;
        for _ in 0..OPENED {
            drop(self.open(kind)?);
        }
        thread::sleep(REST);
        Ok(usage::cpu(self.process.id())?.saturating_sub(before).as_secs_f64() * 1e6 / f64::from(OPENED))
    }

    /// Bytes for each of so many that have asked once.
    fn idle(&self, kind: Kind, connections: u32) -> Result<f64> {
        self.warm(kind)?;
        thread::sleep(REST);
        let empty = usage::memory(self.process.id())?;
        let mut open = Vec::new();
        for _ in 0..connections {
            let mut client = self.open(kind)?;
            client.ask()?;
            open.push(client);
        }
        thread::sleep(REST);
        let full = usage::memory(self.process.id())?;
        // They must still be there.
        for client in open.iter_mut().step_by(97) {
            client.ask().context("an idle connection was closed")?;
        }
        Ok(full.saturating_sub(empty) as f64 / f64::from(connections))
    }
}

fn start(which: Which, how: &[&str], connections: u32, folder: &Path) -> Result<Server> {
    fs::create_dir_all(folder)?;
    let trust = certify(how, folder)?;
    let ports = Ports { tcp: free_port()?, tls: free_port()?, wss: free_port()? };
    let (command, ports) = match which {
        Which::Registrar(_) => (registrar(ports, connections, folder)?, ports),
        Which::Kamailio => (kamailio(ports, connections, folder)?, Ports { wss: ports.tls, ..ports }),
        _ => bail!("{} has no connections to measure", which.name()),
    };
    let mut process = Process::start(command, &folder.join("log"))?;
    let answers = |_: &str| Client::open(Kind::Tls, ports.tls, &trust).and_then(|mut client| client.ask()).is_ok();
    process.wait_until(Duration::from_millis(50), answers).with_context(|| which.name())?;
    Ok(Server { process, ports, trust })
}

/// A certificate for localhost that signs itself, by the Debian package openssl.
fn certify(how: &[&str], folder: &Path) -> Result<Trust> {
    let config = folder.join("openssl.cnf");
    fs::write(
        &config,
        "[req]\ndistinguished_name = name\nx509_extensions = more\nprompt = no\n[name]\nCN = localhost\n\
         [more]\nsubjectAltName = DNS:localhost\nbasicConstraints = critical,CA:FALSE\n",
    )?;
    let mut openssl = command::new(command::find("openssl").context("openssl is not there (Debian package openssl)")?);
    openssl.args(["req", "-x509", "-nodes", "-days", "2", "-newkey"]).args(how).arg("-config").arg(&config);
    openssl.arg("-keyout").arg(folder.join(KEY)).arg("-out").arg(folder.join(CHAIN));
    command::output(&mut openssl)?;
    Trust::in_file(&folder.join(CHAIN))
}

const CHAIN: &str = "own.pem";
const KEY: &str = "own.key";

/// The release binary with one worker and its usual settings, but room for so many from one source.
fn registrar(ports: Ports, connections: u32, folder: &Path) -> Result<std::process::Command> {
    let config = folder.join("registrar.toml");
    let Ports { tcp, tls, wss } = ports;
    let room = connections + 100;
    let text = format!(
        "listen = [\"tcp:127.0.0.1:{tcp}\", \"tls:127.0.0.1:{tls}\", \"wss:127.0.0.1:{wss}\"]\n\
         domains = [\"{DOMAIN}\"]\n\
         workers = 1\n\
         [tls]\n\
         certificates = {{ chain = \"{CHAIN}\", key = \"{KEY}\" }}\n\
         [tcp]\n\
         connections = {room}\n\
         connections_per_source = {room}\n\
         [location]\n\
         mode = \"memory\"\n"
    );
    fs::write(&config, text)?;
    let mut command = command::new(program()?);
    command.arg("serve").arg("--config").arg(&config);
    Ok(command)
}

/// Kamailio with a leg for TCP, and one for TLS and secure WebSockets.
fn kamailio(ports: Ports, connections: u32, folder: &Path) -> Result<std::process::Command> {
    let config = folder.join("kamailio.cfg");
    let Ports { tcp, tls, .. } = ports;
    let room = connections + 100;
    let files: [PathBuf; 2] = [folder.join(CHAIN), folder.join(KEY)];
    let [chain, key] = files.each_ref().map(|file| file.display());
    let text = format!(
        r#"#!KAMAILIO
debug=0
log_stderror=yes
auto_aliases=no
children=1
tcp_children=2
tcp_accept_no_cl=yes
tcp_connection_lifetime=3605
tcp_max_connections={room}
tls_max_connections={room}
open_files_limit={}
enable_tls=yes
listen=tcp:127.0.0.1:{tcp}
listen=tls:127.0.0.1:{tls}
alias="{DOMAIN}"
loadmodule "tls.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "xhttp.so"
loadmodule "websocket.so"
modparam("tls", "certificate", "{chain}")
modparam("tls", "private_key", "{key}")
modparam("tls", "tls_method", "TLSv1.2+")
modparam("websocket", "keepalive_mechanism", 0)
modparam("usrloc", "db_mode", 0)
request_route {{
    if (method == "REGISTER") {{
        save("location");
        exit;
    }}
    sl_send_reply("405", "Method Not Allowed");
}}
event_route[xhttp:request] {{
    if ($hdr(Upgrade) =~ "websocket") {{
        ws_handle_handshake();
        exit;
    }}
    xhttp_reply("404", "Not Found", "", "");
}}
"#,
        room + 200
    );
    fs::write(&config, text)?;
    let mut command = command::new(command::find("kamailio").context("kamailio is not there")?);
    command.args(["-DD", "-E", "-x", "fm", "-m", "1024", "-M", "16", "-f"]).arg(&config);
    command.arg("-Y").arg(folder).arg("-w").arg(folder);
    Ok(command)
}

/// Lets this process, and those that it starts, have so many connections.
pub(super) fn make_room(wanted: u64) -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    ensure!(hard >= wanted, "{wanted} file descriptors are needed, and {hard} are allowed: ulimit -Hn");
    if soft < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
    }
    Ok(())
}

fn print(rows: &[Row], connections: u32) {
    println!("\n{connections} idle connections, each after one request; {OPENED} opened one after the other");
    println!("{:<45} {:<12} {:>8}  range", "what", "server", "median");
    let mut done: Vec<(&str, Which)> = Vec::new();
    for row in rows {
        let group = (row.what.as_str(), row.which);
        if done.contains(&group) {
            continue;
        }
        done.push(group);
        let values: Vec<f64> = rows.iter().filter(|r| (r.what.as_str(), r.which) == group).map(|r| r.value).collect();
        println!("{:<45} {:<12} {}", row.what, row.which.name(), report::spread(&values));
    }
}
