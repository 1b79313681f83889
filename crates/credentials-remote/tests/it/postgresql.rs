//! PostgreSQL for real.

use std::path::PathBuf;
use std::process::Command;

use credentials_remote::{Remote, RemoteConfig, SourceError, SqlConfig, SqlSource, StartError};
use nix::sys::signal::Signal;
use sip_message::header::Algorithm;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::harness::{Room, Server, Worker, as_ordinary_user, free_port, registers, run};
use crate::outage::{self, Engine, Outage};
use crate::subscriber;

struct PostgreSql {
    server: Server,
    port: u16,
    _room: Room,
}

impl PostgreSql {
    fn start() -> Self {
        let room = Room::new("postgresql");
        let (data, password) = (room.path().join("data"), room.path().join("password"));
        std::fs::write(&password, "open-sesame").unwrap();
        let mut initdb = Command::new(program("initdb"));
        initdb.args(["--username=registrar", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        initdb.arg("--pwfile").arg(&password).arg("--pgdata").arg(&data);
        as_ordinary_user(&mut initdb, room.path());
        run(&mut initdb);

        let port = free_port();
        let mut postgres = Command::new(program("postgres"));
        postgres.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        postgres.args(["-c", "unix_socket_directories=", "-c", "fsync=off"]);
        as_ordinary_user(&mut postgres, room.path());
        let server = Server::start(postgres, "ready to accept connections");
        let this = Self { server, port, _room: room };
        this.execute(&subscriber::TABLE.replace("{id}", "SERIAL PRIMARY KEY"));
        subscriber::users().iter().for_each(|statement| this.execute(statement));
        this
    }

    fn execute(&self, statement: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.url()).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        });
    }
}

impl Engine for PostgreSql {
    fn url(&self) -> String {
        format!("postgres://registrar:open-sesame@127.0.0.1:{}/postgres", self.port)
    }

    fn down(&mut self, how: Outage) {
        match how {
            // "Fast": connections are closed by the server.
            Outage::Stopped => self.server.stop(Signal::SIGINT),
            Outage::Killed => self.server.kill(),
            Outage::Hanging => self.server.signal_all(Signal::SIGSTOP),
        }
    }

    fn up(&mut self, how: Outage) {
        match how {
            Outage::Stopped | Outage::Killed => self.server.start_again(),
            Outage::Hanging => self.server.signal_all(Signal::SIGCONT),
        }
    }
}

/// Debian keeps the programs of each version in a folder of its own, off the PATH: the newest.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let there = versions.map(|version| version.path().join("bin").join(name)).filter(|program| program.is_file());
    let number = |program: &PathBuf| program.iter().nth(4)?.to_str()?.parse::<u32>().ok();
    there.max_by_key(number).unwrap_or_else(|| name.into())
}

#[test]
fn users_are_found() {
    let database = PostgreSql::start();
    let url = database.url();
    subscriber::users_are_found_as_kamailio_keeps_them(&url);
    subscriber::other_tables_are_asked_by_other_queries(&url);
    subscriber::a_wrong_query_is_found_at_the_start(&url);

    // Blanks that fill up a column of fixed width, and bytes instead of text.
    for query in [
        "SELECT password::CHAR(40) AS password FROM subscriber WHERE username = {username}",
        "SELECT password::BYTEA AS password FROM subscriber WHERE username = {username}",
        "SELECT ha1::CHAR(40) AS ha1 FROM subscriber WHERE username = {username}",
    ] {
        let config = SqlConfig { url: url.clone(), query: query.to_owned() };
        let worker = Worker::start(SqlSource::new(&config).unwrap(), RemoteConfig::default());
        assert_eq!(registers(&worker, "both", "secret", Algorithm::Md5), 200, "{query}");
    }

    // A name that is no number is nobody's where the query wants numbers; it says nothing of the store.
    let query = "SELECT password FROM subscriber WHERE id = CAST({username} AS INTEGER)";
    let config = SqlConfig { url: url.clone(), query: query.to_owned() };
    let worker = Worker::start(SqlSource::new(&config).unwrap(), RemoteConfig::default());
    assert!(worker.shown("2").unwrap().contains("password: Some(secret)"));
    assert_eq!(worker.shown("alice"), None);
    assert_eq!(worker.stats().failures, 0);

    let wrong = SqlSource::new(&SqlConfig::new(url.replace("sesame", "door"))).unwrap();
    let error = Remote::start(wrong, RemoteConfig::default()).err().unwrap();
    assert!(matches!(&error, StartError::Source(SourceError::Misconfigured(_))), "{error:?}");
    assert!(!error.to_string().contains("open-door"), "{error}");
}

#[test]
fn users_are_found_while_it_is_down() {
    let mut database = PostgreSql::start();
    outage::known_users_go_on_and_others_are_told_to_come_again(&mut database);
    outage::connections_that_died_in_the_meantime_are_not_noticed(&mut database);
    outage::a_database_may_come_later(&mut database);
}
