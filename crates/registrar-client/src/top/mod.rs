//! The live view of the whole screen.
//!
//! ```text
//!   Client ── each second a Sample ──▶ Model: what changed since the last ──▶ draw
//! ```

mod draw;
mod model;
mod run;
mod sample;

pub use draw::draw;
pub use model::Model;
pub use run::{TopError, run};
pub use sample::{Metrics, Sample};

#[cfg(test)]
mod tests;
