//! sip-message as its users see it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "all of it is test"
)]

mod captures;
mod common;
mod naive;
mod round_trip;
mod torture;
