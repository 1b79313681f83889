//! Where users and their secrets come from.

use std::sync::Arc;

use sip_dispatch::{Answer, Coming};

use super::{Account, Algorithms, HashFunction};

/// Who is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wanted<'a> {
    /// The user part of an address, decoded; in the case in which it is written.
    pub name: &'a [u8],
    /// The domain of the address of record, canonical: in lower case, IPv6 in brackets.
    pub domain: &'a [u8],
    /// The realm of the challenge, for which hashes must have been made.
    pub realm: &'a [u8],
}

/// The user; `None` if there is none of that name.
pub type Found = Result<Option<Arc<Account>>, Unavailable>;

/// Nobody can say now whether there is such a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("users cannot be looked up now; again in {retry_after} s")]
pub struct Unavailable {
    /// When to come again, in seconds.
    pub retry_after: u32,
}

/// A store of users: a table, a file, a database.
///
/// It is asked on a worker's thread and must not block: what is not at hand is [`Answer::Later`]. Such a future does
/// nothing before it is polled first, so that whoever does not want to wait can drop it at no cost to the store.
pub trait Credentials: Send + Sync {
    /// The user of this name.
    fn find(&self, wanted: &Wanted<'_>) -> Answer<Found>;

    /// The user of whom H(name:realm) is `userhash` (RFC 7616 §3.4.4). Stores that cannot tell know nobody.
    fn find_hashed(&self, function: HashFunction, userhash: &[u8; 32], domain: &[u8], realm: &[u8]) -> Answer<Found> {
        let _ = (function, userhash, domain, realm);
        Answer::Now(Ok(None))
    }

    /// Requests that may reach it soon: a chance to have their users at hand. Nothing depends on it.
    fn prepare(&self, coming: &Coming<'_>) {
        let _ = coming;
    }

    /// The algorithms with which this user is challenged, where its domain has `offered`: its own, or those of the
    /// domain for which there is a hash. A store that cannot say so at once gives those of the domain.
    ///
    /// It is asked before anybody has proved anything: what it says of users that do not exist must not be told from
    /// what it says of others.
    fn algorithms(&self, wanted: &Wanted<'_>, offered: Algorithms) -> Algorithms {
        let _ = wanted;
        offered
    }
}

impl<C: Credentials + ?Sized> Credentials for Arc<C> {
    fn find(&self, wanted: &Wanted<'_>) -> Answer<Found> {
        (**self).find(wanted)
    }
    fn find_hashed(&self, function: HashFunction, userhash: &[u8; 32], domain: &[u8], realm: &[u8]) -> Answer<Found> {
        (**self).find_hashed(function, userhash, domain, realm)
    }
    fn prepare(&self, coming: &Coming<'_>) {
        (**self).prepare(coming);
    }
    fn algorithms(&self, wanted: &Wanted<'_>, offered: Algorithms) -> Algorithms {
        (**self).algorithms(wanted, offered)
    }
}
