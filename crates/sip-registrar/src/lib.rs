//! A SIP registrar: who may register is decided elsewhere, where everybody is, is decided and kept here.
//!
//! ```text
//!   REGISTER ──▶ Registrar ── Plan::read ──▶ LocationService::register ──▶ 200 with every binding
//!                               what the            │
//!                               phone wants         ▼
//!                                        decide(current, plan, now)     the rules of RFC 3261 §10.3, once
//!                                                   │
//!                                                   ▼
//!                                                Record               one immutable blob for each address
//!   a connection ends ──▶ LocationService::flow_lost ──▶ its bindings are suspect, and gone after a grace
//!   INVITE  ──▶ Redirect ── LocationService::lookup ──▶ 302 with the contacts by q
//! ```
//!
//! [`Registrar`] and [`Redirect`] are links of a [`ReceiveChain`](sip_dispatch::ReceiveChain). A [`LocationService`]
//! keeps [`Record`]s and interprets no SIP: the in-memory [`MemoryLocation`] is here, others are crates of their own.
//! Everything is sans-IO: time is an argument.
#![forbid(unsafe_code)]

mod aor;
pub mod auth;
mod builder;
mod decide;
mod domains;
mod flows;
mod identity;
mod limits;
mod lines;
pub mod location;
mod observer;
mod own;
mod plan;
pub mod reason;
mod record;
mod redirect;
mod refusal;
mod registrar;
mod render;
mod scratch;
mod span;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use aor::{Aor, AorError};
pub use builder::{ConfigError, RegistrarBuilder};
pub use decide::{ChangeSet, decide};
pub use domains::{DomainError, Domains};
pub use flows::FlowRules;
pub use identity::IdentityParam;
pub use limits::{Eviction, Limits};
pub use location::{LocationService, MemoryLocation, Page, RegisterError, Registered, Removal, StoreError};
pub use observer::Observer;
pub use plan::{Action, Change, Plan, PlanError, RegisterRequest};
pub use record::{Binding, CodecError, Nat, Record, RecordBuilder, Target, Tie};
pub use redirect::Redirect;
pub use registrar::{AddError, Addition, ForeignDomain, Registrar};
