//! A binding as another server kept it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sip_message::Uri;
use sip_message::header::QValue;
use sip_message::uri::{Host, SipUri};
use sip_transport::{LegSpec, Transport};

use crate::location::lines::transport;
use crate::time::WallMillis;

/// What the tables of other servers have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Whose binding it is: a URI.
    pub(super) aor: String,
    /// Where he is: a URI.
    pub(super) uri: Vec<u8>,
    pub(super) q: Option<QValue>,
    /// With its angle brackets and without quotes, or nothing.
    pub(super) instance: Vec<u8>,
    pub(super) reg_id: Option<u32>,
    pub(super) end: End,
    pub(super) call_id: Vec<u8>,
    pub(super) cseq: u32,
    pub(super) path: Vec<u8>,
    pub(super) user_agent: Vec<u8>,
    /// Where the request came from, if it was another place than the URI names: a URI.
    pub(super) received: Vec<u8>,
    /// By which listener of that server it came, as in `udp:192.0.2.1:5060`.
    pub(super) socket: Vec<u8>,
}

/// When it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    At(WallMillis),
    /// It has ended, whenever that was.
    Past,
    Never,
}

/// From where, how and by which leg a request came.
pub(super) struct Origin {
    pub(super) source: SocketAddr,
    pub(super) transport: Transport,
    /// Its place in the list.
    pub(super) leg: u16,
}

impl Entry {
    /// The Contact value that stands for it.
    pub(super) fn contact(&self) -> Vec<u8> {
        let mut contact = [b"<", &self.uri[..], b">"].concat();
        if let Some(q) = self.q {
            let thousandths = q.thousandths();
            let q = format!(";q={}.{:03}", thousandths / 1000, thousandths % 1000);
            contact.extend_from_slice(q.trim_end_matches('0').trim_end_matches('.').as_bytes());
        }
        if !self.instance.is_empty() {
            contact.extend([b";+sip.instance=\"", &self.instance[..], b"\""].concat());
        }
        if let Some(reg_id) = self.reg_id {
            contact.extend_from_slice(format!(";reg-id={reg_id}").as_bytes());
        }
        contact
    }

    /// As far as it can be told. The leg is the first of `legs` that speaks the same.
    pub(super) fn origin(&self, legs: &[LegSpec]) -> Origin {
        let [received, uri] = [&self.received, &self.uri].map(|uri| Uri::parse(uri).ok()?.sip().copied());
        let unknown = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let source = received.as_ref().and_then(address).or_else(|| uri.as_ref().and_then(address)).unwrap_or(unknown);
        let named = |uri: &SipUri<'_>| transport(std::str::from_utf8(uri.transport()?).ok()?);
        let of_socket = || {
            let socket = std::str::from_utf8(&self.socket).ok()?;
            transport(socket.split(':').next()?)
        };
        let of_uri = || uri.as_ref().map(|uri| if uri.is_secure() { Transport::Tls } else { Transport::Udp });
        let transport = of_socket()
            .or_else(|| received.as_ref().and_then(named))
            .or_else(|| uri.as_ref().and_then(named))
            .or_else(of_uri)
            .unwrap_or(Transport::Udp);
        let same = |leg: &LegSpec| leg.transport() == transport && leg.addr().is_ipv4() == source.is_ipv4();
        let leg = legs.iter().position(same).and_then(|place| u16::try_from(place).ok()).unwrap_or(0);
        Origin { source, transport, leg }
    }
}

/// The address that a URI names; names are not looked up.
fn address(uri: &SipUri<'_>) -> Option<SocketAddr> {
    let ip = match uri.host() {
        Host::V4(ip) => IpAddr::V4(ip),
        Host::V6(ip) => IpAddr::V6(ip),
        Host::Name(_) => return None,
    };
    Some(SocketAddr::from((ip, uri.port().unwrap_or(if uri.is_secure() { 5061 } else { 5060 }))))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn entry(uri: &str) -> Entry {
        Entry {
            aor: "sip:alice@example.com".to_owned(),
            uri: uri.as_bytes().to_vec(),
            q: None,
            instance: Vec::new(),
            reg_id: None,
            end: End::Never,
            call_id: Vec::new(),
            cseq: 0,
            path: Vec::new(),
            user_agent: Vec::new(),
            received: Vec::new(),
            socket: Vec::new(),
        }
    }

    #[test]
    fn the_contact_says_what_stood_in_columns_of_its_own() {
        let plain = entry("sip:a@192.0.2.1;ob");
        assert_eq!(plain.contact(), b"<sip:a@192.0.2.1;ob>");
        for (q, text) in [(1000, "1"), (0, "0"), (500, "0.5"), (70, "0.07"), (333, "0.333")] {
            let with_q = Entry { q: QValue::from_thousandths(q), ..plain.clone() };
            assert_eq!(with_q.contact(), format!("<sip:a@192.0.2.1;ob>;q={text}").as_bytes());
        }
        let outbound = Entry { instance: b"<urn:uuid:1>".to_vec(), reg_id: Some(2), ..plain };
        assert_eq!(outbound.contact(), b"<sip:a@192.0.2.1;ob>;+sip.instance=\"<urn:uuid:1>\";reg-id=2");
    }

    #[test]
    fn where_it_came_from_is_what_was_seen_or_else_what_the_contact_says() {
        let legs = ["udp:127.0.0.1", "tcp:127.0.0.1", "tcp:[::1]"].map(|leg| leg.parse::<LegSpec>().unwrap());
        for (uri, received, socket, expected) in [
            (
                "sip:a@10.0.0.5:5062",
                "sip:192.0.2.1:4711",
                "udp:198.51.100.1:5060",
                ("192.0.2.1:4711", Transport::Udp, 0),
            ),
            ("sip:a@10.0.0.5;transport=TCP", "", "", ("10.0.0.5:5060", Transport::Tcp, 1)),
            ("sip:a@[2001:db8::7]", "", "tcp:[::1]:5060", ("[2001:db8::7]:5060", Transport::Tcp, 2)),
            ("sips:a@192.0.2.1", "", "", ("192.0.2.1:5061", Transport::Tls, 0)),
            ("sip:a@phone.example.com", "", "", ("0.0.0.0:0", Transport::Udp, 0)),
            ("tel:+1555", "", "", ("0.0.0.0:0", Transport::Udp, 0)),
        ] {
            let origin = Entry { received: received.into(), socket: socket.into(), ..entry(uri) }.origin(&legs);
            let found = (origin.source.to_string(), origin.transport, origin.leg);
            assert_eq!((found.0.as_str(), found.1, found.2), expected, "{uri}");
        }
    }
}
