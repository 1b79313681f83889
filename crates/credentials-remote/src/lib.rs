//! Users of a SIP registrar in a SQL database or behind HTTP: stores that are slow at times, and down at others.
//!
//! ```text
//!  worker's thread                                    one thread of this crate, with tokio
//!
//!  Remote::find ─▶ cache ── knows ──▶ Answer::Now
//!                    │
//!                    └─ does not ──▶ Answer::Later ┄┄ first poll ┄┄▶ queue ─▶ breaker ─▶ Source::fetch
//!                                         ▲                          bounded  open: no    within a deadline
//!                                         └──────────── one lookup for all who ask ◀── cache ◀──┘
//! ```
//!
//! [`Remote`] is a [`Credentials`](sip_registrar::auth::Credentials). A worker runs no code of a database's driver and
//! never waits; a future that is dropped before its first poll has cost the store nothing. While the store is down, users
//! who are in the cache go on, and others are told when to come again.
//!
#![cfg_attr(feature = "sql", doc = "[`SqlSource`] asks PostgreSQL, MySQL, MariaDB or SQLite, with any query;")]
#![cfg_attr(feature = "http", doc = "[`HttpSource`] asks a web service;")]
//! others implement [`Source`]. User names that are hashed (RFC 7616 §3.4.4, `userhash`) cannot be looked up by any of
//! them: such a user is unknown.
//!
//! There is no log here: [`Hooks`] hears what an operator should know, and [`RemoteStats`] counts.
#![forbid(unsafe_code)]

mod bounded;
mod breaker;
mod cache;
mod config;
mod desk;
#[cfg(any(feature = "http", feature = "sql"))]
mod draft;
mod event;
mod flights;
#[cfg(feature = "http")]
mod http;
mod remote;
mod source;
#[cfg(feature = "sql")]
mod sql;
mod stats;
mod thread;

pub use config::RemoteConfig;
pub use event::{Hooks, StoreEvent};
#[cfg(feature = "http")]
pub use http::{HttpConfig, HttpError, HttpSource, Method};
pub use remote::{Remote, StartError};
pub use source::{Source, SourceError, User};
#[cfg(feature = "sql")]
pub use sql::{DEFAULT_QUERY, SqlConfig, SqlError, SqlSource};
pub use stats::RemoteStats;
