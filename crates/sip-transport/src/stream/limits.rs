//! How many connections there may be, in all and from one source.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::StreamConfig;

/// Counts the connections of all workers. Taken once for each connection, never for a message.
#[derive(Debug)]
pub(crate) struct ConnectionLimits {
    pub(crate) in_all: AtomicUsize,
    pub(crate) per_source: AtomicUsize,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    in_all: usize,
    by_source: HashMap<Source, usize>,
}

/// What counts as one source: an IPv4 address, or the IPv6 network of 64 bits that one customer is given at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    V4([u8; 4]),
    V6([u8; 8]),
}

impl From<IpAddr> for Source {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::V4(ip.octets()),
            IpAddr::V6(ip) => {
                let [a, b, c, d, e, f, g, h, ..] = ip.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    InAll,
    Source,
}

/// One counted connection; dropped, it makes room.
#[derive(Debug)]
pub(crate) struct Permit {
    limits: Arc<ConnectionLimits>,
    /// `None` until a proxy has named it.
    source: Option<Source>,
}

impl ConnectionLimits {
    pub(crate) fn new(config: &StreamConfig) -> Arc<Self> {
        let (in_all, per_source) = (config.connections.into(), config.connections_per_source.into());
        Arc::new(Self { in_all, per_source, counts: Mutex::default() })
    }

    /// Counts a connection; `ip` is its source, unless a proxy has yet to name it.
    pub(crate) fn admit(self: &Arc<Self>, ip: Option<IpAddr>) -> Result<Permit, Full> {
        let source = ip.map(Source::from);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let from_source = source.map(|source| self.one_more(&counts, source)).transpose()?;
        if counts.in_all >= self.in_all.load(Ordering::Relaxed) {
            return Err(Full::InAll);
        }
        counts.in_all += 1;
        counts.by_source.extend(source.zip(from_source));
        Ok(Permit { limits: Arc::clone(self), source })
    }

    /// How many connections there are from a source with one more.
    fn one_more(&self, counts: &Counts, source: Source) -> Result<usize, Full> {
        let from_source = counts.by_source.get(&source).copied().unwrap_or(0);
        if from_source >= self.per_source.load(Ordering::Relaxed) { Err(Full::Source) } else { Ok(from_source + 1) }
    }
}

impl Permit {
    /// A proxy has named the source.
    pub(crate) fn is_from(&mut self, ip: IpAddr) -> Result<(), Full> {
        let source = Source::from(ip);
        let mut counts = self.limits.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let from_source = self.limits.one_more(&counts, source)?;
        counts.by_source.insert(source, from_source);
        self.source = Some(source);
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.limits.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.in_all = counts.in_all.saturating_sub(1);
        let Some(source) = self.source else { return };
        match counts.by_source.get_mut(&source) {
            Some(n) if *n > 1 => *n -= 1,
            _ => {
                counts.by_source.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(connections: usize, connections_per_source: usize) -> Arc<ConnectionLimits> {
        ConnectionLimits::new(&StreamConfig { connections, connections_per_source, ..StreamConfig::default() })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_network_of_64_bits() {
        let limits = limits(100, 1);
        let _held = [limits.admit(Some(ip("192.0.2.1"))).unwrap(), limits.admit(Some(ip("2001:db8::1"))).unwrap()];
        for (other, same) in
            [("192.0.2.1", true), ("192.0.2.2", false), ("2001:db8::ffff:1", true), ("2001:db8:0:1::1", false)]
        {
            assert_eq!(limits.admit(Some(ip(other))).is_err_and(|full| full == Full::Source), same, "{other}");
        }
    }

    #[test]
    fn a_connection_that_ends_makes_room_and_leaves_no_trace() {
        let limits = limits(2, 2);
        let first = limits.admit(Some(ip("192.0.2.1"))).unwrap();
        let second = limits.admit(Some(ip("192.0.2.2"))).unwrap();
        assert_eq!(limits.admit(Some(ip("192.0.2.3"))).unwrap_err(), Full::InAll);
        drop(first);
        let third = limits.admit(Some(ip("192.0.2.3"))).unwrap();
        drop((second, third));
        let counts = limits.counts.lock().unwrap();
        assert_eq!((counts.in_all, counts.by_source.len()), (0, 0));
    }

    #[test]
    fn behind_a_proxy_a_connection_counts_for_the_source_that_it_names() {
        let limits = limits(3, 1);
        let mut both = [limits.admit(None).unwrap(), limits.admit(None).unwrap()];
        both[0].is_from(ip("192.0.2.1")).unwrap();
        assert_eq!(both[1].is_from(ip("192.0.2.1")).unwrap_err(), Full::Source);
        both[1].is_from(ip("192.0.2.2")).unwrap();
        let third = limits.admit(None).unwrap();
        assert_eq!(limits.admit(None).unwrap_err(), Full::InAll);
        drop((both, third));
        let counts = limits.counts.lock().unwrap();
        assert_eq!((counts.in_all, counts.by_source.len()), (0, 0));
    }
}
