//! The other end of the registrar: a client of its API, and SIP clients that try and load any registrar.
//!
//! ```text
//!   Client ── HTTP over a Unix socket or TCP ──▶ registrar-admin        view, top: what it answers, for people
//!   probe, load ── SIP over UDP, TCP or TLS ──▶ any registrar
//! ```
//!
//! Nothing here prints or ends a process: results are values and texts, and whoever calls shows them.
#![forbid(unsafe_code)]

pub mod api;
pub mod load;
pub mod probe;
pub mod sip;
#[cfg(feature = "top")]
pub mod top;
pub mod view;

pub use api::{Client, Error, Target, Token};
