//! What TLS legs present and demand: certificates by name, and perhaps certificates of clients.

mod certificate;
mod files;
mod presented;

use std::sync::{Arc, PoisonError, RwLock};

pub use certificate::CertificateInfo;
pub use files::{CertificateFiles, ClientCertificates, TlsError, TlsFiles, TlsMaterial};
use rustls::server::ProducesTickets;
use rustls::{ServerConfig, ServerConnection};

/// What a leg presents, to be replaced while it serves. Cheap to clone; the clones are one.
#[derive(Clone)]
pub struct Tls {
    current: Arc<RwLock<Current>>,
    /// Keys of session tickets outlive a change of certificates, so that phones go on resuming.
    tickets: Option<Arc<dyn ProducesTickets>>,
}

struct Current {
    config: Arc<ServerConfig>,
    certificates: Vec<CertificateInfo>,
}

impl Tls {
    /// Presents `material`.
    #[must_use]
    pub fn new(material: TlsMaterial) -> Self {
        // Without tickets every connection begins anew, which is correct and slower.
        let tickets = rustls::crypto::aws_lc_rs::Ticketer::new().ok();
        let current = Current::new(material, tickets.as_ref());
        Self { current: Arc::new(RwLock::new(current)), tickets }
    }

    /// Presents `material` to connections that begin from now on; others go on as they are.
    pub fn replace(&self, material: TlsMaterial) {
        let current = Current::new(material, self.tickets.as_ref());
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
    }

    /// What is presented, in the order of the files.
    #[must_use]
    pub fn certificates(&self) -> Vec<CertificateInfo> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).certificates.clone()
    }

    /// The server's side of a new connection.
    pub(crate) fn begin(&self) -> Result<ServerConnection, rustls::Error> {
        let config = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).config);
        ServerConnection::new(config)
    }
}

impl Current {
    fn new(material: TlsMaterial, tickets: Option<&Arc<dyn ProducesTickets>>) -> Self {
        let TlsMaterial { mut config, certificates, demands_certificates } = material;
        if demands_certificates {
            // Whoever resumes shows no certificate, and the authorities may have changed since.
            config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        } else if let Some(tickets) = tickets {
            config.ticketer = Arc::clone(tickets);
        }
        Self { config: Arc::new(config), certificates }
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("certificates", &self.certificates()).finish_non_exhaustive()
    }
}
