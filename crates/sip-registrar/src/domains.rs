//! The domains whose users are served.

use std::str::FromStr;

use sip_message::uri::Host;

/// Why a text is no domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no domain: write example.com, *.example.com, an IP address, or * for every domain")]
pub struct DomainError(String);

/// Which hosts are served. Names are compared whole and in any case, addresses by their value, ports not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domains {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Any,
    /// In lower case, without a dot at the end.
    Exactly(String),
    /// `*.example.com`: a name that ends with `.example.com`. `example.com` itself is not one.
    Below(String),
}

impl FromStr for Pattern {
    type Err = DomainError;
    fn from_str(text: &str) -> Result<Self, DomainError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let name = text.strip_prefix("*.").unwrap_or(text);
        let bare_v6 = name.parse::<std::net::Ipv6Addr>().ok().map(|ip| format!("[{ip}]"));
        let name = bare_v6.as_deref().unwrap_or(name);
        let host = Host::parse(name.as_bytes()).map_err(|_| DomainError(text.to_owned()))?;
        let mut canonical = Vec::new();
        host.write_canonical(&mut canonical);
        let canonical = String::from_utf8_lossy(&canonical).trim_end_matches('.').to_owned();
        match (text.starts_with("*."), host) {
            (false, _) => Ok(Self::Exactly(canonical)),
            (true, Host::Name(_)) => Ok(Self::Below(format!(".{canonical}"))),
            (true, _) => Err(DomainError(text.to_owned())),
        }
    }
}

impl Domains {
    /// These domains; every domain if there are none.
    ///
    /// # Errors
    /// One of them is no domain.
    pub fn new<S: AsRef<str>>(domains: impl IntoIterator<Item = S>) -> Result<Self, DomainError> {
        let patterns = domains.into_iter().map(|domain| domain.as_ref().parse()).collect::<Result<_, _>>()?;
        Ok(Self { patterns })
    }

    /// Whether every domain is served.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.patterns.is_empty() || self.patterns.contains(&Pattern::Any)
    }

    /// Whether `host` is served.
    #[must_use]
    pub fn serves(&self, host: &Host<'_>) -> bool {
        self.is_any() || self.patterns.iter().any(|pattern| pattern.matches(host))
    }
}

impl Pattern {
    fn matches(&self, host: &Host<'_>) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Exactly(domain), Host::Name(name)) => {
                let name = name.strip_suffix(b".").unwrap_or(name);
                name == domain.as_bytes() || name.eq_ignore_ascii_case(domain.as_bytes())
            }
            (Self::Exactly(domain), address) => {
                Host::parse(domain.as_bytes()).is_ok_and(|domain| domain.matches(address))
            }
            (Self::Below(suffix), Host::Name(name)) => {
                let name = name.strip_suffix(b".").unwrap_or(name);
                name.len() > suffix.len()
                    && name
                        .get(name.len() - suffix.len()..)
                        .is_some_and(|end| end.eq_ignore_ascii_case(suffix.as_bytes()))
            }
            (Self::Below(_), _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_whole() {
        for (domain, host, served) in [
            ("example.com", "example.com", true),
            ("example.com", "EXAMPLE.com.", true),
            ("example.com", "evilexample.com", false),
            ("example.com", "sip.example.com", false),
            ("example.com", "example.com.evil.org", false),
            ("*.example.com", "sip.example.com", true),
            ("*.Example.com", "a.b.EXAMPLE.COM", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "evilexample.com", false),
            ("*", "anything", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.11", false),
            ("2001:db8::1", "[2001:DB8:0::1]", true),
            ("[2001:db8::1]", "[2001:db8::2]", false),
        ] {
            let domains = Domains::new([domain]).unwrap();
            assert_eq!(domains.serves(&Host::parse(host.as_bytes()).unwrap()), served, "{domain} {host}");
        }
        assert!(Domains::default().serves(&Host::Name(b"whatever")));
    }

    #[test]
    fn what_is_no_domain_is_refused_by_name() {
        for text in ["", "exa mple", "sip:example.com", "*.", "*.192.0.2.1", "a@b", "**"] {
            assert_eq!(Domains::new([text]), Err(DomainError(text.to_owned())), "{text:?}");
        }
    }
}
