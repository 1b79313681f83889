//! Sockets, before anything is served.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{Leg, LegId, LegSpec, UdpConfig};

/// Connections that the kernel keeps for us until they are accepted.
const BACKLOG: i32 = 1024;

/// Why a server could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The configuration has no leg.
    #[error("there is nothing to listen on: name at least one leg, as in udp:127.0.0.1:5060")]
    NoLegs,
    /// The same leg is named twice.
    #[error("leg {0} is named twice")]
    Twice(LegSpec),
    /// Two legs that both stand on TCP have one address.
    #[error("legs {0} and {1} need the same TCP port: give one of them another")]
    SamePort(LegSpec, LegSpec),
    /// This program was built without what the leg speaks.
    #[error("leg {leg}: this program was built without the feature `{feature}`")]
    NotBuiltIn {
        /// The leg.
        leg: LegSpec,
        /// The feature of this crate.
        feature: &'static str,
    },
    /// A leg of datagrams is said to have proxies in front.
    #[error("leg {0}: the PROXY protocol is for connections, and this leg has none: leave trusted proxies out")]
    ProxiedDatagrams(LegSpec),
    /// A leg of TLS has nothing to show.
    #[error("leg {0}: TLS needs a certificate and its key")]
    NoCertificate(LegSpec),
    /// Another socket has that address, in this process or another.
    #[error("leg {0}: the address is in use: stop the other program, or choose another port")]
    AddressInUse(LegSpec),
    /// Not allowed, as ports below 1024 are to most users.
    #[error("leg {0}: permission denied: ports below 1024 need a privilege (CAP_NET_BIND_SERVICE); or use 5060")]
    PermissionDenied(LegSpec),
    /// No interface of this machine has the address.
    #[error("leg {0}: this machine does not have that address")]
    AddressNotAvailable(LegSpec),
    /// The machine does not speak this version of IP.
    #[error("leg {0}: this machine has no support for that kind of address")]
    FamilyNotSupported(LegSpec),
    /// No file descriptor is left.
    #[error("leg {0}: too many open files: raise the limit (ulimit -n)")]
    TooManyOpenFiles(LegSpec),
    /// Something else that the system said of one leg.
    #[error("leg {leg}: {error}")]
    Socket {
        /// The leg.
        leg: LegSpec,
        /// What the system said.
        error: io::Error,
    },
    /// More legs have been added than there are numbers for them.
    #[error("leg {0}: too many legs have been added since the start: start again")]
    TooManyLegs(LegSpec),
    /// The event loop of a worker could not be made.
    #[error("a worker could not be set up: {0}")]
    Worker(io::Error),
}

/// Legs with the ports they got, each with its number.
pub(crate) type NumberedLegs = Vec<(LegId, Leg)>;

/// The sockets of one worker: one for each leg.
#[derive(Debug, Default)]
pub(crate) struct WorkerSockets {
    pub(crate) udp: Vec<(LegId, SocketAddr, UdpSocket)>,
    pub(crate) tcp: Vec<(LegId, TcpListener)>,
}

/// Binds every leg once for each worker. Returns the legs with the ports they got, and each worker's sockets.
pub(crate) fn bind_all<'l>(
    legs: impl IntoIterator<Item = (LegId, &'l Leg)>,
    workers: u16,
    udp: &UdpConfig,
) -> Result<(NumberedLegs, Vec<WorkerSockets>), BindError> {
    let mut bound = Vec::new();
    let mut sockets: Vec<WorkerSockets> = (0..workers).map(|_| WorkerSockets::default()).collect();
    for (id, leg) in legs {
        let spec = leg.spec;
        let failed = |error| explain(spec, error);
        let (first, at) = claim(&spec, udp, workers > 1).map_err(failed)?;
        let mut first = Some(first);
        for worker in &mut sockets {
            let socket = match first.take() {
                Some(socket) => socket,
                None => join(&at, udp).map_err(failed)?,
            };
            if spec.transport().is_stream() {
                socket.listen(BACKLOG).map_err(failed)?;
                worker.tcp.push((id, socket.into()));
            } else {
                worker.udp.push((id, at.addr(), socket.into()));
            }
        }
        bound.push((id, Leg { spec: at, ..leg.clone() }));
    }
    Ok((bound, sockets))
}

/// What can be said without a socket.
pub(crate) fn check(legs: &[Leg]) -> Result<(), BindError> {
    if legs.is_empty() {
        return Err(BindError::NoLegs);
    }
    for (at, leg) in legs.iter().enumerate() {
        let spec = leg.spec;
        let is_stream = spec.transport().is_stream();
        let clashes =
            |other: &&Leg| other.spec.addr() == spec.addr() && other.spec.transport().is_stream() == is_stream;
        match legs.iter().take(at).find(clashes) {
            Some(_) if spec.addr().port() == 0 => {}
            Some(other) if other.spec == spec => return Err(BindError::Twice(spec)),
            Some(other) => return Err(BindError::SamePort(other.spec, spec)),
            None => {}
        }
        if leg.is_behind_proxies() && !spec.transport().is_stream() {
            return Err(BindError::ProxiedDatagrams(spec));
        }
        #[cfg(not(feature = "ws"))]
        if spec.transport().is_websocket() {
            return Err(BindError::NotBuiltIn { leg: spec, feature: "ws" });
        }
        #[cfg(not(feature = "tls"))]
        if spec.transport().is_secure() {
            return Err(BindError::NotBuiltIn { leg: spec, feature: "tls" });
        }
        #[cfg(feature = "tls")]
        if spec.transport().is_secure() && leg.tls.is_none() {
            return Err(BindError::NoCertificate(spec));
        }
    }
    Ok(())
}

