//! One engine's connections, and a lookup on one of them.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use parking_lot::Mutex;
use sip_dispatch::BoxFuture;
use sip_registrar::auth::Account;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::{
    AssertSqlSafe, Column as _, ColumnIndex, ConnectOptions, Connection, Database, Decode, Encode, Executor,
    IntoArguments, Row, SqlSafeStr, Statement, Type, TypeInfo, ValueRef,
};

use super::columns::{self, Column};
use super::query::Query;
use crate::draft::Draft;
use crate::{Source, SourceError, User};

/// A connection unused for longer is closed: firewalls forget such ones without a word.
const IDLE: Duration = Duration::from_secs(60);

/// More rows than this are not read to find the one with the right name.
const MOST_ROWS: usize = 16;

/// Types of columns that hold text, by the names that the engines have for them.
const TEXT: &[&str] = &[
    "TEXT",
    "VARCHAR",
    "CHAR",
    "NAME",
    "CITEXT",
    "BYTEA",
    "UNKNOWN",
    "TINYTEXT",
    "MEDIUMTEXT",
    "LONGTEXT",
    "BINARY",
    "VARBINARY",
    "TINYBLOB",
    "BLOB",
    "MEDIUMBLOB",
    "LONGBLOB",
    "ENUM",
];

/// A query on a database.
pub(super) struct Table<DB: Database> {
    options: <DB::Connection as Connection>::Options,
    query: Query,
    checked: AtomicBool,
    idle: Mutex<Vec<(DB::Connection, Instant)>>,
}

impl<DB> Table<DB>
where
    DB: Database,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
    for<'r> Vec<u8>: Decode<'r, DB>,
    usize: ColumnIndex<DB::Row>,
{
    pub(super) fn new(options: <DB::Connection as Connection>::Options, query: Query) -> Self {
        Self { options, query, checked: AtomicBool::new(false), idle: Mutex::new(Vec::new()) }
    }

    /// A new connection, with the query checked by the first one.
    async fn connect(&self) -> Result<DB::Connection, SourceError> {
        let mut connection = self.options.connect().await.map_err(|error| source_error(&error))?;
        if !self.checked.load(Relaxed) {
            let prepared = connection.prepare(AssertSqlSafe(self.query.text.clone()).into_sql_str()).await;
            let statement = prepared.map_err(|error| source_error(&error))?;
            columns::check(statement.columns().iter().map(sqlx::Column::name))?;
            self.checked.store(true, Relaxed);
        }
        Ok(connection)
    }

    async fn look_up(&self, user: &User) -> Result<Option<Account>, SourceError> {
        let idle = self.idle.lock().pop().filter(|(_, since)| since.elapsed() < IDLE);
        if let Some((mut connection, _)) = idle
            && let Ok(rows) = self.ask(&mut connection, user).await
        {
            return self.done(connection, user, &rows);
        }
        // What went wrong on a connection that had been idle may be due to that.
        let mut connection = self.connect().await?;
        match self.ask(&mut connection, user).await {
            Ok(rows) => self.done(connection, user, &rows),
            Err(error) if is_about_the_values(&error, user) => {
                self.keep(connection);
                Ok(None)
            }
            Err(error) => Err(source_error(&error)),
        }
    }

    async fn ask(&self, connection: &mut DB::Connection, user: &User) -> Result<Vec<DB::Row>, sqlx::Error> {
        // The text is the operator's; what strangers send are parameters.
        let mut query = sqlx::query(AssertSqlSafe(self.query.text.clone()));
        for parameter in &self.query.parameters {
            query = query.bind(parameter.of(user));
        }
        let mut rows = Vec::new();
        let mut found = query.fetch(connection);
        while let Some(row) = found.try_next().await? {
            rows.push(row);
            if rows.len() > MOST_ROWS {
                break;
            }
        }
        Ok(rows)
    }

    fn done(&self, connection: DB::Connection, user: &User, rows: &[DB::Row]) -> Result<Option<Account>, SourceError> {
        if rows.len() > MOST_ROWS {
            // The connection is closed, since there may be any number more on their way.
            return Err(SourceError::Account(format!("the query gives more than {MOST_ROWS} rows")));
        }
        self.keep(connection);
        account::<DB>(user, rows)
    }

    fn keep(&self, connection: DB::Connection) {
        self.idle.lock().push((connection, Instant::now()));
    }
}

