//! A user as a users file has it.

use sip_message::header::Algorithm;
use sip_registrar::auth::{Account, Algorithms, Grants, Ha1, HashFunction};
use zeroize::Zeroizing;

use super::Address;

/// A user, with at least one secret.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) address: Address,
    pub(crate) secrets: Secrets,
    /// Challenged with these instead of those of the domain; empty: with those.
    pub(crate) algorithms: Algorithms,
    /// Patterns as written, each of which is good.
    pub(crate) may_register: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum Secrets {
    /// Good for every function and every realm.
    Password(Password),
    Hashes {
        hashes: Vec<Hash>,
        /// For which they were made; `None`: that of the domain's challenge.
        realm: Option<String>,
    },
}

/// A password, overwritten when it is dropped.
#[derive(Clone)]
pub(crate) struct Password(Zeroizing<String>);

/// A hash of a name, a realm and a password.
#[derive(Clone, Debug)]
pub(crate) struct Hash {
    pub(crate) of: HashOf,
    pub(crate) ha1: Ha1,
}

/// What stands for the name in a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashOf {
    /// `alice`.
    Name,
    /// `alice@example.com`: some phones write that as username. Kamailio calls the hash `ha1b`.
    Address,
}

/// The keys for hashes in a users file.
pub(crate) const HASH_KEYS: [(&str, HashFunction, HashOf); 6] = [
    ("md5", HashFunction::Md5, HashOf::Name),
    ("sha-256", HashFunction::Sha256, HashOf::Name),
    ("sha-512-256", HashFunction::Sha512_256, HashOf::Name),
    ("md5-address", HashFunction::Md5, HashOf::Address),
    ("sha-256-address", HashFunction::Sha256, HashOf::Address),
    ("sha-512-256-address", HashFunction::Sha512_256, HashOf::Address),
];

impl User {
    /// The functions with which it can prove who it is.
    pub(crate) fn functions(&self) -> impl Iterator<Item = HashFunction> {
        HashFunction::ALL.into_iter().filter(|function| match &self.secrets {
            Secrets::Password(_) => true,
            Secrets::Hashes { hashes, .. } => hashes.iter().any(|hash| hash.ha1.function() == *function),
        })
    }

    /// An algorithm that it is offered and could not use.
    pub(crate) fn useless_algorithm(&self) -> Option<Algorithm> {
        self.algorithms.iter().find(|algorithm| {
            let (wanted, _) = HashFunction::of(*algorithm);
            self.functions().all(|function| function != wanted)
        })
    }

    /// What the registrar is told of it, where its domain is challenged with `realm`.
    pub(crate) fn account(&self, realm: &str) -> Account {
        let name = self.address.name();
        let account = match &self.secrets {
            Secrets::Password(password) => Account::new(name, realm.as_bytes()).password(password.as_bytes()),
            Secrets::Hashes { hashes, realm: own } => {
                let account = Account::new(name, own.as_deref().unwrap_or(realm).as_bytes());
                hashes.iter().cloned().fold(account, |account, Hash { of, ha1 }| match of {
                    HashOf::Name => account.ha1(ha1),
                    HashOf::Address => account.ha1_of_address(ha1),
                })
            }
        };
        // They were good when it was read.
        let grants = Grants::new(&self.may_register).unwrap_or_default();
        account.algorithms(self.algorithms).may_register(grants)
    }
}

impl Secrets {
    /// All hashes that can be made of a password.
    pub(crate) fn hashed(address: &Address, realm: &str, password: &Password) -> Self {
        let hashes = HASH_KEYS.iter().map(|(_, function, of)| {
            let name = match of {
                HashOf::Name => address.name(),
                HashOf::Address => [&*address.name(), b"@", address.domain().as_bytes()].concat(),
            };
            Hash { of: *of, ha1: Ha1::of(*function, &name, realm.as_bytes(), password.as_bytes()) }
        });
        Self::Hashes { hashes: hashes.collect(), realm: Some(realm.to_owned()) }
    }
}

impl Password {
    /// At most this long, in bytes.
    pub(crate) const MAX_LEN: usize = 256;

    /// One line, or part of one.
    ///
    /// # Errors
    /// It is empty, too long or has control characters in it, which nobody types; the text is for "the password …".
    pub(crate) fn new(text: Zeroizing<String>) -> Result<Self, &'static str> {
        if text.is_empty() {
            Err("is empty")
        } else if text.len() > Self::MAX_LEN {
            Err("is longer than 256 bytes")
        } else if text.chars().any(char::is_control) {
            Err("has control characters in it")
        } else {
            Ok(Self(text))
        }
    }

    /// Handle it with care.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("secret")
    }
}
