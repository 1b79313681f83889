//! What is counted, as Prometheus reads it.

mod meters;
mod page;
mod population;
mod process;
mod text;

use std::time::Duration;

pub use meters::Meters;
pub(crate) use page::page;

/// What the program around it has measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// All counters by their names in the log, those that are 0 included.
    pub counters: Vec<(&'static str, u64)>,
    /// Connections that ended, by cause.
    pub closed: Vec<(&'static str, u64)>,
    /// How often each worker has looked after its timers.
    pub ticks: Vec<u64>,
    /// The files of certificates, and when each ends, since 1970.
    pub certificates: Vec<(String, Duration)>,
}
