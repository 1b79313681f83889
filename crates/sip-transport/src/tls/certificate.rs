//! What an operator wants to know of a certificate.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use x509_parser::extensions::GeneralName;

/// For whom a certificate is, and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// Host names and IP addresses (subjectAltName), or the common name if there are none.
    pub names: Vec<String>,
    /// From when on it is valid.
    pub not_before: SystemTime,
    /// Until when.
    pub not_after: SystemTime,
    /// The file it came from.
    pub chain: PathBuf,
}

impl CertificateInfo {
    /// Reads the certificate `der`; `None` if it is none.
    pub(super) fn read(der: &[u8], chain: &Path) -> Option<Self> {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
        let alternatives = certificate.subject_alternative_name().ok().flatten();
        let mut names: Vec<String> =
            alternatives.iter().flat_map(|names| &names.value.general_names).filter_map(name).collect();
        if names.is_empty() {
            let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
            names.extend(common.map(str::to_owned));
        }
        let validity = certificate.validity();
        let (not_before, not_after) = (time(validity.not_before.timestamp()), time(validity.not_after.timestamp()));
        Some(Self { names, not_before, not_after, chain: chain.to_owned() })
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(host) => Some((*host).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| Ipv4Addr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    }
}

/// A time before 1970 is read as 1970.
fn time(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
