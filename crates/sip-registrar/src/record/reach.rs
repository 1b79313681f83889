//! How a binding is reached, told from what is stored of it.

use std::net::IpAddr;

use sip_message::Uri;
use sip_message::uri::{Host, SipUri};
use sip_transport::{Flow, LegId, Transport};

use super::{Binding, Tie};

/// How the address in a Contact compares with the one from which it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nat {
    /// They are the same. Over a connection ports are not compared: a client connects from another one than it listens
    /// at.
    Direct,
    /// The Contact has a name, or no host at all as a `tel:` URI; whether that is the same, nobody can tell.
    Unknown,
    /// The Contact says that it cannot be reached by its host: `.invalid` (RFC 2606), as browsers write it (RFC 7118).
    Invalid,
    /// The Contact has an address of a private network, of a link or of the machine itself, and came from another network
    /// (RFC 1918, RFC 6598, RFC 4193).
    Private,
    /// The Contact has another address, or over UDP another port: a NAT is between, or the client has several addresses.
    Mismatched,
    /// It came along a Path, so the source is that of a proxy (RFC 3327).
    Proxied,
}

impl Nat {
    /// Whether a request that is sent to the Contact's own address goes astray.
    #[must_use]
    pub fn hides(self) -> bool {
        matches!(self, Self::Invalid | Self::Private | Self::Mismatched)
    }
}

/// Where a request for a binding goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// Along these proxies, comma-joined (RFC 3327 §5.4).
    Path(&'a [u8]),
    /// Over this connection (RFC 5626 §7).
    Flow(Flow),
    /// As a datagram from this leg to the address from which the REGISTER came.
    Source {
        /// Ours.
        leg: LegId,
        /// Theirs.
        address: std::net::SocketAddr,
    },
    /// To where this URI points (RFC 3263).
    Uri(&'a [u8]),
}

impl<'a> Binding<'a> {
    /// Whether there is a NAT between, as far as can be told.
    #[must_use]
    pub fn nat(&self) -> Nat {
        if !self.path.is_empty() {
            return Nat::Proxied;
        }
        let parsed = self.parsed_uri();
        let Some(uri) = parsed.as_ref().and_then(Uri::sip) else { return Nat::Unknown };
        let source = self.source.ip().to_canonical();
        let contact = match uri.maddr().unwrap_or(uri.host()) {
            Host::V4(ip) => IpAddr::from(ip),
            Host::V6(ip) => IpAddr::from(ip).to_canonical(),
            Host::Name(name) if is_invalid(name) => return Nat::Invalid,
            Host::Name(_) => return Nat::Unknown,
        };
        if contact != source {
            return if is_local(contact) && !is_local(source) { Nat::Private } else { Nat::Mismatched };
        }
        if self.transport == Transport::Udp && port_of(uri) != self.source.port() {
            return Nat::Mismatched;
        }
        Nat::Direct
    }

    /// Where a request for it goes; `None` while it is suspect, since nobody is there.
    #[must_use]
    pub fn target(&self) -> Option<Target<'a>> {
        let hidden = || self.nat().hides() || self.wants_flow();
        Some(match self.flow {
            _ if self.is_suspect() => return None,
            _ if !self.path.is_empty() => Target::Path(self.path),
            Some(flow) if self.tie == Tie::Follows || hidden() => Target::Flow(flow),
            None if self.transport == Transport::Udp && hidden() => {
                Target::Source { leg: self.leg, address: self.source }
            }
            _ => Target::Uri(self.uri),
        })
    }

    /// Whether the client asks to be reached by the way it came and by no other (RFC 5626 §4.3: `ob`; §6: `reg-id`).
    fn wants_flow(&self) -> bool {
        let has_ob = |uri: &Uri<'_>| uri.sip().is_some_and(|uri| uri.param(b"ob").is_some());
        self.reg_id.is_some() || self.parsed_uri().as_ref().is_some_and(has_ob)
    }

    /// Whether its Contact says where it can be reached without its connection: by the very address it came from.
    pub(crate) fn is_reachable_without_flow(&self) -> bool {
        self.nat() == Nat::Direct && !self.wants_flow()
    }
}

/// RFC 3261 §19.1.2.
fn port_of(uri: &SipUri<'_>) -> u16 {
    uri.port().unwrap_or(if uri.is_secure() { 5061 } else { 5060 })
}

/// Names under `.invalid`, which no DNS knows (RFC 2606 §2).
fn is_invalid(name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    name.rsplit(|&byte| byte == b'.').next().is_some_and(|top| top.eq_ignore_ascii_case(b"invalid"))
}

