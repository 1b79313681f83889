//! Where a registrar is.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::net::SocketAddr;

use serde::Serialize;
use sip_message::Uri;
use sip_message::uri::Host;

/// A transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Over {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// An encrypted stream.
    Tls,
}

impl Over {
    /// As in a Via.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// As in a URI.
    #[must_use]
    pub const fn param(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// Whether it is a stream.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        !matches!(self, Self::Udp)
    }
}

/// Where a registrar is, as it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// A name or an address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How to get there.
    pub over: Over,
    /// Whether it was named with `sips:`.
    pub secure: bool,
}

/// Why a URI is none of a registrar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// No `sip:` or `sips:` URI.
    #[error("a registrar is named as in sip:example.com, sip:192.0.2.1:5060;transport=tcp or sips:example.com")]
    Uri,
    /// There is a user in it.
    #[error("a registrar has no user: --user says who registers")]
    User,
    /// A transport that is not spoken here.
    #[error("the transports are udp, tcp and tls")]
    Transport,
    /// `sips:` by another transport than TLS.
    #[error("sips: is over TLS and nothing else")]
    Sips,
}

impl Destination {
    /// Reads `sip:HOST[:PORT][;transport=…]`, also without `sip:`. `over` has the last word on the transport.
    ///
    /// # Errors
    /// It is no such URI.
    pub fn parse(text: &str, over: Option<Over>) -> Result<Self, DestinationError> {
        let lower = text.to_ascii_lowercase();
        let has_scheme = lower.starts_with("sip:") || lower.starts_with("sips:");
        let text = if has_scheme { text.to_owned() } else { format!("sip:{text}") };
        let uri = Uri::parse(text.as_bytes()).map_err(|_| DestinationError::Uri)?;
        let uri = uri.sip().ok_or(DestinationError::Uri)?;
        if uri.user().is_some() {
            return Err(DestinationError::User);
        }
        let named = match uri.transport().map(<[u8]>::to_ascii_lowercase).as_deref() {
            None => None,
            Some(b"udp") => Some(Over::Udp),
            Some(b"tcp") => Some(Over::Tcp),
            Some(b"tls") => Some(Over::Tls),
            Some(_) => return Err(DestinationError::Transport),
        };
        // RFC 3261 §26.2.2: transport=tcp of a sips: URI means TLS over TCP.
        let over = match (over.or(named), uri.is_secure()) {
            (None | Some(Over::Tls), true) => Over::Tls,
            (Some(Over::Tcp), true) if over.is_none() => Over::Tls,
            (Some(_), true) => return Err(DestinationError::Sips),
            (over, false) => over.unwrap_or(Over::Udp),
        };
        let host = match uri.host() {
            Host::Name(name) => String::from_utf8_lossy(name).into_owned(),
            host => host.ip().ok_or(DestinationError::Uri)?.to_string(),
        };
        let port = uri.port().unwrap_or(if over == Over::Tls { 5061 } else { 5060 });
        Ok(Self { host, port, over, secure: uri.is_secure() })
    }

    /// Its addresses, as the system's resolver has them (A and AAAA; no NAPTR or SRV of RFC 3263).
    ///
    /// # Errors
    /// There are none, or nobody could be asked.
    pub async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let found: Vec<_> = tokio::net::lookup_host((self.host.as_str(), self.port)).await?.collect();
        if found.is_empty() {
            Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
        } else {
            Ok(found)
        }
    }

    /// The domain as it stands in a URI: an IPv6 address has brackets.
    #[must_use]
    pub fn domain(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl Display for Destination {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "sips" } else { "sip" };
        write!(f, "{scheme}:{}:{};transport={}", self.domain(), self.port, self.over.param())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrar_is_named_by_its_uri() {
        for (text, over, wanted) in [
            ("example.com", None, "sip:example.com:5060;transport=udp"),
            ("sip:192.0.2.1:5070;transport=TCP", None, "sip:192.0.2.1:5070;transport=tcp"),
            ("sip:[2001:db8::1]", Some(Over::Tls), "sip:[2001:db8::1]:5061;transport=tls"),
            ("sips:example.com", None, "sips:example.com:5061;transport=tls"),
            ("SIPS:example.com;transport=tcp", None, "sips:example.com:5061;transport=tls"),
        ] {
            assert_eq!(Destination::parse(text, over).unwrap().to_string(), wanted);
        }
        for (text, over, wanted) in [
            ("sip:alice@example.com", None, DestinationError::User),
            ("sip:example.com;transport=sctp", None, DestinationError::Transport),
            ("sips:example.com", Some(Over::Udp), DestinationError::Sips),
            ("sips:example.com", Some(Over::Tcp), DestinationError::Sips),
            ("", None, DestinationError::Uri),
            ("tel:+49", None, DestinationError::Uri),
        ] {
            assert_eq!(Destination::parse(text, over), Err(wanted), "{text}");
        }
    }
}
