//! The addresses by which others reach this server.

use std::net::IpAddr;

use sip_message::header::ContactValue;
use sip_message::uri::{Host, SipUri};
use sip_message::{HeaderId, Message, Uri};

/// Addresses that are this server's though it does not listen on them, such as those in front of a NAT: what is sent there
/// comes back to us.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnAddresses(Vec<(OwnHost, u16)>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum OwnHost {
    Ip(IpAddr),
    Name(String),
}

impl OwnAddresses {
    /// A host as it stands in a URI, and a port.
    pub(crate) fn add(&mut self, host: &str, port: u16) {
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse();
        self.0.push((ip.map_or_else(|_| OwnHost::Name(host.to_owned()), OwnHost::Ip), port));
    }

    /// Whether a Contact of a request is one of them.
    pub(crate) fn are_in(&self, message: Message<'_>) -> bool {
        let is_own = |value| match value {
            Ok(ContactValue::Addr(contact)) => matches!(contact.uri, Uri::Sip(uri) if self.has(&uri)),
            _ => false,
        };
        !self.0.is_empty() && message.list::<ContactValue<'_>>(HeaderId::Contact).any(is_own)
    }

    fn has(&self, uri: &SipUri<'_>) -> bool {
        let port = uri.port().unwrap_or(if uri.is_secure() { 5061 } else { 5060 });
        self.0.iter().any(|(host, own)| {
            *own == port
                && match (host, uri.host()) {
                    (OwnHost::Ip(IpAddr::V4(own)), Host::V4(ip)) => *own == ip,
                    (OwnHost::Ip(IpAddr::V6(own)), Host::V6(ip)) => *own == ip,
                    (OwnHost::Name(own), Host::Name(name)) => own.as_bytes().eq_ignore_ascii_case(name),
                    _ => false,
                }
        })
    }
}
