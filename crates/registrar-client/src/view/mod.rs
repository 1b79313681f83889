//! What the API answers, for people: tables that fit the terminal, and colours where they are wanted.
//!
//! Much of it was sent by strangers. No text of theirs can command a terminal: see [`clean`].

mod address;
mod events;
mod look;
mod settings;
mod status;
mod table;
mod text;
mod why;

pub use address::{address, addresses, removed};
pub use events::{event, missed};
pub use look::Look;
pub use settings::{domain, effective, reloaded};
pub use status::status;
pub use text::{clean, count, span, when};
pub use why::{outcomes, why};

pub(crate) use look::Ink;
pub(crate) use table::{Column, table};
pub(crate) use text::{grouped, time_of_day};