/// Whether an address means something only in a network that may not be ours.
fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let is_shared = matches!(ip.octets(), [100, 64..=127, ..]);
            ip.is_private() || ip.is_link_local() || ip.is_loopback() || ip.is_unspecified() || is_shared
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback() || ip.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use sip_message::header::{ContactValue, QValue};
    use sip_transport::Timestamp;

    use super::*;

    const FLOW: Flow = Flow { worker: 0, slot: 1, generation: 2 };

    fn binding<'a>(contact: &'a str, transport: Transport, source: &str) -> Binding<'a> {
        let Ok(ContactValue::Addr(parsed)) = ContactValue::parse(contact.as_bytes()) else { panic!("{contact}") };
        let instance = parsed.instance.unwrap_or_default();
        Binding {
            contact: contact.as_bytes(),
            uri: parsed.uri.as_bytes(),
            instance,
            reg_id: parsed.reg_id,
            q: QValue::ONE,
            expires_at: Timestamp(1),
            granted: 60,
            call_id: b"c",
            cseq: 1,
            path: b"",
            user_agent: b"",
            source: source.parse().unwrap(),
            transport,
            leg: LegId(3),
            flow: transport.is_stream().then_some(FLOW),
            tie: Tie::None,
        }
    }

    #[test]
    fn a_contact_is_compared_with_its_source() {
        use Transport::{Tcp, Tls, Udp, Ws, Wss};
        for (contact, transport, source, nat) in [
            ("<sip:a@192.0.2.1>", Udp, "192.0.2.1:5060", Nat::Direct),
            ("<sip:a@192.0.2.1:5070>", Udp, "192.0.2.1:5070", Nat::Direct),
            ("<sip:a@192.0.2.1:5070>", Udp, "192.0.2.1:5071", Nat::Mismatched),
            ("<sip:a@192.0.2.1>", Udp, "192.0.2.1:1024", Nat::Mismatched),
            ("<sip:a@192.0.2.1>", Udp, "192.0.2.2:5060", Nat::Mismatched),
            // In one private network there is no NAT; between two there may be.
            ("<sip:a@192.168.1.5>", Udp, "192.168.1.5:5060", Nat::Direct),
            ("<sip:a@192.168.1.5>", Udp, "10.0.0.1:5060", Nat::Mismatched),
            ("<sip:a@192.168.1.5>", Udp, "192.0.2.1:5060", Nat::Private),
            ("<sip:a@10.1.2.3>", Tcp, "192.0.2.1:5060", Nat::Private),
            ("<sip:a@172.31.0.1>", Tcp, "192.0.2.1:5060", Nat::Private),
            ("<sip:a@172.32.0.1>", Tcp, "192.0.2.1:5060", Nat::Mismatched),
            ("<sip:a@100.64.0.1>", Tcp, "192.0.2.1:5060", Nat::Private),
            ("<sip:a@100.128.0.1>", Tcp, "192.0.2.1:5060", Nat::Mismatched),
            ("<sip:a@169.254.0.1>", Tcp, "192.0.2.1:5060", Nat::Private),
            ("<sip:a@127.0.0.1>", Tcp, "192.0.2.1:5060", Nat::Private),
            ("<sip:a@0.0.0.0>", Tcp, "192.0.2.1:5060", Nat::Private),
            ("<sip:a@[fd00::1]>", Tcp, "[2001:db8::1]:5060", Nat::Private),
            ("<sip:a@[fe80::1]>", Tcp, "[2001:db8::1]:5060", Nat::Private),
            ("<sip:a@[::1]>", Tcp, "[2001:db8::1]:5060", Nat::Private),
            ("<sip:a@[2001:db8::2]>", Tcp, "[2001:db8::1]:5060", Nat::Mismatched),
            ("<sip:a@[2001:DB8::1]>", Tcp, "[2001:db8::1]:5060", Nat::Direct),
            ("<sip:a@192.0.2.1>", Udp, "[::ffff:192.0.2.1]:5060", Nat::Direct),
            ("<sip:a@h;maddr=192.0.2.1>", Udp, "192.0.2.1:5060", Nat::Direct),
            // Names, and what has none.
            ("<sip:a@example.com>", Udp, "192.0.2.1:5060", Nat::Unknown),
            ("<tel:+49301234>", Udp, "192.0.2.1:5060", Nat::Unknown),
            ("<sip:a@invalid.example.com>", Ws, "192.0.2.1:5060", Nat::Unknown),
            ("<sip:a@notinvalid>", Ws, "192.0.2.1:5060", Nat::Unknown),
            ("<sip:a@x.INVALID.;transport=ws>", Wss, "192.0.2.1:5060", Nat::Invalid),
            // As real clients write them: pjsua and linphone name the port at which they listen, Kamailio's uac the one
            // of UDP, browsers a name of chance, and baresip its connection's own.
            ("<sip:alice@192.0.2.1:5060;transport=TCP;ob>", Tcp, "192.0.2.1:41234", Nat::Direct),
            ("\"Alice\" <sip:alice@192.0.2.1:42001;transport=tls>", Tls, "192.0.2.1:50716", Nat::Direct),
            ("<sip:1@192.0.2.1:5060>", Tls, "192.0.2.1:50716", Nat::Direct),
            ("<sip:9vq1@df7jal23ls0d.invalid;transport=ws>", Wss, "192.0.2.1:50716", Nat::Invalid),
            ("<sip:alice-0x55bee7a89d80@10.0.0.7:50716;transport=tls>", Tls, "192.0.2.1:33000", Nat::Private),
            // sipsak and Net::SIP: without brackets, so its parameters are the header's.
            ("sip:alice@192.0.2.1:55985", Udp, "192.0.2.1:55985", Nat::Direct),
        ] {
            assert_eq!(binding(contact, transport, source).nat(), nat, "{contact} from {transport} {source}");
        }
        let proxied = Binding { path: b"<sip:p;lr>", ..binding("<sip:a@192.168.1.5>", Udp, "192.0.2.1:5060") };
        assert_eq!(proxied.nat(), Nat::Proxied);
    }

    #[test]
    fn a_request_goes_where_its_phone_is_heard() {
        use Transport::{Tcp, Udp, Wss};
        let source = |address: &str| Target::Source { leg: LegId(3), address: address.parse().unwrap() };
        let uri = |uri: &'static str| Target::Uri(uri.as_bytes());
        for (contact, transport, address, tie, target) in [
            ("<sip:a@192.0.2.1:7>", Udp, "192.0.2.1:7", Tie::None, Some(uri("sip:a@192.0.2.1:7"))),
            ("<sip:a@example.com>", Udp, "192.0.2.1:7", Tie::None, Some(uri("sip:a@example.com"))),
            ("<sip:a@192.0.2.1:7>", Udp, "192.0.2.1:9", Tie::None, Some(source("192.0.2.1:9"))),
            ("<sip:a@10.0.0.1>", Udp, "192.0.2.1:9", Tie::None, Some(source("192.0.2.1:9"))),
            ("<sip:a@x.invalid>", Udp, "192.0.2.1:9", Tie::None, Some(source("192.0.2.1:9"))),
            ("<sip:a@example.com;ob>", Udp, "192.0.2.1:9", Tie::None, Some(source("192.0.2.1:9"))),
            ("<sip:a@192.0.2.1>", Tcp, "192.0.2.1:9", Tie::Follows, Some(Target::Flow(FLOW))),
            ("<sip:a@192.0.2.1>", Tcp, "192.0.2.1:9", Tie::None, Some(uri("sip:a@192.0.2.1"))),
            // Whatever the operator says of its end, there is no other way to a browser.
            ("<sip:a@x.invalid>", Wss, "192.0.2.1:9", Tie::None, Some(Target::Flow(FLOW))),
            ("<sip:a@192.0.2.1>", Tcp, "192.0.2.1:9", Tie::Suspect, None),
        ] {
            let binding = Binding { tie, ..binding(contact, transport, address) };
            assert_eq!(binding.target(), target, "{contact} from {transport} {address}, {tie:?}");
        }
        let proxied = Binding { path: b"<sip:p;lr>", ..binding("<sip:a@10.0.0.1>", Tcp, "192.0.2.1:9") };
        assert_eq!(proxied.target(), Some(Target::Path(b"<sip:p;lr>")));
    }

    #[test]
    fn only_who_names_the_address_he_comes_from_is_reachable_without_his_connection() {
        for (contact, is_reachable) in [
            ("<sip:a@192.0.2.1:5060>", true),
            ("<sip:a@192.0.2.1:5060;ob>", false),
            ("<sip:a@192.0.2.1:5060>;+sip.instance=\"<urn:x:1>\";reg-id=1", false),
            ("<sip:a@192.0.2.2:5060>", false),
            ("<sip:a@10.0.0.1:5060>", false),
            ("<sip:a@x.invalid>", false),
            ("<sip:a@example.com>", false),
        ] {
            let binding = binding(contact, Transport::Tcp, "192.0.2.1:40000");
            assert_eq!(binding.is_reachable_without_flow(), is_reachable, "{contact}");
        }
    }
}
