//! Drives any registrar with registrations, and says how it answers.
//!
//! ```text
//!   Schedule ── due at start + n / rate, whatever came before ──▶ Engine ──▶ carriers, one for each connection
//!                                                                   │ ◀── answers
//!                                                                   ▼
//!                                                                 Tally ──▶ Report
//! ```
//!
//! The loop is open: a slow answer delays no request, and the time of an answer is counted from when its request was due,
//! not from when it could be sent. So a registrar that stops for a second cannot hide it (no coordinated omission).
//! Whoever still waits for an answer is passed over, and what finds nobody free is counted as held back.

mod carrier;
mod engine;
mod pacer;
mod plan;
mod report;
mod tally;
mod user;

pub use engine::{LoadError, Progress, load};
pub use plan::{Login, Plan};
pub use report::{Latency, Report, Wrong};
