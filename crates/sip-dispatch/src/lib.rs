//! What every SIP server does with a request before it knows what the request is about, and where the answer goes.
//!
//! ```text
//!   Ingress::on_message ─▶ within the source's budget? ─▶ index ─▶ a response, an ACK? counted, never answered
//!                           │
//!                           ▼
//!                        seen before? ─▶ the same bytes again, or silence while it is in flight
//!                           │
//!                           ▼
//!                        ReceiveChain: link ─Pass─▶ link ─Pass─▶ … link
//!                           │                │
//!                        Handled          Pending: a future, and where to go on when it is ready
//!                           ▼
//!                        the answer is in the Outbox; over UDP it is remembered for 32 s
//!                           ┊ held: it is taken out again until a store has kept what it tells of
//! ```
//!
//! This is the UAS part of RFC 3261 §8.2, §17.2 and §18.2 and of RFC 3581, sans-IO: time, peer and output buffer are
//! arguments, and no runtime is known. A [`Dispatcher`] belongs to one worker and is driven through
//! [`Ingress`](sip_transport::Ingress); the [`ReceiveChain`] is shared by all.
//!
//! Requests of our own (client transactions, timers, resolution) are not here yet.
#![forbid(unsafe_code)]

mod absorb;
mod answer;
pub mod budget;
mod chain;
mod coming;
mod config;
mod copies;
mod counters;
mod dispatcher;
mod exchange;
mod fetch;
mod held;
mod hold;
mod identity;
pub mod links;
mod parts;
mod pending;
pub mod reason;
mod receiver;
mod refusal;
mod route;
mod rules;
mod status;
mod told;
mod transaction;
mod unreadable;

pub use answer::{Answer, BoxFuture};
pub use chain::{Link, ReceiveChain};
pub use coming::Coming;
pub use config::Config;
pub use counters::{Counters, CountersSnapshot};
pub use dispatcher::{Dispatcher, Outcome};
pub use exchange::{Exchange, Sealed};
pub use hold::{Gate, Hold};
pub use identity::Identity;
pub use pending::{Pending, Resume};
pub use reason::{Reason, ReasonText};
pub use receiver::{Deferred, Receiver, Share, Verdict};
pub use route::{MaddrPolicy, RouteConfig};
pub use rules::Rules;
pub use status::Status;
