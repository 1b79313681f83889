//! From PEM files to what rustls takes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

use super::CertificateInfo;
use super::presented::Presented;

/// The files of a TLS leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificates; a client that names no host, or one that none of them is for, is shown the first.
    pub certificates: Vec<CertificateFiles>,
    /// Whether clients show certificates, too.
    pub clients: ClientCertificates,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, followed by those between it and the authority.
    pub chain: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}

/// Whether clients show certificates. The file is PEM, with those of the authorities that sign them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They are not asked.
    Off,
    /// They are asked; who shows one must have a good one.
    Optional(PathBuf),
    /// Nobody else gets in.
    Required(PathBuf),
}

/// What the files hold, checked.
#[derive(Debug)]
pub struct TlsMaterial {
    pub(super) config: ServerConfig,
    pub(super) certificates: Vec<CertificateInfo>,
    pub(super) demands_certificates: bool,
}

/// Why files cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// There is no certificate at all.
    #[error("TLS needs a certificate and its key")]
    NoCertificate,
    /// A file that cannot be opened or read.
    #[error("cannot read {}: {error}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Something other than PEM, or PEM of something else.
    #[error("{} has no {wanted} in it: it must be PEM, with lines of BEGIN and END ({detail})", file.display())]
    NotPem {
        /// The file.
        file: PathBuf,
        /// What it should hold.
        wanted: &'static str,
        /// What the reader said.
        detail: String,
    },
    /// A certificate that cannot be read.
    #[error("the certificate in {} cannot be used: {detail}", file.display())]
    BadCertificate {
        /// The file.
        file: PathBuf,
        /// Why.
        detail: String,
    },
    /// A private key that cannot be used.
    #[error("the private key in {} cannot be used: {detail}: take RSA from 2048 bits, ECDSA or Ed25519", file.display())]
    BadKey {
        /// The file.
        file: PathBuf,
        /// Why.
        detail: String,
    },
    /// Key and certificate do not belong together.
    #[error("the key in {} does not belong to the first certificate in {}: the certificate itself comes first, then those of its authorities", key.display(), chain.display())]
    KeyMismatch {
        /// The file of the certificate.
        chain: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The cryptography refused the whole.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

impl TlsFiles {
    /// Reads and checks all of them. That a certificate has ended is no error: see [`CertificateInfo`].
    ///
    /// # Errors
    /// The first file that cannot be used, and why.
    pub fn load(&self) -> Result<TlsMaterial, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut certificates = Vec::new();
        let mut presented = Vec::new();
        for pair in &self.certificates {
            let (info, key) = pair.load(&provider)?;
            presented.push((info.names.clone(), Arc::new(key)));
            certificates.push(info);
        }
        if presented.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let setup = |error: &dyn std::fmt::Display| TlsError::Setup(error.to_string());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| setup(&error))?;
        let builder = match self.clients.authorities() {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities(file)?), provider);
                let may_be_absent = matches!(self.clients, ClientCertificates::Optional(_));
                let verifier = if may_be_absent { verifier.allow_unauthenticated() } else { verifier };
                builder.with_client_cert_verifier(verifier.build().map_err(|error| setup(&error))?)
            }
        };
        let config = builder.with_cert_resolver(Arc::new(Presented(presented)));
        let demands_certificates = self.clients != ClientCertificates::Off;
        Ok(TlsMaterial { config, certificates, demands_certificates })
    }
}

impl ClientCertificates {
    /// The file of authorities, if clients are asked.
    #[must_use]
    pub fn authorities(&self) -> Option<&Path> {
        match self {
            Self::Off => None,
            Self::Optional(file) | Self::Required(file) => Some(file),
        }
    }
}

impl CertificateFiles {
    fn load(&self, provider: &CryptoProvider) -> Result<(CertificateInfo, CertifiedKey), TlsError> {
        let chain = certificates(&self.chain)?;
        let info = chain.first().and_then(|first| CertificateInfo::read(first, &self.chain));
        let info = info.ok_or_else(|| TlsError::BadCertificate {
            file: self.chain.clone(),
            detail: "it is no X.509 certificate".to_owned(),
        })?;
        let key =
            PrivateKeyDer::from_pem_file(&self.key).map_err(|error| wrong_pem(&self.key, "private key", error))?;
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|error| TlsError::BadKey { file: self.key.clone(), detail: error.to_string() })?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            // What cannot be compared is taken at its word.
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok((info, certified)),
            Err(rustls::Error::InconsistentKeys(_)) => {
                Err(TlsError::KeyMismatch { chain: self.chain.clone(), key: self.key.clone() })
            }
            Err(error) => Err(TlsError::BadCertificate { file: self.chain.clone(), detail: error.to_string() }),
        }
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |error| wrong_pem(file, "certificate", error);
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).map_err(wrong)?.collect();
    let found = found.map_err(wrong)?;
    if found.is_empty() { Err(wrong(PemError::NoItemsFound)) } else { Ok(found) }
}

fn authorities(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots
            .add(certificate)
            .map_err(|error| TlsError::BadCertificate { file: file.to_owned(), detail: error.to_string() })?;
    }
    Ok(roots)
}

fn wrong_pem(file: &Path, wanted: &'static str, error: PemError) -> TlsError {
    let file = file.to_owned();
    match error {
        PemError::Io(error) => TlsError::Unreadable { file, error },
        other => TlsError::NotPem { file, wanted, detail: other.to_string() },
    }
}
