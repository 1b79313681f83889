//! What a store of users has to do.

use std::fmt;

use sip_dispatch::BoxFuture;
use sip_registrar::auth::{Account, Wanted};

/// Longer names are nobody's: with room for every real one (RFC 5321 §4.5.3.1.1 gives a mailbox 64 octets), and a
/// bound for what strangers can make a cache keep.
const LONGEST: usize = 255;

/// A store of users that may be slow, far away, or down.
///
/// It is asked on a thread with a tokio runtime of its own, by [`Remote`](crate::Remote), which also sees to deadlines:
/// a future that took too long is dropped.
pub trait Source: Send + Sync + 'static {
    /// Looks a user up. `Ok(None)`: there is none.
    fn fetch<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<Account>, SourceError>>;

    /// Asked once before the first lookup. Only [`SourceError::Misconfigured`] keeps the store from being started.
    fn check(&self) -> BoxFuture<'_, Result<(), SourceError>> {
        Box::pin(async { Ok(()) })
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn fetch<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<Account>, SourceError>> {
        (**self).fetch(user)
    }
    fn check(&self) -> BoxFuture<'_, Result<(), SourceError>> {
        (**self).check()
    }
}

/// Why a lookup gave no answer. The texts are for people and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The store cannot be asked now; later it may.
    #[error("{0}")]
    Unavailable(String),
    /// The store answers, and says that it was asked wrongly: waiting does not help.
    #[error("{0}")]
    Misconfigured(String),
    /// What is stored for this user makes no account. The store itself is well.
    #[error("{0}")]
    Account(String),
    /// There was no answer in time.
    #[error("no answer within {0} ms")]
    Deadline(u128),
}

/// Who is looked up: a name that can be a user's.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct User {
    name: Box<str>,
    domain: Box<str>,
    realm: Box<str>,
}

/// The same, borrowed from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct UserRef<'a> {
    name: &'a str,
    domain: &'a str,
    realm: &'a str,
}

impl User {
    /// The user that is wanted; `None` if nobody can have that name: it is empty, longer than 255 bytes, not UTF-8, or
    /// has control characters. Stores are not asked for such, since they could not even write it down.
    #[must_use]
    pub fn new(wanted: &Wanted<'_>) -> Option<Self> {
        UserRef::new(wanted).map(|user| user.to_user())
    }

    /// The name, in the case in which the phone wrote it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The domain of the address of record, canonical.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The realm for which hashes must have been made.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    pub(crate) fn borrow(&self) -> UserRef<'_> {
        UserRef { name: &self.name, domain: &self.domain, realm: &self.realm }
    }
}

/// As in an address.
impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.domain)
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.borrow().fmt(f)
    }
}

impl<'a> UserRef<'a> {
    pub(crate) fn new(wanted: &Wanted<'a>) -> Option<Self> {
        let text = |bytes: &'a [u8]| {
            let text = str::from_utf8(bytes).ok().filter(|text| text.len() <= LONGEST)?;
            (!text.is_empty() && !text.contains(char::is_control)).then_some(text)
        };
        Some(Self { name: text(wanted.name)?, domain: text(wanted.domain)?, realm: text(wanted.realm)? })
    }

    pub(crate) fn to_user(self) -> User {
        User { name: self.name.into(), domain: self.domain.into(), realm: self.realm.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_has_are_not_looked_up() {
        let user = |name| User::new(&Wanted { name, domain: b"example.com", realm: b"example.com" });
        let alice = user("aliçe".as_bytes()).unwrap();
        assert_eq!((alice.name(), alice.to_string().as_str()), ("aliçe", "aliçe@example.com"));
        assert_eq!(user(&[b'a'; 255]).unwrap().name().len(), 255);
        for name in [b"".as_slice(), b"a\0", b"a\nb", b"\xff", &[b'a'; 256]] {
            assert_eq!(user(name), None, "{name:?}");
        }
    }
}