impl<DB> Source for Table<DB>
where
    DB: Database,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
    for<'r> Vec<u8>: Decode<'r, DB>,
    usize: ColumnIndex<DB::Row>,
{
    fn fetch<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<Account>, SourceError>> {
        Box::pin(self.look_up(user))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SourceError>> {
        Box::pin(async {
            let connection = self.connect().await?;
            self.keep(connection);
            Ok(())
        })
    }
}

/// The account of the one row that is about this user.
fn account<DB>(user: &User, rows: &[DB::Row]) -> Result<Option<Account>, SourceError>
where
    DB: Database,
    for<'r> Vec<u8>: Decode<'r, DB>,
    usize: ColumnIndex<DB::Row>,
{
    let mut found = None;
    for row in rows {
        let Some(account) = read::<DB>(user, row)? else { continue };
        if found.replace(account).is_some() {
            return Err(SourceError::Account("the query gives more than one row".to_owned()));
        }
    }
    Ok(found)
}

/// The account in a row; `None` if it is somebody else's.
fn read<DB>(user: &User, row: &DB::Row) -> Result<Option<Account>, SourceError>
where
    DB: Database,
    for<'r> Vec<u8>: Decode<'r, DB>,
    usize: ColumnIndex<DB::Row>,
{
    let mut values = Vec::new();
    for column in row.columns() {
        let (name, known) = (column.name(), Column::new(column.name())?);
        let value = cell::<DB>(row, column.ordinal())
            .map_err(|what| SourceError::Account(format!("the column {name} {what}")))?;
        if known == Column::Username && value != user.name().as_bytes() {
            return Ok(None);
        }
        values.push((known, name, value));
    }
    let mut draft = Draft::new(user);
    for (column, name, value) in values {
        column.read(name, value, &mut draft)?;
    }
    Ok(Some(draft.finish()))
}

/// What a column holds; nothing if it is NULL.
fn cell<DB>(row: &DB::Row, at: usize) -> Result<Vec<u8>, String>
where
    DB: Database,
    for<'r> Vec<u8>: Decode<'r, DB>,
    usize: ColumnIndex<DB::Row>,
{
    let value = row.try_get_raw(at).map_err(|error| text(&error))?;
    if value.is_null() {
        return Ok(Vec::new());
    }
    let kind = value.type_info().name().to_owned();
    if !TEXT.iter().any(|text| kind.eq_ignore_ascii_case(text)) {
        return Err(format!("is of type {kind}, not text"));
    }
    let mut bytes = Vec::<u8>::decode(value).map_err(|_| format!("of type {kind} cannot be read"))?;
    if kind == "CHAR" {
        // Of a fixed width, and filled up with blanks.
        bytes.truncate(bytes.trim_ascii_end().len());
    }
    Ok(bytes)
}

/// Whether the engine could do nothing with the values: such a user cannot be there. Everything else is about the store.
fn is_about_the_values(error: &sqlx::Error, user: &User) -> bool {
    let Some(code) = error.as_database_error().and_then(|error| error.code()) else { return false };
    // SQLSTATE class 22 is "data exception": a character the database cannot write, a name that is no number where the
    // query wants one. MySQL has HY000 for names that cannot be compared with a column of another character set.
    code.starts_with("22") || (code == "HY000" && !user.name().is_ascii())
}

fn source_error(error: &sqlx::Error) -> SourceError {
    let text = text(error);
    let Some(error) = error.as_database_error() else {
        return match error {
            sqlx::Error::Configuration(_) => SourceError::Misconfigured(text),
            _ => SourceError::Unavailable(text),
        };
    };
    // ER_TOO_MANY_USER_CONNECTIONS and ER_USER_LIMIT_REACHED have the class of syntax errors.
    let is_passing = error.try_downcast_ref::<MySqlDatabaseError>().is_some_and(|e| matches!(e.number(), 1203 | 1226));
    let code = error.code().unwrap_or_default();
    // SQLSTATE: not authorised, no such database, a query that is wrong; 1 is what SQLite says of the last.
    let is_wrong = ["28", "3D", "42"].iter().any(|class| code.len() == 5 && code.starts_with(class)) || code == "1";
    if is_wrong && !is_passing { SourceError::Misconfigured(text) } else { SourceError::Unavailable(text) }
}

/// What drivers say holds no URL and no password.
pub(super) fn text(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Configuration(error) | sqlx::Error::Tls(error) => error.to_string(),
        error => error.to_string(),
    }
}
