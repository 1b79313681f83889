//! Who need not prove anything.

use ipnet::IpNet;
use sip_dispatch::{Exchange, Receiver, Verdict};
use sip_message::Uri;

use super::Grants;
use crate::Aor;

/// A link in front of [`Authorize`](super::Authorize) that vouches for requests from trusted networks, and for those to
/// addresses that everybody may use: a gateway behind the same switch, a door phone that has no password.
///
/// The source address of a datagram can be forged; trust networks into which nobody from outside can send with their
/// addresses.
#[derive(Clone, Debug, Default)]
pub struct Exempt {
    /// Networks from which requests are taken without credentials.
    pub sources: Vec<IpNet>,
    /// Addresses in To for which none are needed.
    pub addresses: Grants,
}

impl Receiver for Exempt {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        let source = ex.peer().remote.ip().to_canonical();
        if self.sources.iter().any(|network| network.contains(&source)) || self.is_open(ex) {
            ex.vouch();
        }
        Verdict::Pass
    }
}

impl Exempt {
    fn is_open(&self, ex: &Exchange<'_>) -> bool {
        if self.addresses.is_empty() {
            return false;
        }
        let Some(to) = ex.to().ok().flatten() else { return false };
        let Uri::Sip(uri) = to.uri else { return false };
        let mut buffer = Vec::new();
        Aor::from_uri(&to.uri, &mut buffer).is_ok_and(|aor| self.addresses.allow(&aor, &uri.host()))
    }
}