/// Binds the first socket of a leg.
///
/// It is bound alone and shared afterwards: SO_REUSEPORT from the beginning would let it join the sockets of another
/// process of the same user (another registrar, say) in silence, each getting half of the traffic.
fn claim(leg: &LegSpec, udp: &UdpConfig, shared: bool) -> io::Result<(Socket, LegSpec)> {
    let socket = open(leg, udp)?;
    socket.bind(&leg.addr().into())?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    let addr = socket.local_addr()?.as_socket().unwrap_or(leg.addr());
    Ok((socket, leg.at(addr)))
}

/// Binds one more socket to the address of the first.
fn join(leg: &LegSpec, udp: &UdpConfig) -> io::Result<Socket> {
    let socket = open(leg, udp)?;
    socket.set_reuse_port(true)?;
    socket.bind(&leg.addr().into())?;
    Ok(socket)
}

fn open(leg: &LegSpec, udp: &UdpConfig) -> io::Result<Socket> {
    let stream = leg.transport().is_stream();
    let (kind, protocol) = if stream { (Type::STREAM, Protocol::TCP) } else { (Type::DGRAM, Protocol::UDP) };
    let socket = Socket::new(Domain::for_address(leg.addr()), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if leg.addr().is_ipv6() {
        // An IPv4 peer is never seen as ::ffff:…; IPv4 has legs of its own.
        socket.set_only_v6(true)?;
    }
    if stream {
        // Connections of an earlier run that linger in TIME_WAIT must not keep us out; a listener still does.
        socket.set_reuse_address(true)?;
    } else {
        // The kernel gives what it may; less is no reason not to serve.
        let _ = socket.set_recv_buffer_size(udp.socket_buffer);
        let _ = socket.set_send_buffer_size(udp.socket_buffer);
        allow_fragments(&socket, leg.addr());
    }
    Ok(socket)
}

/// Lets an answer that exceeds the path's MTU be fragmented, where Linux would set DF and report EMSGSIZE. Without the
/// option, sending still works wherever the MTU suffices.
fn allow_fragments(socket: &Socket, addr: SocketAddr) {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::socket::setsockopt;
        let _ = if addr.is_ipv6() {
            setsockopt(socket, mtu::Ipv6MtuDiscover, &mtu::DONT_V6)
        } else {
            setsockopt(socket, mtu::IpMtuDiscover, &mtu::DONT_V4)
        };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (socket, addr);
}

#[cfg(target_os = "linux")]
mod mtu {
    use nix::{getsockopt_impl, libc, setsockopt_impl, sockopt_impl};

    pub(super) const DONT_V4: libc::c_int = libc::IP_PMTUDISC_DONT;
    pub(super) const DONT_V6: libc::c_int = libc::IPV6_PMTUDISC_DONT;

    sockopt_impl!(
        /// Path MTU discovery over IPv4.
        IpMtuDiscover, Both, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::c_int
    );
    sockopt_impl!(
        /// Path MTU discovery over IPv6.
        Ipv6MtuDiscover, Both, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::c_int
    );
}

fn explain(leg: LegSpec, error: io::Error) -> BindError {
    match error.kind() {
        io::ErrorKind::AddrInUse => BindError::AddressInUse(leg),
        io::ErrorKind::AddrNotAvailable => BindError::AddressNotAvailable(leg),
        io::ErrorKind::PermissionDenied => BindError::PermissionDenied(leg),
        _ if is_exhausted(&error) => BindError::TooManyOpenFiles(leg),
        _ if error.raw_os_error() == Some(nix::libc::EAFNOSUPPORT) => BindError::FamilyNotSupported(leg),
        _ => BindError::Socket { leg, error },
    }
}

/// Whether file descriptors have run out, here or in the whole system.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(nix::libc::EMFILE | nix::libc::ENFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(spec: &str) -> LegSpec {
        spec.parse().unwrap()
    }

    fn bind(legs: &[LegSpec], workers: u16) -> Result<(Vec<LegSpec>, Vec<WorkerSockets>), BindError> {
        let legs: Vec<Leg> = legs.iter().copied().map(Leg::from).collect();
        check(&legs)?;
        let (legs, sockets) = bind_all((0..).map(LegId).zip(&legs), workers, &UdpConfig::default())?;
        Ok((legs.iter().map(|(_, leg)| leg.spec).collect(), sockets))
    }

    #[test]
    fn port_0_is_one_port_for_all_workers() {
        for spec in ["udp:127.0.0.1:0", "tcp:127.0.0.1:0", "udp:[::1]:0", "tcp:[::1]:0"] {
            let (legs, sockets) = bind(&[leg(spec)], 3).unwrap();
            let udp = sockets.iter().flat_map(|worker| &worker.udp).map(|(.., socket)| socket.local_addr());
            let tcp = sockets.iter().flat_map(|worker| &worker.tcp).map(|(_, socket)| socket.local_addr());
            let addrs: Vec<_> = udp.chain(tcp).map(Result::unwrap).collect();
            assert_eq!(addrs, [legs[0].addr(); 3]);
            assert_ne!(legs[0].addr().port(), 0);
        }
    }

    #[test]
    fn a_second_instance_is_kept_out_however_many_workers_each_has() {
        for spec in ["udp:127.0.0.1:0", "tcp:127.0.0.1:0", "udp:[::1]:0", "tcp:[::1]:0"] {
            for (ours, theirs) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
                let (legs, _sockets) = bind(&[leg(spec)], ours).unwrap();
                let error = bind(&legs, theirs).unwrap_err();
                assert!(
                    matches!(error, BindError::AddressInUse(at) if at == legs[0]),
                    "{spec} {ours} {theirs}: {error}"
                );
            }
        }
    }

    /// The loopback's MTU takes any datagram, so what is tested is that the kernel has been told.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_datagram_longer_than_the_path_takes_is_fragmented() {
        use nix::sys::socket::getsockopt;
        let (_, sockets) = bind(&[leg("udp:127.0.0.1:0"), leg("udp:[::1]:0")], 2).unwrap();
        for worker in &sockets {
            let [(.., v4), (.., v6)] = worker.udp.as_slice() else { panic!("two legs") };
            assert_eq!(getsockopt(v4, mtu::IpMtuDiscover), Ok(mtu::DONT_V4));
            assert_eq!(getsockopt(v6, mtu::Ipv6MtuDiscover), Ok(mtu::DONT_V6));
        }
    }

    #[test]
    fn a_port_is_free_again_at_once_after_a_connection_was_closed() {
        let (legs, sockets) = bind(&[leg("tcp:127.0.0.1:0")], 1).unwrap();
        let client = std::net::TcpStream::connect(legs[0].addr()).unwrap();
        let listener = &sockets[0].tcp[0].1;
        listener.set_nonblocking(false).unwrap();
        // The side that closes first keeps the port in TIME_WAIT.
        drop(listener.accept().unwrap());
        drop(client);
        drop(sockets);
        bind(&legs, 2).unwrap();
    }

    #[test]
    fn each_cause_is_named_with_its_leg() {
        let error = bind(&[leg("udp:192.0.2.1:5060")], 1).unwrap_err();
        assert_eq!(error.to_string(), "leg udp:192.0.2.1:5060: this machine does not have that address");
        let twice = [leg("udp:127.0.0.1:5060"), leg("udp:127.0.0.1:5060")];
        assert!(matches!(bind(&twice, 1), Err(BindError::Twice(leg)) if leg == twice[1]));
        assert!(matches!(bind(&[], 1), Err(BindError::NoLegs)));
        let secure = bind(&[leg("tls:127.0.0.1:0")], 1).unwrap_err();
        #[cfg(feature = "tls")]
        assert_eq!(secure.to_string(), "leg tls:127.0.0.1:0: TLS needs a certificate and its key");
        #[cfg(not(feature = "tls"))]
        assert_eq!(secure.to_string(), "leg tls:127.0.0.1:0: this program was built without the feature `tls`");
        #[cfg(feature = "ws")]
        assert!(
            matches!(bind(&[leg("tcp:127.0.0.1:80"), leg("ws:127.0.0.1")], 1), Err(BindError::SamePort(one, other))
            if one == leg("tcp:127.0.0.1:80") && other == leg("ws:127.0.0.1:80"))
        );
        let at = leg("tcp:127.0.0.1:80");
        let of = |code| explain(at, io::Error::from_raw_os_error(code)).to_string();
        assert!(of(nix::libc::EACCES).starts_with("leg tcp:127.0.0.1:80: permission denied"));
        assert!(of(nix::libc::EMFILE).starts_with("leg tcp:127.0.0.1:80: too many open files"));
        assert!(of(nix::libc::EAFNOSUPPORT).ends_with("no support for that kind of address"));
        assert_eq!(of(nix::libc::ENOMEM), format!("leg {at}: {}", io::Error::from_raw_os_error(nix::libc::ENOMEM)));
    }

    #[test]
    fn udp_and_tcp_and_both_versions_of_ip_share_a_port() {
        // Another program may have one of the three by chance, but not time and again.
        let shared = (0..20).any(|_| {
            let (legs, _sockets) = bind(&[leg("udp:127.0.0.1:0")], 2).unwrap();
            let port = legs[0].addr().port();
            let others = [format!("tcp:127.0.0.1:{port}"), format!("udp:[::]:{port}"), format!("tcp:[::]:{port}")];
            let others: Vec<LegSpec> = others.iter().map(|spec| leg(spec)).collect();
            bind(&others, 2).is_ok_and(|(bound, _)| bound == others)
        });
        assert!(shared);
    }
}
