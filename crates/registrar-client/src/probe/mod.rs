//! Registers at any registrar once, says what happens at each step and what is odd about the answers, and removes its
//! binding again.
//!
//! ```text
//!   resolve ▶ connect ▶ register ▶ challenge ▶ grant ▶ look ▶ remove
//! ```

mod odd;
mod report;
mod session;
mod steps;

pub use report::{Finding, Report, Severity, Step, Verdict};
pub use steps::{Probe, probe};
