//! Whose certificates are believed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// Whose certificates are believed: the authorities of the system, or those of a file.
#[derive(Clone)]
pub struct Roots(Arc<ClientConfig>);

/// Why nobody's are.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// A file cannot be read, or holds no certificate.
    #[error("{}: no certificate in PEM can be read", .0.display())]
    File(PathBuf),
    /// The system has none.
    #[error("the system has no certificate authorities: --ca names a file of them")]
    System,
    /// The library does not want.
    #[error("TLS: {0}")]
    Tls(String),
}

impl Roots {
    /// The authorities of the system, or those of a PEM file instead.
    ///
    /// # Errors
    /// There are none.
    pub fn open(file: Option<&Path>) -> Result<Self, RootsError> {
        let mut roots = RootCertStore::empty();
        match file {
            Some(file) => {
                let unreadable = || RootsError::File(file.to_owned());
                let all = CertificateDer::pem_file_iter(file).map_err(|_| unreadable())?;
                for certificate in all {
                    let certificate = certificate.map_err(|_| unreadable())?;
                    roots.add(certificate).map_err(|_| unreadable())?;
                }
                if roots.is_empty() {
                    return Err(unreadable());
                }
            }
            None => {
                let native = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(native.certs);
                if roots.is_empty() {
                    return Err(RootsError::System);
                }
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = versions.map_err(|error| RootsError::Tls(error.to_string()))?;
        Ok(Self(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
    }

    pub(super) fn connector(&self) -> TlsConnector {
        TlsConnector::from(Arc::clone(&self.0))
    }

    pub(super) fn name(host: &str) -> std::io::Result<ServerName<'static>> {
        ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)
    }
}

impl std::fmt::Debug for Roots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Roots")
    }
}
