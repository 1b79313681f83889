//! A listener with all that it is told.

use std::net::IpAddr;

pub use ipnet::IpNet;

use crate::{Advertised, LegSpec};

/// A listener: where it stands, and what it asks of those who come.
///
/// `Leg::from(spec)` is the plain one; set what differs: `Leg { advertised, ..spec.into() }`.
#[derive(Clone, Debug)]
pub struct Leg {
    /// Transport and address.
    pub spec: LegSpec,
    /// What others reach it by, if that is another address.
    pub advertised: Option<Advertised>,
    /// Certificates and keys; `tls:` and `wss:` need them, and the others have no use for them.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::Tls>,
    /// From which web pages a browser may connect (`ws:` and `wss:`), as `https://example.com`. `None`: from any, and
    /// so may whoever names none.
    pub origins: Option<Vec<String>>,
    /// The balancers in front of this listener. If there are any, connections come from them alone, and each begins with a
    /// header of the PROXY protocol, which is believed ([`proxy_protocol`](crate::proxy_protocol)). Empty: there is none.
    pub trusted_proxies: Vec<IpNet>,
}

impl Leg {
    /// Whether connections begin with a header of the PROXY protocol.
    pub(crate) fn is_behind_proxies(&self) -> bool {
        !self.trusted_proxies.is_empty()
    }

    /// Whether a connection may come from there.
    pub(crate) fn trusts(&self, source: IpAddr) -> bool {
        !self.is_behind_proxies() || self.trusted_proxies.iter().any(|network| network.contains(&source.to_canonical()))
    }
}

impl From<LegSpec> for Leg {
    fn from(spec: LegSpec) -> Self {
        Self {
            spec,
            advertised: None,
            #[cfg(feature = "tls")]
            tls: None,
            origins: None,
            trusted_proxies: Vec::new(),
        }
    }
}

impl std::str::FromStr for Leg {
    type Err = crate::LegSpecError;

    /// A listener that needs nothing but its address.
    fn from_str(spec: &str) -> Result<Self, Self::Err> {
        spec.parse::<LegSpec>().map(Self::from)
    }
}
