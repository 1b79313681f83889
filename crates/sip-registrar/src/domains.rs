//! The domains whose users are served.

use std::net::IpAddr;
use std::str::FromStr;

use sip_message::uri::Host;
use smallvec::SmallVec;

/// The longest name (RFC 1035 §2.3.4: 255 octets with their lengths).
const LONGEST: usize = 253;

/// Why a text is no domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no domain: write example.com, *.example.com, an IP address, or * for every domain")]
pub struct DomainError(String);

/// Which hosts are served. Names are compared whole and in any case, addresses by their value, ports not at all. All are
/// sorted, so that ten thousand domains are asked nearly as fast as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domains {
    any: bool,
    /// In lower case, without a dot at the end.
    names: Vec<Box<[u8]>>,
    /// Such as `.example.com` for all names that end so. `example.com` itself is not one.
    below: Vec<Box<[u8]>>,
    addresses: Vec<IpAddr>,
}

impl Default for Domains {
    /// Every domain.
    fn default() -> Self {
        Self { any: true, names: Vec::new(), below: Vec::new(), addresses: Vec::new() }
    }
}

enum Pattern {
    Any,
    Name(Box<[u8]>),
    Below(Box<[u8]>),
    Address(IpAddr),
}

impl FromStr for Pattern {
    type Err = DomainError;
    fn from_str(text: &str) -> Result<Self, DomainError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let error = || DomainError(text.to_owned());
        let name = text.strip_prefix("*.").unwrap_or(text);
        let bare_v6 = name.parse::<std::net::Ipv6Addr>().ok().map(|ip| format!("[{ip}]"));
        let name = bare_v6.as_deref().unwrap_or(name);
        let host = Host::parse(name.as_bytes()).map_err(|_| error())?;
        let is_below = text.starts_with("*.");
        match host {
            Host::V4(ip) if !is_below => Ok(Self::Address(ip.into())),
            Host::V6(ip) if !is_below => Ok(Self::Address(ip.into())),
            Host::Name(name) if name.len() <= LONGEST => {
                let name = name.strip_suffix(b".").unwrap_or(name).to_ascii_lowercase();
                Ok(if is_below { Self::Below([b".", &*name].concat().into()) } else { Self::Name(name.into()) })
            }
            _ => Err(error()),
        }
    }
}

impl Domains {
    /// These domains; every domain if there are none.
    ///
    /// # Errors
    /// One of them is no domain.
    pub fn new<S: AsRef<str>>(domains: impl IntoIterator<Item = S>) -> Result<Self, DomainError> {
        let mut all = Self { any: false, ..Self::default() };
        for domain in domains {
            match domain.as_ref().parse()? {
                Pattern::Any => all.any = true,
                Pattern::Name(name) => all.names.push(name),
                Pattern::Below(suffix) => all.below.push(suffix),
                Pattern::Address(ip) => all.addresses.push(ip),
            }
        }
        all.names.sort_unstable();
        all.below.sort_unstable();
        all.addresses.sort_unstable();
        all.any |= all.names.is_empty() && all.below.is_empty() && all.addresses.is_empty();
        Ok(all)
    }

    /// Whether every domain is served.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.any
    }

    /// Whether `host` is served.
    #[must_use]
    pub fn serves(&self, host: &Host<'_>) -> bool {
        self.any
            || match *host {
                Host::V4(ip) => self.addresses.binary_search(&ip.into()).is_ok(),
                Host::V6(ip) => self.addresses.binary_search(&ip.into()).is_ok(),
                Host::Name(name) => self.serves_name(name),
            }
    }

    fn serves_name(&self, name: &[u8]) -> bool {
        let name = name.strip_suffix(b".").unwrap_or(name);
        if name.len() > LONGEST {
            return false;
        }
        // Nearly all write it in lower case.
        self.serves_lower(name)
            || name.iter().any(u8::is_ascii_uppercase) && {
                let lower: SmallVec<[u8; 256]> = name.iter().map(u8::to_ascii_lowercase).collect();
                self.serves_lower(&lower)
            }
    }

    fn serves_lower(&self, name: &[u8]) -> bool {
        has(&self.names, name) || (!self.below.is_empty() && self.serves_a_suffix_of(name))
    }

    fn serves_a_suffix_of(&self, name: &[u8]) -> bool {
        let suffixes = name.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'.');
        suffixes.filter_map(|(at, _)| name.get(at..)).any(|suffix| has(&self.below, suffix))
    }
}

fn has(sorted: &[Box<[u8]>], name: &[u8]) -> bool {
    sorted.binary_search_by(|other| (**other).cmp(name)).is_ok()
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
        assert!(Domains::new([""; 0]).unwrap().serves(&Host::Name(b"whatever")));
        assert!(Domains::default().serves(&Host::Name(b"whatever")));
        let many = Domains::new(["a.example", "*.b.example", "192.0.2.1", "C.Example."]).unwrap();
        for (host, served) in [
            ("a.example", true),
            ("A.EXAMPLE.", true),
            ("x.a.example", false),
            ("x.Y.b.example", true),
            (".b.example", false),
            ("b.example", false),
            ("c.example", true),
            ("192.0.2.1", true),
            ("192.0.2.2", false),
        ] {
            assert_eq!(Host::parse(host.as_bytes()).is_ok_and(|host| many.serves(&host)), served, "{host}");
        }
        let long = "a".repeat(250) + ".a.example";
        assert!(!many.serves(&Host::Name(long.as_bytes())));
    }

    #[test]
    fn what_is_no_domain_is_refused_by_name() {
        let long = "a".repeat(254);
        for text in ["", "exa mple", "sip:example.com", "*.", "*.192.0.2.1", "a@b", "**", &long] {
            assert_eq!(Domains::new([text]), Err(DomainError(text.to_owned())), "{text:?}");
        }
    }
}
