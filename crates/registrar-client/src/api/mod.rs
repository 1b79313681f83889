//! The HTTP API, called.

mod client;
mod error;
mod events;
mod exchange;
mod lines;
mod target;

pub use client::{Client, full_address};
pub use error::Error;
pub use events::{EventFilter, Events, Told};
pub use lines::Lines;
pub use target::{Target, TargetError, Token};
