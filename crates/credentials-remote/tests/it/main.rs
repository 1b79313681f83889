//! Remote stores as a worker meets them: one that does what a test wants, and real ones, stopped in the middle of a run
//! and started again.
//!
//! The modules `postgresql` and `mariadb` drive the programs of these names.
#![expect(clippy::unwrap_used, clippy::panic, reason = "all of it is test")]

mod guard;
mod harness;
mod http;
mod mariadb;
mod outage;
mod postgresql;
mod sqlite;
mod subscriber;
