//! Users in a SQL database.

mod columns;
mod query;
mod table;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sip_dispatch::BoxFuture;
use sip_registrar::auth::Account;
use sqlx::mysql::{MySql, MySqlConnectOptions};
use sqlx::postgres::{PgConnectOptions, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnectOptions};

use crate::{Source, SourceError, User};
use query::{Marks, Query};
use table::Table;

/// For Kamailio's table `subscriber` as it stands.
pub const DEFAULT_QUERY: &str =
    "SELECT username, password, ha1, ha1b FROM subscriber WHERE username = {username} AND domain = {domain}";

/// How long SQLite waits for a program that is writing.
const SQLITE_BUSY: Duration = Duration::from_millis(200);

/// Where the users are, and how they are asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct SqlConfig {
    /// `postgres://name:password@host:5432/database`, the same with `mysql` or `mariadb`, or `sqlite:/path/to/file`.
    ///
    /// `?sslmode=verify-full&sslrootcert=/path` (PostgreSQL) and `?ssl-mode=VERIFY_IDENTITY&ssl-ca=/path` (MySQL) have
    /// the server's certificate checked; without, TLS is used if the server offers it, and nobody's word is checked.
    pub url: String,
    /// The query, with `{username}`, `{domain}` and `{realm}` where these are to stand, without quotes: they are
    /// parameters, never text of the query. It gives no row for a user who is not there and one for who is.
    ///
    /// What a column holds is told by its name, in any case:
    ///
    /// | column | holds |
    /// |---|---|
    /// | `username` | the name. A row in which it differs from the one asked for, be it in case, is left out: some databases compare without regard to case |
    /// | `password` | the password as it is |
    /// | `ha1`, `ha1_md5` | hash of `username:realm:password`, hexadecimal; `ha1` with 64 digits is of SHA-256 |
    /// | `ha1b` | hash of `username@domain:realm:password`, the same |
    /// | `ha1_sha256`, `ha1_sha256b` | the two, of SHA-256 |
    /// | `ha1_sha512_256`, `ha1_sha512_256b` | the two, of SHA-512-256; `ha1_sha512t256` is OpenSIPS's name |
    /// | `may_register` | addresses it may register beside its own, between commas or blanks: `sales@example.com *@example.org` |
    /// | `algorithms` | the algorithms it may use, between commas or blanks: `SHA-256 MD5` |
    ///
    /// NULL and empty values count as not given. A user without any secret cannot register. If two rows are left, nobody
    /// can tell which is meant, and the user cannot register either.
    pub query: String,
}

impl SqlConfig {
    /// With [`DEFAULT_QUERY`].
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), query: DEFAULT_QUERY.to_owned() }
    }
}

/// The URL may hold a password.
impl fmt::Debug for SqlConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.url.split(':').next().unwrap_or_default();
        f.debug_struct("SqlConfig").field("url", &format_args!("{scheme}:…")).field("query", &self.query).finish()
    }
}

/// What is wrong with a [`SqlConfig`]. No text repeats the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The URL begins with something else.
    #[error("the url of the database has to begin with postgres://, mysql://, mariadb:// or sqlite:")]
    Engine,
    /// The URL cannot be read.
    #[error("the url of the database cannot be read: {0}; : / ? # @ % in a name or password are written as %3A %2F …")]
    Url(String),
    /// Something in braces that is not known.
    #[error("{{{0}}} in the query is none of {{username}}, {{domain}}, {{realm}}")]
    Placeholder(String),
    /// A brace without its other half.
    #[error("the query has a {{ without a }}")]
    Brace,
    /// A placeholder within quotes would be text of the query.
    #[error("{{{0}}} in the query stands in quotes: write it without, it is a parameter")]
    Quoted(String),
    /// The query is the same for every user.
    #[error("the query does not say {{username}}")]
    NoUsername,
}

/// Users in PostgreSQL, MySQL, MariaDB or SQLite.
///
/// Each lookup that runs has a connection of its own, kept for the next; one that failed or took too long is closed. A
/// query that the database refuses, and columns that are not known, are found by [`Source::check`] if the database can
/// be reached then, and else by the first lookup. SQLite's file is opened for reading only.
pub struct SqlSource(Box<dyn Source>);

impl SqlSource {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// The URL or the query cannot be understood.
    pub fn new(config: &SqlConfig) -> Result<Self, SqlError> {
        // Statements are not kept: poolers that give each transaction another connection know nothing of them.
        Ok(Self(match config.url.split(':').next() {
            Some("postgres" | "postgresql") => {
                let options: PgConnectOptions = options(&config.url)?;
                let query = Query::new(&config.query, Marks::Numbered)?;
                Box::new(Table::<Postgres>::new(options.statement_cache_capacity(0), query))
            }
            Some("mysql" | "mariadb") => {
                let options: MySqlConnectOptions = options(&config.url)?;
                let query = Query::new(&config.query, Marks::Plain)?;
                Box::new(Table::<MySql>::new(options.statement_cache_capacity(0), query))
            }
            Some("sqlite") => {
                let options: SqliteConnectOptions = options(&config.url)?;
                let options = options.read_only(true).create_if_missing(false).busy_timeout(SQLITE_BUSY);
                Box::new(Table::<Sqlite>::new(options, Query::new(&config.query, Marks::Plain)?))
            }
            _ => return Err(SqlError::Engine),
        }))
    }
}

fn options<O: FromStr<Err = sqlx::Error> + sqlx::ConnectOptions>(url: &str) -> Result<O, SqlError> {
    let options: O = url.parse().map_err(|error| SqlError::Url(table::text(&error)))?;
    Ok(options.disable_statement_logging())
}

impl Source for SqlSource {
    fn fetch<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<Account>, SourceError>> {
        self.0.fetch(user)
    }
    fn check(&self) -> BoxFuture<'_, Result<(), SourceError>> {
        self.0.check()
    }
}

impl fmt::Debug for SqlSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlSource")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(url: &str) -> SqlError {
        SqlSource::new(&SqlConfig::new(url)).unwrap_err()
    }

    #[test]
    fn the_url_tells_the_engine() {
        for url in [
            "postgres://a:b@127.0.0.1/c",
            "postgresql://a@[::1]:5433/c?sslmode=verify-full",
            "mysql://a:b@127.0.0.1/c?ssl-mode=REQUIRED",
            "mariadb://a:b@127.0.0.1/c",
            "sqlite:/var/lib/users.db",
            "sqlite:///var/lib/users.db",
        ] {
            assert!(SqlSource::new(&SqlConfig::new(url)).is_ok(), "{url}");
        }
        for url in ["", "oracle://a:b@c/d", "/var/lib/users.db", "http://a"] {
            assert_eq!(error(url), SqlError::Engine, "{url}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        for url in
            ["postgres://a:open-sesame@:x/c", "mysql://a:open-sesame@h:port/c", "postgres://a:open-sesame@h?sslmode=x"]
        {
            let config = SqlConfig::new(url);
            let error = SqlSource::new(&config).unwrap_err();
            assert!(matches!(error, SqlError::Url(_)), "{error}");
            let shown = format!("{error} {error:?} {config:?}");
            assert!(!shown.contains("sesame"), "{shown}");
        }
    }
}
