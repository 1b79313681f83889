//! What else must be true of a request whose sender is known, as lists of lists.

use std::sync::Arc;

use sip_dispatch::{Exchange, Identity};
use sip_message::Uri;
use sip_message::header::NameAddr;
use sip_message::uri::escape::unescape;

use crate::{Aor, Domains};

type Own = Arc<dyn Fn(&Exchange<'_>, &Identity<'_>) -> bool + Send + Sync>;

/// One thing that must be true. Those with a name are Net::SIP's, compared as addresses instead of as text.
#[derive(Clone)]
pub enum Check {
    /// From's host is the realm, or a name below it.
    FromIsRealm,
    /// From's user is the user that was authenticated.
    FromIsAuthUser,
    /// To and From are the same address.
    ToIsFrom,
    /// A test of your own.
    Own(Own),
}

impl Check {
    /// A test of your own.
    pub fn own(check: impl Fn(&Exchange<'_>, &Identity<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self::Own(Arc::new(check))
    }

    fn holds(&self, ex: &Exchange<'_>, identity: &Identity<'_>) -> bool {
        let from = || ex.from().ok().flatten();
        match self {
            Self::FromIsRealm => from().is_some_and(|from| is_in_realm(&from, &identity.realm)),
            Self::FromIsAuthUser => from().is_some_and(|from| is_user(&from, &identity.name)),
            Self::ToIsFrom => {
                let to = ex.to().ok().flatten();
                matches!((from(), to), (Some(from), Some(to)) if is_same(&from, &to))
            }
            Self::Own(check) => check(ex, identity),
        }
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::FromIsRealm => "FromIsRealm",
            Self::FromIsAuthUser => "FromIsAuthUser",
            Self::ToIsFrom => "ToIsFrom",
            Self::Own(_) => "Own",
        })
    }
}

fn is_in_realm(from: &NameAddr<'_>, realm: &[u8]) -> bool {
    let Uri::Sip(uri) = from.uri else { return false };
    let domains = |pattern: String| Domains::new([pattern]).is_ok_and(|domains| domains.serves(&uri.host()));
    let realm = String::from_utf8_lossy(realm);
    // A realm that is no host name has nobody in it; `*` is one that somebody chose, not every domain.
    !realm.contains('*') && !realm.is_empty() && (domains(realm.to_string()) || domains(format!("*.{realm}")))
}

/// Whether the user part of an address, decoded, is this name.
pub(crate) fn is_user(address: &NameAddr<'_>, name: &[u8]) -> bool {
    let user = address.uri.sip().and_then(|uri| uri.user());
    user.is_some_and(|user| user == name || unescape(user).eq(name.iter().copied()))
}

fn is_same(one: &NameAddr<'_>, other: &NameAddr<'_>) -> bool {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    matches!((Aor::from_uri(&one.uri, &mut a), Aor::from_uri(&other.uri, &mut b)), (Ok(a), Ok(b)) if a == b)
}

/// For one method: some lists, of which one must hold as a whole.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) method: Box<[u8]>,
    pub(super) any_of: Vec<Vec<Check>>,
}

impl Filter {
    pub(super) fn holds(&self, ex: &Exchange<'_>, identity: &Identity<'_>) -> bool {
        self.any_of.iter().any(|all_of| all_of.iter().all(|check| check.holds(ex, identity)))
    }
}
