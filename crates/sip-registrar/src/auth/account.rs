//! What is known of a user.

use std::slice::from_ref;
use std::sync::Arc;

use prefetch_index::prefetch_index;
use sip_message::header::Algorithm;
use sip_message::uri::Host;
use smallvec::SmallVec;
use zeroize::Zeroizing;

use super::{Grants, Ha1, HashFunction};
use crate::Aor;
use crate::lines::Fetch;

/// A user: a name, its secrets, and what it may do beyond registering itself.
///
/// All hashes that can be made of a password are made when it is given, so that checking an answer costs the same for
/// every user.
#[derive(Clone, Debug)]
pub struct Account {
    /// Here, and not in memory of its own: it is compared for every request.
    name: SmallVec<[u8; NAME]>,
    /// The domain of its address; none before it is in a table.
    domain: Option<Arc<[u8]>>,
    realm: Arc<[u8]>,
    hashes: Hashes,
    ability: Ability,
    password: Option<Secret>,
    grants: Grants,
}

/// So many bytes have the names of most users.
const NAME: usize = 24;

#[derive(Clone)]
struct Secret(Zeroizing<Box<[u8]>>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("secret")
    }
}

impl Account {
    /// A user without secrets, who can prove nothing yet. `name` is the user part of the address, decoded.
    #[must_use]
    pub fn new(name: impl AsRef<[u8]>, realm: impl Into<Arc<[u8]>>) -> Self {
        Self {
            name: name.as_ref().into(),
            domain: None,
            realm: realm.into(),
            hashes: Hashes::default(),
            ability: Ability::default(),
            password: None,
            grants: Grants::default(),
        }
    }

    /// A user of this domain, whose bytes for domain and realm others have too.
    pub(super) fn at_home(self, domain: Arc<[u8]>, realm: Arc<[u8]>) -> Self {
        debug_assert_eq!(self.realm, realm);
        Self { domain: Some(domain), realm, ..self }
    }

    pub(super) fn domain(&self) -> &[u8] {
        self.domain.as_deref().unwrap_or_default()
    }

    pub(super) fn is(&self, name: &[u8], domain: &[u8]) -> bool {
        *self.name == *name && *self.domain() == *domain
    }

    /// With this password, good for every algorithm.
    #[must_use]
    pub fn password(mut self, password: &[u8]) -> Self {
        for function in HashFunction::ALL {
            let ha1 = Ha1::of(function, &self.name, &self.realm, password);
            self = self.ha1(ha1);
        }
        self.password = Some(Secret(Zeroizing::new(password.into())));
        self
    }

    /// With a hash of `name:realm:password`, good for the algorithms of its function.
    #[must_use]
    pub fn ha1(mut self, ha1: Ha1) -> Self {
        if let Some(has) = self.ability.hashes.get_mut(ha1.function() as usize) {
            *has = true;
        }
        self.hashes.set(Spelling::Name, ha1);
        self
    }

    /// With a hash of `name@domain:realm:password`, which Kamailio calls `ha1b`.
    #[must_use]
    pub fn ha1_of_address(mut self, ha1: Ha1) -> Self {
        self.hashes.set(Spelling::Address, ha1);
        self
    }

    /// Challenged with these algorithms, and with no others; with those of its domain if there are none.
    #[must_use]
    pub fn algorithms(mut self, algorithms: Algorithms) -> Self {
        self.ability.own = algorithms;
        self
    }

    /// Allowed to register other addresses than its own.
    #[must_use]
    pub fn may_register(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The realm for which its hashes were made.
    #[must_use]
    pub fn realm(&self) -> &[u8] {
        &self.realm
    }

    /// The algorithms of its own that it is challenged with; empty: those of its domain for which it has a hash.
    #[must_use]
    pub fn offered(&self) -> Algorithms {
        self.ability.own
    }

    /// What it can answer with, for its challenges.
    pub(crate) fn ability(&self) -> Ability {
        self.ability
    }

    /// Whether it may register `aor`, whose host is `host`, though that is not its own address.
    #[must_use]
    pub fn is_granted(&self, aor: &Aor<'_>, host: &Host<'_>) -> bool {
        self.grants.allow(aor, host)
    }

    /// The hash for `username`, written as the phone wrote it; `None` if it is not known.
    pub(crate) fn ha1_for(&self, function: HashFunction, username: &[u8], realm: &[u8]) -> Option<&Ha1> {
        let spelling = if *self.realm != *realm {
            return None;
        } else if *self.name == *username {
            Spelling::Name
        } else if username.strip_prefix(&*self.name).is_some_and(|rest| matches!(rest, [b'@', _, ..])) {
            Spelling::Address
        } else {
            return None;
        };
        self.hashes.get(spelling, function)
    }

    /// The password, if it is known itself.
    pub(crate) fn known_password(&self) -> Option<&[u8]> {
        self.password.as_ref().map(|Secret(password)| &***password)
    }
}

/// Nothing is read: a field is where the account is.
impl Fetch for Arc<Account> {
    fn fetch_key(&self) {
        // Its beginning, behind the count of those who have it.
        prefetch_index(from_ref(&**self), 0);
        prefetch_index(from_ref(&self.name), 0);
        prefetch_index(from_ref(&self.domain), 0);
    }

