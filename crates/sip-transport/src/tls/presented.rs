//! Which certificate a client is shown.

use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Certificates with the names that they are for.
#[derive(Debug)]
pub(super) struct Presented(pub(super) Vec<(Vec<String>, Arc<CertifiedKey>)>);

impl ResolvesServerCert for Presented {
    /// The first that names the host that the client asked for (RFC 6066 §3), be it by a wildcard; else the first of all.
    /// A phone that was told an address names no host, and most of those that name another one than the certificates do
    /// not look at the name either: refusing them would cut off phones that work elsewhere.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|host| self.find(host));
        named.or_else(|| self.0.first().map(|(_, key)| key)).map(Arc::clone)
    }
}

impl Presented {
    fn find(&self, host: &str) -> Option<&Arc<CertifiedKey>> {
        let by = |is: fn(&str, &str) -> bool| {
            self.0.iter().find(|(names, _)| names.iter().any(|name| is(name, host))).map(|(_, key)| key)
        };
        by(|name, host| name.eq_ignore_ascii_case(host)).or_else(|| by(covers))
    }
}

/// Whether a wildcard stands for `host`: for one label, and the leftmost (RFC 6125 §6.4.3).
fn covers(name: &str, host: &str) -> bool {
    let Some(suffix) = name.strip_prefix("*.") else { return false };
    host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        for (name, host, expected) in [
            ("*.example.com", "sip.example.com", true),
            ("*.example.com", "SIP.Example.COM", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "a.sip.example.com", false),
            ("*.example.com", ".example.com", false),
            ("example.com", "example.com", false),
        ] {
            assert_eq!(covers(name, host), expected, "{name} {host}");
        }
    }
}
