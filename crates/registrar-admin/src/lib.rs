//! The registrar's HTTP API: who is registered, why somebody is not, and what happens as it happens.
//!
//! ```text
//!   Dispatcher::on_outcome ─▶ History, Meters ┐
//!   Registrar, outcomes ────▶ EventLog ───────┤
//!   LocationService::scan, lookup, remove ────┼──▶ Admin: HTTP on a Unix socket or TCP, on a thread of its own
//!   Control: status, drain ───────────────────┘
//! ```
//!
//! It is given handles and knows nothing of the program around it. No worker waits for it: what workers tell it, they tell
//! under short locks, and whoever reads slowly holds up nobody but itself.
#![forbid(unsafe_code)]

mod changes;
mod convert;
mod events;
mod history;
mod http;
mod metrics;
mod server;
mod time;
mod traces;
mod webhook;

pub use events::EventLog;
pub use history::{History, HistoryConfig};
pub use metrics::{Measured, Meters};
pub use server::{Admin, AdminConfig, BindError, Control, Handles, Listen, Scope, Serving, Token, TokenError};
pub use traces::{EndpointError, TraceCounts, Tracer, TracesConfig};
pub use webhook::{Webhook, WebhookError};
