//! Where a response goes (RFC 3261 §18.2.1, §18.2.2; RFC 3581 §4).

use std::net::{IpAddr, SocketAddr};

use sip_message::TopVia;
use sip_message::header::{Rport, Via};
use sip_message::uri::Host;
use sip_transport::{Destination, Peer};

/// SIP's port over UDP and TCP.
const DEFAULT_PORT: u16 = 5060;

/// How far the sender may choose where the answer goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteConfig {
    /// What is done with `maddr` in the topmost Via.
    pub maddr: MaddrPolicy,
    /// Answers UDP to the port it came from even if the sender did not ask with `rport`. Helps phones behind NAT
    /// that do not know RFC 3581; breaks senders that listen on another port than they send from.
    pub force_rport: bool,
}

/// What is done with `maddr`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaddrPolicy {
    /// Obeyed if it is the source address itself, else ignored: with it anybody could have answers sent to anybody.
    #[default]
    OnlySource,
    /// Obeyed whenever it is an IP address, as RFC 3261 §18.2.2 says; for closed networks.
    Obey,
}

/// The destination of the response, and what it adds to the topmost Via.
pub(crate) fn response_route<'v>(via: &'v Via<'v>, peer: &Peer, config: RouteConfig) -> (Destination, TopVia<'v>) {
    let source = peer.remote;
    let rport = (via.rport != Rport::Absent).then_some(source.port());
    let claimed = match via.host {
        Host::V4(ip) => Some(IpAddr::V4(ip)),
        Host::V6(ip) => Some(IpAddr::V6(ip)),
        Host::Name(_) => None,
    };
    let tagged = claimed != Some(source.ip()) || via.received.is_some() || rport.is_some();
    let top = TopVia { via, received: tagged.then_some(source.ip()), rport };
    if let Some(flow) = peer.flow {
        return (Destination::Stream(flow), top);
    }
    let sent_by_port = via.port.unwrap_or(DEFAULT_PORT);
    let remote = if let Some(ip) = maddr(via).filter(|ip| config.maddr == MaddrPolicy::Obey || *ip == source.ip()) {
        SocketAddr::new(ip, sent_by_port)
    } else if rport.is_some() || config.force_rport {
        source
    } else {
        let mut remote = source;
        remote.set_port(sent_by_port);
        remote
    };
    (Destination::Datagram { leg: peer.leg, remote }, top)
}

fn maddr(via: &Via<'_>) -> Option<IpAddr> {
    match Host::parse(via.maddr?).ok()? {
        Host::V4(ip) => Some(IpAddr::V4(ip)),
        Host::V6(ip) => Some(IpAddr::V6(ip)),
        Host::Name(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_message::{Framing, HeaderId, Index};
    use sip_transport::{Flow, LegId, Transport};

    /// The destination, and what is added as `received` and `rport`.
    type Routed = (String, (Option<IpAddr>, Option<u16>));

    fn routed(via: &str, flow: Option<Flow>, config: RouteConfig) -> Routed {
        let bytes = format!("OPTIONS sip:a SIP/2.0\r\nVia: {via}\r\n\r\n");
        let mut index = Index::new();
        let message = index.read(bytes.as_bytes(), Framing::Datagram).unwrap();
        let via = message.list::<Via<'_>>(HeaderId::Via).next().unwrap().unwrap();
        let peer = Peer {
            leg: LegId(0),
            transport: if flow.is_some() { Transport::Tcp } else { Transport::Udp },
            remote: "192.0.2.4:40000".parse().unwrap(),
            local: "192.0.2.1:5060".parse().unwrap(),
            flow,
        };
        let (to, TopVia { received, rport, .. }) = response_route(&via, &peer, config);
        let to = match to {
            Destination::Datagram { remote, .. } => remote.to_string(),
            Destination::Stream(_) => "flow".to_owned(),
        };
        (to, (received, rport))
    }

    #[test]
    fn udp_answers_go_where_the_rfcs_say() {
        let source = Some("192.0.2.4".parse().unwrap());
        let plain = (None, None);
        let received = (source, None);
        let both = (source, Some(40000));
        for (via, to, top) in [
            ("SIP/2.0/UDP 192.0.2.4", "192.0.2.4:5060", plain),
            ("SIP/2.0/UDP 192.0.2.4:5070", "192.0.2.4:5070", plain),
            ("SIP/2.0/UDP bobspc.biloxi.com:5070", "192.0.2.4:5070", received),
            ("SIP/2.0/UDP 10.0.0.1:5070", "192.0.2.4:5070", received),
            ("SIP/2.0/UDP 10.0.0.1:5070;rport", "192.0.2.4:40000", both),
            ("SIP/2.0/UDP 192.0.2.4:40000;rport", "192.0.2.4:40000", both),
            // What the sender claims about itself does not count.
            ("SIP/2.0/UDP 192.0.2.4:5070;rport=9;received=203.0.113.9", "192.0.2.4:40000", both),
            ("SIP/2.0/UDP 192.0.2.4:5070;received=203.0.113.9", "192.0.2.4:5070", received),
            ("SIP/2.0/UDP 192.0.2.4:5070;maddr=203.0.113.9", "192.0.2.4:5070", plain),
            ("SIP/2.0/UDP 192.0.2.4:5070;maddr=192.0.2.4;rport", "192.0.2.4:5070", both),
        ] {
            assert_eq!(routed(via, None, RouteConfig::default()), (to.to_owned(), top), "{via}");
        }
    }

    #[test]
    fn settings_change_where_udp_answers_go() {
        let obey = RouteConfig { maddr: MaddrPolicy::Obey, ..RouteConfig::default() };
        assert_eq!(routed("SIP/2.0/UDP 192.0.2.4:5070;maddr=203.0.113.9", None, obey).0, "203.0.113.9:5070");
        assert_eq!(routed("SIP/2.0/UDP 192.0.2.4:5070;maddr=example.com", None, obey).0, "192.0.2.4:5070");
        let force = RouteConfig { force_rport: true, ..RouteConfig::default() };
        assert_eq!(routed("SIP/2.0/UDP 192.0.2.4:5070", None, force), ("192.0.2.4:40000".to_owned(), (None, None)));
    }

    #[test]
    fn a_stream_answers_on_its_own_connection_whatever_via_says() {
        let flow = Some(Flow { worker: 0, slot: 1, generation: 1 });
        let (to, top) = routed("SIP/2.0/TCP 10.0.0.1:5070;maddr=203.0.113.9", flow, RouteConfig::default());
        assert_eq!((to.as_str(), top.0.is_some()), ("flow", true));
    }
}
