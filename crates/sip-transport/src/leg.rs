//! A listener with all that it is told.

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
}

impl From<LegSpec> for Leg {
    fn from(spec: LegSpec) -> Self {
        Self {
            spec,
            advertised: None,
            #[cfg(feature = "tls")]
            tls: None,
            origins: None,
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
