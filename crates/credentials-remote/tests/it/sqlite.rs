//! SQLite: a file.

use std::path::PathBuf;
use std::time::Duration;

use credentials_remote::{RemoteConfig, SqlConfig, SqlSource};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};
use tokio::runtime::Runtime;

use crate::harness::{Room, Worker};
use crate::subscriber;

struct Sqlite {
    file: PathBuf,
    runtime: Runtime,
    _room: Room,
}

impl Sqlite {
    /// The file is not there yet.
    fn absent() -> Self {
        let room = Room::new("sqlite");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { file: room.path().join("users.db"), runtime, _room: room }
    }

    fn new() -> Self {
        let this = Self::absent();
        this.fill();
        this
    }

    fn fill(&self) {
        let mut connection = self.connect();
        self.execute(&mut connection, &subscriber::TABLE.replace("{id}", "INTEGER PRIMARY KEY"));
        subscriber::users().iter().for_each(|statement| self.execute(&mut connection, statement));
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.file.display())
    }

    fn connect(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(&self.file).create_if_missing(true);
        self.runtime.block_on(options.connect()).unwrap()
    }

    fn execute(&self, connection: &mut SqliteConnection, statement: &str) {
        self.runtime.block_on(sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection)).unwrap();
    }
}

/// Asks each time, and tries again at once.
fn config() -> RemoteConfig {
    RemoteConfig {
        fresh: Duration::ZERO,
        negative: Duration::ZERO,
        open: Duration::from_millis(50),
        ..RemoteConfig::default()
    }
}

#[test]
fn users_are_found() {
    let database = Sqlite::new();
    subscriber::users_are_found_as_kamailio_keeps_them(&database.url());
    subscriber::other_tables_are_asked_by_other_queries(&database.url());
    subscriber::a_wrong_query_is_found_at_the_start(&database.url());
}

#[test]
fn a_query_that_gives_rows_without_end_is_not_read_to_the_end() {
    let database = Sqlite::new();
    let query = "WITH RECURSIVE n (password) AS (SELECT 'secret' UNION ALL SELECT password FROM n) \
                 SELECT password FROM n WHERE password <> {username}";
    let config_of_source = SqlConfig { query: query.to_owned(), ..SqlConfig::new(database.url()) };
    let worker = Worker::start(SqlSource::new(&config_of_source).unwrap(), config());
    assert_eq!(worker.shown("user0"), None);
    assert!(worker.event().contains("more than 16 rows"));
}

#[test]
fn a_file_that_another_program_has_locked_is_a_store_that_is_down() {
    let database = Sqlite::new();
    let worker = Worker::start(SqlSource::new(&SqlConfig::new(database.url())).unwrap(), config());
    assert!(worker.ask("user0").unwrap().is_some());
    let mut other = database.connect();
    database.execute(&mut other, "BEGIN EXCLUSIVE");
    assert!(worker.ask("user0").unwrap().is_some());
    assert!(worker.ask("user1").is_err());
    let heard = worker.event();
    assert!(heard.contains("Failed(Unavailable(\"database is locked"), "{heard}");
    database.execute(&mut other, "COMMIT");
    assert!(worker.wait_until_answered("user1").is_some());
}

#[test]
fn a_file_may_come_later_and_is_never_made_by_reading() {
    let database = Sqlite::absent();
    let worker = Worker::start(SqlSource::new(&SqlConfig::new(database.url())).unwrap(), config());
    assert!(worker.event().contains("unable to open database file"));
    assert!(worker.ask("user0").is_err());
    assert!(!database.file.exists());
    database.fill();
    assert!(worker.wait_until_answered("user0").is_some());
}

#[test]
fn a_file_that_is_no_database_is_a_store_that_is_down() {
    let database = Sqlite::absent();
    std::fs::write(&database.file, "username password\n".repeat(1000)).unwrap();
    let worker = Worker::start(SqlSource::new(&SqlConfig::new(database.url())).unwrap(), config());
    assert!(worker.event().contains("file is not a database"));
    assert!(worker.ask("user0").is_err());
}
