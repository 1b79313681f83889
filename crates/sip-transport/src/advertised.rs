//! The name of a leg outside.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use sip_message::uri::Host;

/// What others reach a leg by where that is not the address it listens on, as behind NAT or in a container: a host and
/// perhaps a port, as in `203.0.113.5`, `[2001:db8::5]:5060` or `sip.example.com:443`.
///
/// `Display` writes what `FromStr` reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Advertised {
    host: String,
    port: Option<u16>,
}

impl Advertised {
    /// A name in lower case or an IP address; IPv6 in brackets, as it stands in a URI.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, if it is another than that of the leg.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }
}

impl fmt::Display for Advertised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl FromStr for Advertised {
    type Err = AdvertisedError;

    fn from_str(text: &str) -> Result<Self, AdvertisedError> {
        parse(text).map_err(|fault| AdvertisedError { text: text.to_owned(), fault })
    }
}

/// Why an advertised address could not be read: what was written, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("advertised address `{text}`: {fault}")]
pub struct AdvertisedError {
    text: String,
    fault: AdvertisedFault,
}

impl AdvertisedError {
    /// What is wrong.
    #[must_use]
    pub const fn fault(&self) -> AdvertisedFault {
        self.fault
    }
}

/// What is wrong with an advertised address as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdvertisedFault {
    /// Neither a name nor an address.
    #[error("this is neither a host name nor an IP address: write the host alone, without sip: or a transport")]
    BadHost,
    /// A wildcard is nowhere to send to.
    #[error("nobody can be reached at an unspecified address: write the one that clients use")]
    Unspecified,
    /// An IPv6 address whose end cannot be told from a port.
    #[error("an IPv6 address stands in brackets, as in [2001:db8::5]:5060")]
    BracketsMissing,
    /// Not a number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    BadPort,
}

fn parse(text: &str) -> Result<Advertised, AdvertisedFault> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err(AdvertisedFault::BracketsMissing);
    }
    // A colon within the brackets is one of the address.
    let after_brackets = text.rfind(']').unwrap_or(0);
    let (host, port) = match text.rfind(':').filter(|at| *at > after_brackets).and_then(|at| text.split_at_checked(at))
    {
        Some((host, port)) => (host, Some(port.strip_prefix(':').unwrap_or(port))),
        None => (text, None),
    };
    let host = Host::parse(host.as_bytes()).map_err(|_| AdvertisedFault::BadHost)?;
    if host.ip().is_some_and(|ip| ip.is_unspecified()) {
        return Err(AdvertisedFault::Unspecified);
    }
    let port = match port.map(|port| (port.bytes().all(|byte| byte.is_ascii_digit()), port.parse::<u16>())) {
        None => None,
        Some((true, Ok(port))) if port > 0 => Some(port),
        Some(_) => return Err(AdvertisedFault::BadPort),
    };
    Ok(Advertised { host: host.to_string().to_ascii_lowercase(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        for (text, host, port) in [
            ("203.0.113.5", "203.0.113.5", None),
            ("203.0.113.5:5070", "203.0.113.5", Some(5070)),
            ("[2001:db8::5]", "[2001:db8::5]", None),
            ("[2001:db8::5]:443", "[2001:db8::5]", Some(443)),
            ("sip.example.com", "sip.example.com", None),
            ("sip.example.com:5061", "sip.example.com", Some(5061)),
        ] {
            let advertised: Advertised = text.parse().unwrap();
            assert_eq!((advertised.host(), advertised.port()), (host, port));
            assert_eq!(advertised.to_string(), text);
        }
        assert_eq!("SIP.Example.com".parse::<Advertised>().unwrap().host(), "sip.example.com");
    }

    #[test]
    fn each_fault_is_told_from_the_others() {
        use AdvertisedFault::*;
        for (text, fault) in [
            ("", BadHost),
            (":5060", BadHost),
            ("sip:example.com", BadPort),
            ("example.com/", BadHost),
            ("[2001:db8::5", BadHost),
            ("exa mple.com", BadHost),
            ("0.0.0.0", Unspecified),
            ("[::]:5060", Unspecified),
            ("2001:db8::5", BracketsMissing),
            ("example.com:", BadPort),
            ("example.com:0", BadPort),
            ("example.com:+1", BadPort),
            ("203.0.113.5:65536", BadPort),
        ] {
            assert_eq!(text.parse::<Advertised>().map_err(|e| e.fault()), Err(fault), "{text:?}");
        }
    }
}
