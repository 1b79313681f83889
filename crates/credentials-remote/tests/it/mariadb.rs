//! MariaDB for real.

use std::process::Command;

use credentials_remote::{Remote, RemoteConfig, SourceError, SqlConfig, SqlSource, StartError};
use nix::sys::signal::Signal;
use sip_message::header::Algorithm;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use crate::harness::{Room, Server, Worker, as_ordinary_user, free_port, registers, run};
use crate::outage::{self, Engine, Outage};
use crate::subscriber;

struct MariaDb {
    server: Server,
    port: u16,
    _room: Room,
}

impl MariaDb {
    fn start() -> Self {
        let room = Room::new("mariadb");
        let data = room.path().join("data");
        let init = room.path().join("init.sql");
        // Run at every start.
        let statements = "CREATE DATABASE IF NOT EXISTS users CHARACTER SET latin1;\n\
                          CREATE USER IF NOT EXISTS 'registrar'@'127.0.0.1' IDENTIFIED BY 'open-sesame';\n\
                          GRANT ALL ON users.* TO 'registrar'@'127.0.0.1';\n";
        std::fs::write(&init, statements).unwrap();
        let mut install = Command::new("mariadb-install-db");
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        install.arg(format!("--datadir={}", data.display()));
        // Two of them in one folder for temporary files get in each other's way.
        install.env("TMPDIR", room.path());
        as_ordinary_user(&mut install, room.path());
        run(&mut install);

        let port = free_port();
        let mut mariadbd = Command::new("/usr/sbin/mariadbd");
        mariadbd.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin"]);
        mariadbd.args(["--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0"]);
        mariadbd.arg(format!("--port={port}"));
        for (option, path) in [
            ("datadir", data),
            ("socket", room.path().join("socket")),
            ("pid-file", room.path().join("pid")),
            ("tmpdir", room.path().to_owned()),
        ] {
            mariadbd.arg(format!("--{option}={}", path.display()));
        }
        mariadbd.arg(format!("--init-file={}", init.display()));
        as_ordinary_user(&mut mariadbd, room.path());
        let server = Server::start(mariadbd, "ready for connections");
        let this = Self { server, port, _room: room };
        this.execute(&subscriber::TABLE.replace("{id}", "INT(10) UNSIGNED AUTO_INCREMENT PRIMARY KEY"));
        subscriber::users().iter().for_each(|statement| this.execute(statement));
        this
    }

    fn execute(&self, statement: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = MySqlConnection::connect(&self.url()).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        });
    }
}

impl Engine for MariaDb {
    fn url(&self) -> String {
        format!("mysql://registrar:open-sesame@127.0.0.1:{}/users", self.port)
    }

    fn down(&mut self, how: Outage) {
        match how {
            Outage::Stopped => self.server.stop(Signal::SIGTERM),
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

#[test]
fn users_are_found() {
    let database = MariaDb::start();
    let url = database.url();
    subscriber::users_are_found_as_kamailio_keeps_them(&url);
    subscriber::other_tables_are_asked_by_other_queries(&url);
    subscriber::a_wrong_query_is_found_at_the_start(&url);
    subscriber::users_are_found_as_kamailio_keeps_them(&url.replace("mysql://", "mariadb://"));

    // Columns that are bytes to the server.
    database.execute("ALTER TABLE subscriber MODIFY ha1 VARBINARY(128) NOT NULL, MODIFY password BLOB NOT NULL");
    let worker = Worker::start(SqlSource::new(&SqlConfig::new(url.clone())).unwrap(), RemoteConfig::default());
    assert_eq!(registers(&worker, "both", "secret", Algorithm::Md5), 200);
    assert_eq!(registers(&worker, "both", "secret", Algorithm::Sha256), 200);

    let wrong = SqlSource::new(&SqlConfig::new(url.replace("sesame", "door"))).unwrap();
    let error = Remote::start(wrong, RemoteConfig::default()).err().unwrap();
    assert!(matches!(&error, StartError::Source(SourceError::Misconfigured(_))), "{error:?}");
    assert!(!error.to_string().contains("open-door"), "{error}");
}

#[test]
fn users_are_found_while_it_is_down() {
    let mut database = MariaDb::start();
    outage::known_users_go_on_and_others_are_told_to_come_again(&mut database);
    outage::connections_that_died_in_the_meantime_are_not_noticed(&mut database);
    outage::a_database_may_come_later(&mut database);
}
