//! A listener as an operator writes it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::Transport;

/// A listener: a transport and an address, as in `udp:127.0.0.1:5060`, `tls:[::1]` or `wss:0.0.0.0:8443`.
///
/// Without a port it is the transport's own ([`Transport::default_port`]); port 0 asks for any free one. `Display` writes
/// what `FromStr` reads.
///
/// A UDP leg on a wildcard address (`udp:0.0.0.0`) answers from the address that routing chooses. On a machine with
/// several addresses that may not be the one a request was sent to (RFC 3581 §4): name each address there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LegSpec {
    transport: Transport,
    addr: SocketAddr,
}

impl LegSpec {
    /// A listener.
    #[must_use]
    pub const fn new(transport: Transport, addr: SocketAddr) -> Self {
        Self { transport, addr }
    }

    /// A UDP listener.
    #[must_use]
    pub const fn udp(addr: SocketAddr) -> Self {
        Self { transport: Transport::Udp, addr }
    }

    /// A TCP listener.
    #[must_use]
    pub const fn tcp(addr: SocketAddr) -> Self {
        Self { transport: Transport::Tcp, addr }
    }

    /// What it speaks.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The same leg with the port that it was given.
    #[cfg(feature = "tokio")]
    pub(crate) fn at(mut self, addr: SocketAddr) -> Self {
        self.addr.set_port(addr.port());
        self
    }
}

impl fmt::Display for LegSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport.scheme(), self.addr)
    }
}

impl FromStr for LegSpec {
    type Err = LegSpecError;

    fn from_str(spec: &str) -> Result<Self, LegSpecError> {
        parse(spec).map_err(|fault| LegSpecError { spec: spec.to_owned(), fault })
    }
}

/// Why a leg could not be read: what was written, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("leg `{spec}`: {fault}")]
pub struct LegSpecError {
    spec: String,
    fault: LegSpecFault,
}

impl LegSpecError {
    /// What is wrong.
    #[must_use]
    pub const fn fault(&self) -> LegSpecFault {
        self.fault
    }
}

/// What is wrong with a leg as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LegSpecFault {
    /// Nothing stands before a colon.
    #[error("no transport is named: write udp:, tcp:, tls:, ws: or wss: before the address, as in udp:127.0.0.1:5060")]
    NoTransport,
    /// A word that names no transport.
    #[error("the transport is unknown: write udp:, tcp:, tls:, ws: or wss:")]
    UnknownTransport,
    /// Something other than an IP address.
    #[error("this is no IP address, and names are not looked up: write an address such as 127.0.0.1 or [::1]")]
    NotAnAddress,
    /// An IPv6 address whose end cannot be told from a port.
    #[error("an IPv6 address stands in brackets, as in udp:[::1]:5060")]
    BracketsMissing,
    /// Not a number up to 65535.
    #[error("the port is not a number from 0 to 65535")]
    BadPort,
}

fn parse(spec: &str) -> Result<LegSpec, LegSpecFault> {
    let (scheme, place) = spec.split_once(':').ok_or(LegSpecFault::NoTransport)?;
    let transport = transport(scheme)?;
    Ok(LegSpec { transport, addr: address(place, transport.default_port())? })
}

fn transport(scheme: &str) -> Result<Transport, LegSpecFault> {
    let named = |transport: &Transport| scheme.eq_ignore_ascii_case(transport.scheme());
    match Transport::ALL.into_iter().find(named) {
        Some(transport) => Ok(transport),
        // As in `127.0.0.1:5060` or `[::1]:5060`.
        None if scheme.is_empty() || scheme.contains(['.', '[']) => Err(LegSpecFault::NoTransport),
        None => Err(LegSpecFault::UnknownTransport),
    }
}

fn address(place: &str, default_port: u16) -> Result<SocketAddr, LegSpecFault> {
    if let Ok(addr) = place.parse::<SocketAddr>() {
        return Ok(addr);
    }
    if let Ok(ip) = place.parse::<Ipv4Addr>() {
        return Ok(SocketAddr::new(IpAddr::V4(ip), default_port));
    }
    if place.parse::<Ipv6Addr>().is_ok() {
        return Err(LegSpecFault::BracketsMissing);
    }
    let bracketed = place.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(ip) = bracketed.and_then(|ip| ip.parse::<Ipv6Addr>().ok()) {
        return Ok(SocketAddr::new(IpAddr::V6(ip), default_port));
    }
    // What is left is refused; say which half is at fault.
    let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    Err(if host != place && bare.parse::<IpAddr>().is_ok() {
        LegSpecFault::BadPort
    } else {
        LegSpecFault::NotAnAddress
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        for (spec, canonical) in [
            ("udp:127.0.0.1:5060", "udp:127.0.0.1:5060"),
            ("tcp:[::1]:5060", "tcp:[::1]:5060"),
            ("UDP:127.0.0.1", "udp:127.0.0.1:5060"),
            ("tcp:[::1]", "tcp:[::1]:5060"),
            ("udp:0.0.0.0:0", "udp:0.0.0.0:0"),
            ("tls:127.0.0.1", "tls:127.0.0.1:5061"),
            ("tls:[::1]:5060", "tls:[::1]:5060"),
            ("ws:127.0.0.1", "ws:127.0.0.1:80"),
            ("WSS:[::]", "wss:[::]:443"),
        ] {
            let leg: LegSpec = spec.parse().unwrap();
            assert_eq!(leg.to_string(), canonical);
            assert_eq!(canonical.parse(), Ok(leg));
        }
    }

    #[test]
    fn each_fault_is_told_from_the_others() {
        use LegSpecFault::*;
        for (spec, fault) in [
            ("", NoTransport),
            (":5060", NoTransport),
            ("127.0.0.1:5060", NoTransport),
            ("[::1]:5060", NoTransport),
            ("sctp:127.0.0.1", UnknownTransport),
            ("sip:127.0.0.1", UnknownTransport),
            ("https:127.0.0.1", UnknownTransport),
            ("wss:example.com", NotAnAddress),
            ("udp:localhost:5060", NotAnAddress),
            ("udp:example.com", NotAnAddress),
            ("udp:", NotAnAddress),
            ("udp:1.2.3:5060", NotAnAddress),
            ("udp:::1", BracketsMissing),
            ("udp:127.0.0.1:", BadPort),
            ("udp:127.0.0.1:65536", BadPort),
            ("tcp:[::1]:sip", BadPort),
        ] {
            assert_eq!(spec.parse::<LegSpec>().map_err(|e| e.fault()), Err(fault), "{spec:?}");
        }
    }

    #[test]
    fn an_error_says_what_where_and_how_to_fix_it() {
        let error = "udp:example.com".parse::<LegSpec>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "leg `udp:example.com`: this is no IP address, and names are not looked up: write an address such as \
             127.0.0.1 or [::1]"
        );
    }
}
