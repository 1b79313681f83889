//! Who may register addresses that are not his own.

use std::sync::Arc;

use sip_message::uri::Host;

use crate::{Aor, AorError, DomainError, Domains};

/// Why a text grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// Not an address.
    #[error("{0:?} is no address: write sales@example.com, *@example.com, or * for every address")]
    Address(String, #[source] AorError),
    /// The part behind `*@` is no domain.
    #[error("{0:?}: behind *@ stands a domain")]
    Domain(String, #[source] DomainError),
}

/// Addresses of record that somebody may register beside his own: aliases, or those of others. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Grants(Option<Arc<[Grant]>>);

#[derive(Clone, Debug)]
enum Grant {
    Any,
    Domain(Domains),
    /// Canonical.
    Exactly(Box<[u8]>),
}

impl Grants {
    /// `sales@example.com`, `*@example.com`, `*@*.example.com` or `*`.
    ///
    /// # Errors
    /// One of them is none of these.
    pub fn new<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Result<Self, GrantError> {
        let grants: Vec<_> = patterns.into_iter().map(|pattern| grant(pattern.as_ref())).collect::<Result<_, _>>()?;
        Ok(Self((!grants.is_empty()).then(|| grants.into())))
    }

    /// Whether nothing is granted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether `aor`, whose host is `host`, is among them.
    #[must_use]
    pub fn allow(&self, aor: &Aor<'_>, host: &Host<'_>) -> bool {
        self.0.iter().flat_map(|grants| grants.iter()).any(|grant| match grant {
            Grant::Any => true,
            Grant::Domain(domains) => domains.serves(host),
            Grant::Exactly(bytes) => **bytes == *aor.as_bytes(),
        })
    }
}

fn grant(pattern: &str) -> Result<Grant, GrantError> {
    if pattern == "*" {
        return Ok(Grant::Any);
    }
    if let Some(domain) = pattern.strip_prefix("*@") {
        let domains = Domains::new([domain]).map_err(|error| GrantError::Domain(pattern.to_owned(), error))?;
        return Ok(Grant::Domain(domains));
    }
    let mut buffer = Vec::new();
    match Aor::parse(pattern, &mut buffer) {
        Ok(aor) => Ok(Grant::Exactly(aor.as_bytes().into())),
        Err(error) => Err(GrantError::Address(pattern.to_owned(), error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_message::Uri;

    fn allows(grants: &Grants, uri: &str) -> bool {
        let uri = Uri::parse(uri.as_bytes()).unwrap();
        let mut buffer = Vec::new();
        let aor = Aor::from_uri(&uri, &mut buffer).unwrap();
        grants.allow(&aor, &uri.sip().unwrap().host())
    }

    #[test]
    fn what_is_granted_is_compared_as_an_address() {
        let grants = Grants::new(["sales@example.com", "sip:%61nna@Example.org", "*@branch.example.com"]).unwrap();
        for uri in ["sip:sales@EXAMPLE.com", "sips:s%61les@example.com:5061", "sip:anna@example.org"] {
            assert!(allows(&grants, uri), "{uri}");
        }
        assert!(allows(&grants, "sip:anybody@branch.example.com"));
        for uri in ["sip:Sales@example.com", "sip:sales@example.com.evil.org", "sip:x@evil-branch.example.com"] {
            assert!(!allows(&grants, uri), "{uri}");
        }
        assert!(allows(&Grants::new(["*"]).unwrap(), "sip:whoever@wherever"));
        assert!(!allows(&Grants::default(), "sip:sales@example.com"));
    }

    #[test]
    fn what_grants_nothing_is_refused_by_name() {
        for pattern in ["sales", "", "*@", "*@exa mple", "tel:+49"] {
            let error = Grants::new([pattern]).unwrap_err();
            assert!(error.to_string().contains(&format!("{pattern:?}")), "{error}");
        }
    }
}
