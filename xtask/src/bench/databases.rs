//! Databases for Kamailio's `db_mode` 1, each with its own tables, in the folder of the server.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::process::Process;
use crate::command;

/// Where Debian's packages put the statements that make Kamailio's tables.
const SQLITE_TABLES: &str = "/usr/share/kamailio/db_sqlite";
const POSTGRESQL_TABLES: &str = "/usr/share/kamailio/postgres";

/// Debian's "nobody" and "nogroup": PostgreSQL does not run as root.
const NOBODY: u32 = 65_534;

/// A database that is ready.
pub(super) enum Database {
    /// A file, which Kamailio's own processes write.
    Sqlite(PathBuf),
    /// A server of its own.
    PostgreSql { server: Process, port: u16 },
}

impl Database {
    /// Makes a file with a write-ahead log, which costs less than SQLite's usual journal; it syncs at every commit.
    pub(super) fn sqlite(folder: &Path) -> Result<Self> {
        let file = folder.join("kamailio.sqlite");
        let tables = tables(SQLITE_TABLES)?;
        let script = folder.join("tables.sql");
        fs::write(&script, format!("PRAGMA journal_mode=WAL;\n{tables}"))?;
        command::output(command::new("sqlite3").arg(&file).arg(format!(".read {}", script.display())))?;
        Ok(Self::Sqlite(file))
    }

    /// Starts a server with its usual settings: every commit is synced before it is answered.
    pub(super) fn postgresql(port: u16, folder: &Path) -> Result<Self> {
        let room = folder.join("postgresql");
        fs::create_dir_all(&room)?;
        if command::output(command::new("id").arg("-u"))?.trim() == "0" {
            chown(&room, Some(NOBODY), Some(NOBODY))?;
        }
        let data = room.join("data");
        let mut initdb = ordinary("initdb", &room)?;
        initdb.args(["--username=kamailio", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        command::output(initdb.arg("--pgdata").arg(&data))?;

        let mut postgres = ordinary("postgres", &room)?;
        postgres.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        postgres.args(["-c", "unix_socket_directories="]);
        let mut server = Process::start(postgres, &folder.join("postgresql.log"))?;
        server.wait_until(Duration::from_millis(20), |log| log.contains("ready to accept connections"))?;

        let script = folder.join("tables.sql");
        fs::write(&script, tables(POSTGRESQL_TABLES)?)?;
        let mut psql = command::new(program("psql").context("psql is not there")?);
        psql.args(["-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &port.to_string()]);
        command::output(psql.args(["-U", "kamailio", "-d", "postgres", "-f"]).arg(&script))?;
        Ok(Self::PostgreSql { server, port })
    }

    /// The database's own process, if it has one.
    pub(super) fn process(&self) -> Option<&Process> {
        match self {
            Self::Sqlite(_) => None,
            Self::PostgreSql { server, .. } => Some(server),
        }
    }

    /// Kamailio's settings for it.
    pub(super) fn kamailio(&self) -> String {
        let (module, url) = match self {
            Self::Sqlite(file) => ("db_sqlite", format!("sqlite:///{}", file.display())),
            Self::PostgreSql { port, .. } => ("db_postgres", format!("postgres://kamailio@127.0.0.1:{port}/postgres")),
        };
        format!("loadmodule \"{module}.so\"\nmodparam(\"usrloc\", \"db_url\", \"{url}\")\n")
    }
}

/// What is missing for SQLite, if something is.
pub(super) fn missing_for_sqlite() -> Option<&'static str> {
    if command::find("sqlite3").is_none() {
        return Some("sqlite3");
    }
    (!Path::new(SQLITE_TABLES).is_dir()).then_some("kamailio-sqlite-modules")
}

/// What is missing for PostgreSQL, if something is.
pub(super) fn missing_for_postgresql() -> Option<&'static str> {
    if program("postgres").is_none() || program("psql").is_none() {
        return Some("postgresql");
    }
    (!Path::new(POSTGRESQL_TABLES).is_dir()).then_some("kamailio-postgres-modules")
}

/// The statements for the tables that usrloc needs.
fn tables(folder: &str) -> Result<String> {
    let mut text = String::new();
    for part in ["standard-create.sql", "usrloc-create.sql"] {
        let file = Path::new(folder).join(part);
        text += &fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    Ok(text)
}

/// One of PostgreSQL's programs, for the owner of this folder.
fn ordinary(name: &str, folder: &Path) -> Result<Command> {
    let mut command = command::new(program(name).with_context(|| format!("{name} is not there"))?);
    command.current_dir(folder);
    if command::output(command::new("id").arg("-u"))?.trim() == "0" {
        command.uid(NOBODY).gid(NOBODY);
    }
    Ok(command)
}

/// Debian keeps the programs of each version in a folder of its own, off the PATH: the newest.
fn program(name: &str) -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let there = versions.map(|version| version.path().join("bin").join(name)).filter(|program| program.is_file());
    let number = |program: &PathBuf| program.iter().nth(4)?.to_str()?.parse::<u32>().ok();
    there.max_by_key(number).or_else(|| command::find(name))
}