    fn fetch(&self) {
        self.fetch_key();
        prefetch_index(from_ref(&self.hashes), 0);
        prefetch_index(from_ref(&self.ability), 0);
    }
}

/// How a phone writes the username of which a hash was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// `name`.
    Name,
    /// `name@domain`: its whole address.
    Address,
}

/// The hashes of a user, one for each function and spelling. Most have one.
#[derive(Clone, Debug, Default)]
struct Hashes(SmallVec<[(Spelling, Ha1); 1]>);

impl Hashes {
    fn get(&self, spelling: Spelling, function: HashFunction) -> Option<&Ha1> {
        let mut hashes = self.0.iter();
        hashes.find(|(of, ha1)| *of == spelling && ha1.function() == function).map(|(_, ha1)| ha1)
    }

    fn set(&mut self, spelling: Spelling, ha1: Ha1) {
        let mut hashes = self.0.iter_mut();
        match hashes.find(|(of, other)| *of == spelling && other.function() == ha1.function()) {
            Some((_, place)) => *place = ha1,
            None => self.0.push((spelling, ha1)),
        }
    }
}

/// What a user can answer with. It stands in the account, so that to say it takes the same time for everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ability {
    own: Algorithms,
    /// Of which functions there is a hash.
    hashes: [bool; 3],
}

impl Ability {
    /// With what it is challenged where its domain has `offered`.
    pub(crate) fn of(self, offered: Algorithms) -> Algorithms {
        if !self.own.is_empty() {
            return self.own;
        }
        let has = |algorithm: &Algorithm| self.hashes.get(HashFunction::of(*algorithm).0 as usize) == Some(&true);
        if offered.iter().all(|algorithm| has(&algorithm)) {
            return offered;
        }
        let able = Algorithms::new(offered.iter().filter(has));
        // Who can answer nothing is challenged like others, in vain.
        if able.is_empty() { offered } else { able }
    }
}

/// Digest algorithms in the order in which they are offered, each once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Algorithms([Option<Algorithm>; Algorithm::ALL.len()]);

impl Algorithms {
    /// These, in this order. One that stands twice counts where it stands first.
    #[must_use]
    pub fn new(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        let mut list = Self::default();
        for algorithm in algorithms {
            if !list.contains(algorithm)
                && let Some(place) = list.0.iter_mut().find(|place| place.is_none())
            {
                *place = Some(algorithm);
            }
        }
        list
    }

    /// In their order.
    pub fn iter(&self) -> impl Iterator<Item = Algorithm> + use<> {
        self.0.into_iter().flatten()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Whether it is among them.
    #[must_use]
    pub fn contains(&self, algorithm: Algorithm) -> bool {
        self.iter().any(|other| other == algorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(account: &Account, function: HashFunction, username: &str) -> Option<String> {
        account.ha1_for(function, username.as_bytes(), b"example.com").map(|ha1| ha1.reveal())
    }

    #[test]
    fn a_hash_is_good_for_its_function_and_its_spelling_of_the_name() {
        let known = Account::new(*b"alice", *b"example.com").password(b"secret");
        for function in HashFunction::ALL {
            let stored = Ha1::of(function, b"alice", b"example.com", b"secret");
            let address = Ha1::of(function, b"alice@example.com", b"example.com", b"secret");
            let hashed = Account::new(*b"alice", *b"example.com").ha1(stored).ha1_of_address(address.clone());
            assert_eq!(hex(&known, function, "alice"), hex(&hashed, function, "alice"));
            assert_eq!(hex(&hashed, function, "alice@example.com"), Some(address.reveal()));
            assert!(["alice@", "alic", "alicealice@example.com"].iter().all(|n| hex(&hashed, function, n).is_none()));
            let others = HashFunction::ALL.into_iter().filter(|other| *other != function);
            assert!(others.into_iter().all(|other| hex(&hashed, other, "alice").is_none()));
        }
    }

    #[test]
    fn a_hash_is_worth_nothing_in_another_realm() {
        let ha1 = Ha1::of(HashFunction::Md5, b"alice", b"example.com", b"secret");
        let account = Account::new(*b"alice", *b"example.com").ha1(ha1);
        assert!(account.ha1_for(HashFunction::Md5, b"alice", b"example.org").is_none());
    }

    #[test]
    fn no_secret_is_shown() {
        let account = Account::new(*b"alice", *b"example.com").password(b"open sesame");
        let shown = format!("{account:?}");
        let ha1 = hex(&account, HashFunction::Md5, "alice").unwrap();
        assert!(!shown.contains("sesame") && !shown.contains(&ha1) && !shown.contains("115, 101, 115"), "{shown}");
    }

    #[test]
    fn algorithms_keep_their_order_and_stand_once() {
        let list = Algorithms::new([Algorithm::Sha256, Algorithm::Md5, Algorithm::Sha256]);
        assert_eq!(list.iter().collect::<Vec<_>>(), [Algorithm::Sha256, Algorithm::Md5]);
        assert!(list.contains(Algorithm::Md5) && !list.contains(Algorithm::Md5Sess) && !list.is_empty());
        assert_eq!(Algorithms::new(Algorithm::ALL).iter().count(), 6);
    }
}
