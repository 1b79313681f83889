//! A registrar behind a dispatcher, driven with messages and virtual time.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of it is test"
)]

mod add;
mod api;
mod auth;
mod captures;
mod codec;
mod contacts;
mod domains;
mod expires;
mod flows;
mod harness;
mod identity;
mod later;
mod limits;
mod model;
mod observer;
mod order;
mod path;
mod reasons;
mod redirect;
mod star;
