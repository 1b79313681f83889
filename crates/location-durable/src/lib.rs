//! The location table of a SIP registrar, kept on disk: a [`LocationService`](sip_registrar::LocationService) that loses
//! nothing it has answered.
//!
//! ```text
//!   worker ──▶ Table::register ── under the lock of a part ──▶ Desk::note     decided, noted and in memory in one step
//!     ▲                                                            │
//!     │                                                            ▼  a group: all that comes in about 10 ms
//!     │                                              the thread "location": Writer
//!     │                                                            │  File::commit, one transaction of redb
//!     └──────────────── the group is on disk ◀─────────────────────┘  beside it, bit by bit: a Snapshot
//! ```
//!
//! All bindings are in memory, and every question is answered from there. The file is a journal of changes and, from time
//! to time, a snapshot, so that the journal before it can go; both are read when the table is opened, and never else.
#![forbid(unsafe_code)]

mod clock;
mod config;
mod desk;
mod file;
mod group;
mod load;
mod location;
mod snapshot;
mod stats;
mod upkeep;
mod writer;

pub use config::{DurableConfig, Mode, RESTART_GRACE};
pub use file::{Damage, OpenError, WriteError};
pub use location::{CloseError, DurableLocation, Loaded, Progress};
pub use stats::DurableStats;
pub use upkeep::{Compacted, Verified, compact, verify};
