//! Certificates: those of `[tls]`, and those that a listener has of its own.

use std::path::{Path, PathBuf};

use sip_transport::{CertificateFiles, ClientCertificates, TlsFiles};

use super::section::{Item, Section};

/// What a table says of TLS; what it does not say, another may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsKeys {
    certificates: Vec<CertificateFiles>,
    demand: Option<Demand>,
    client_ca: Option<PathBuf>,
}

/// What is demanded of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    Off,
    Optional,
    Required,
}

const DEMANDS: [(&str, Demand); 3] =
    [("off", Demand::Off), ("optional", Demand::Optional), ("required", Demand::Required)];

impl TlsKeys {
    /// One certificate and nothing else.
    pub(crate) fn with_certificate(chain: PathBuf, key: PathBuf) -> Self {
        Self { certificates: vec![CertificateFiles { chain, key }], ..Self::default() }
    }

    /// Takes what is not said here from `other`.
    #[must_use]
    pub(crate) fn or(mut self, other: &Self) -> Self {
        if self.certificates.is_empty() {
            self.certificates.clone_from(&other.certificates);
        }
        self.demand = self.demand.or(other.demand);
        self.client_ca = self.client_ca.or_else(|| other.client_ca.clone());
        self
    }

    /// Whether nothing is said.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// All of it together.
    ///
    /// # Errors
    /// What is missing, and how to write it.
    pub(crate) fn files(&self) -> Result<TlsFiles, &'static str> {
        if self.certificates.is_empty() {
            return Err("there is no certificate for it: write [tls] certificates = [{ chain = \"….pem\", key = \
                        \"….key\" }], or --certificate and --key");
        }
        let ca = || {
            self.client_ca.clone().ok_or("client_certificates without client_ca: name the file of those who sign them")
        };
        let clients = match self.demand {
            None | Some(Demand::Off) => ClientCertificates::Off,
            Some(Demand::Optional) => ClientCertificates::Optional(ca()?),
            Some(Demand::Required) => ClientCertificates::Required(ca()?),
        };
        Ok(TlsFiles { certificates: self.certificates.clone(), clients })
    }
}

/// Reads the keys of TLS in a table; files are meant from `folder`.
pub(super) fn read(section: &mut Section<'_, '_>, folder: &Path) -> TlsKeys {
    const PAIR: &str = "a list of pairs, as in [{ chain = \"example.pem\", key = \"example.key\" }]";
    let mut keys = TlsKeys::default();
    section.items("certificates", PAIR, |item| match item {
        Item::Table(mut pair) => {
            let chain = file(&mut pair, "chain", folder);
            let key = file(&mut pair, "key", folder);
            let whole = pair.has("chain") && pair.has("key");
            if !whole {
                let at = pair.at.clone();
                pair.problems.add(at, format!("a certificate is {PAIR}"), None);
            }
            pair.finish();
            keys.certificates.extend(chain.zip(key).map(|(chain, key)| CertificateFiles { chain, key }));
            Ok(())
        }
        Item::Text(..) => Err(()),
    });
    keys.demand = section.choice("client_certificates", &DEMANDS);
    keys.client_ca = file(section, "client_ca", folder);
    keys
}

fn file(section: &mut Section<'_, '_>, key: &'static str, folder: &Path) -> Option<PathBuf> {
    let (name, at) = section.text(key)?;
    if name.is_empty() {
        section.wrong(key, at, "the name of a file");
        return None;
    }
    Some(folder.join(name))
}
