//! The JSON of the registrar's HTTP API: what is asked and what is answered, for both of its ends.
//!
//! ```text
//!   registrar-admin ── these types as JSON ──▶ registrar-client, and whoever reads the OpenAPI document
//! ```
//!
//! Nothing here does anything. Times are RFC 3339 in UTC, durations and expiries are in seconds, and what comes out of a
//! SIP message and is no UTF-8 has U+FFFD in place of what cannot be read. A field that has nothing to say is left out.
#![forbid(unsafe_code)]

mod aor;
mod error;
mod event;
mod outcome;
mod settings;
mod status;

pub use aor::{AddBinding, Aor, AorPage, Binding, BindingState, Filter, Removed};
pub use error::{ApiError, Problem};
pub use event::{Delivery, Event, EventKind, Missed};
pub use outcome::{Advice, Outcome, ReasonText, Why};
pub use settings::{DomainSettings, Effective, Reloaded, Setting};
pub use status::{BackendStatus, CertificateStatus, Listener, LocationStatus, State, Status, WebhookStatus};
