//! SIP over sockets: bytes come in by a leg and leave by the [`Outbox`] that went in with them.
//!
//! ```text
//!   kernel ──recvmmsg / read──▶ worker ──Inbound, &mut Outbox──▶ Ingress
//!   kernel ◀─sendmmsg / write── worker ◀───────── Outbox ◀───────────┘
//! ```
//!
//! Without features this is a vocabulary: [`Peer`], [`Flow`], [`Now`], [`Outbox`] and the trait [`Ingress`], which is
//! all that the crates above need. The feature `tokio` adds the sockets and the workers that drive an `Ingress`:
//! [`LegSpec`]s go into a `ServerConfig`, `Server::bind` takes the ports, `Server::run` serves until a `Shutdown`.
//!
//! It knows framing and keepalives (CRLF, STUN) and nothing else of SIP.
#![forbid(unsafe_code)]

mod advertised;
mod ingress;
mod leg_spec;
mod now;
mod outbox;
mod peer;
pub mod proxy_protocol;
pub mod stun;
#[cfg(feature = "ws")]
pub mod websocket;

pub use advertised::{Advertised, AdvertisedError, AdvertisedFault};
pub use ingress::{FlowEvent, Inbound, Ingress, Tick};
pub use leg_spec::{LegSpec, LegSpecError, LegSpecFault};
pub use now::{Now, Timestamp};
pub use outbox::{Destination, OutMessage, Outbox};
pub use peer::{Flow, LegId, Peer, Transport};

#[cfg(feature = "tokio")]
mod bind;
#[cfg(feature = "tokio")]
mod clock;
#[cfg(feature = "tokio")]
mod config;
#[cfg(feature = "tokio")]
mod control;
#[cfg(feature = "tokio")]
mod counters;
#[cfg(feature = "tokio")]
mod leg;
#[cfg(feature = "tokio")]
mod legs;
#[cfg(feature = "tokio")]
mod pending;
#[cfg(feature = "tokio")]
mod server;
#[cfg(feature = "tokio")]
mod shutdown;
#[cfg(feature = "tokio")]
mod stream;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tokio")]
mod udp;
#[cfg(feature = "tokio")]
mod worker;

#[cfg(feature = "tls")]
pub use tls::{CertificateFiles, CertificateInfo, ClientCertificates, Tls, TlsError, TlsFiles, TlsMaterial};
#[cfg(feature = "tokio")]
pub use {
    bind::BindError,
    clock::Clock,
    config::{Batching, ServerConfig, StreamConfig, UdpConfig},
    control::{Control, LegChange},
    counters::{CloseCause, Counters, CountersHandle},
    leg::{IpNet, Leg},
    server::{DrainSummary, RunError, Server, WorkerId},
    shutdown::Shutdown,
};
