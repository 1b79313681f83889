//! What a new reading of a users file has changed.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash as _, Hasher, RandomState};

use zeroize::Zeroizing;

use super::user::{Secrets, User};

/// A few bytes for each user by which a change of it is seen later. No secret can be had from them: their hash function
/// has a key that nobody knows.
#[derive(Debug)]
pub(crate) struct Marks {
    by_address: HashMap<u64, u64>,
    key: RandomState,
}

/// How many users are not as they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) added: usize,
    pub(crate) removed: usize,
    pub(crate) changed: usize,
}

impl Marks {
    /// Nobody yet; to be compared with others of the same key.
    pub(crate) fn new(key: RandomState) -> Self {
        Self { by_address: HashMap::new(), key }
    }

    pub(crate) fn add(&mut self, user: &User) {
        let mut state = self.key.build_hasher();
        match &user.secrets {
            Secrets::Password(password) => password.as_bytes().hash(&mut state),
            Secrets::Hashes { hashes, realm } => {
                realm.hash(&mut state);
                for hash in hashes {
                    (hash.of as u8).hash(&mut state);
                    hash.ha1.function().hash(&mut state);
                    Zeroizing::new(hash.ha1.reveal()).hash(&mut state);
                }
            }
        }
        for algorithm in user.algorithms.iter() {
            algorithm.name().hash(&mut state);
        }
        user.may_register.hash(&mut state);
        self.by_address.insert(self.key.hash_one(&user.address), state.finish());
    }

    /// What has changed since `before`.
    pub(crate) fn since(&self, before: &Self) -> Changes {
        let mut changes = Changes::default();
        for (address, mark) in &self.by_address {
            match before.by_address.get(address) {
                None => changes.added += 1,
                Some(other) if other != mark => changes.changed += 1,
                Some(_) => {}
            }
        }
        changes.removed = before.by_address.len() + changes.added - self.by_address.len();
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::read::read;

    #[test]
    fn every_kind_of_change_is_counted() {
        let key = RandomState::new();
        let marks = |entries: &[&str]| {
            let mut marks = Marks::new(key.clone());
            let text: String = entries.iter().flat_map(|entry| ["[user.'", entry, "\n"]).collect();
            read(&text, |user, _| marks.add(&user)).unwrap();
            marks
        };
        const MD5: &str = "a@x']\nmd5 = '939e7578ed9e3c518a452acee763bce9'";
        let before = marks(&[MD5, "b@x']\npassword = 'p'", "c@x']\npassword = 'p'"]);
        let same = marks(&["c@x']\npassword = 'p'", "%62@X']\npassword = 'p'", MD5]);
        assert_eq!(same.since(&before), Changes::default());
        let after = marks(&[MD5, "c@x']\npassword = 'q'", "d@x']\npassword = 'p'", "e@x']\npassword = 'p'"]);
        assert_eq!(after.since(&before), Changes { added: 2, removed: 1, changed: 1 });
        for changed in [
            "a@x']\nmd5 = '839e7578ed9e3c518a452acee763bce9'",
            "a@x']\nmd5-address = '939e7578ed9e3c518a452acee763bce9'",
            &format!("{MD5}\nrealm = 'r'"),
            &format!("{MD5}\nalgorithms = 'MD5'"),
            &format!("{MD5}\nmay_register = '*'"),
        ] {
            let after = marks(&[changed, "b@x']\npassword = 'p'", "c@x']\npassword = 'p'"]);
            assert_eq!(after.since(&before), Changes { changed: 1, ..Changes::default() }, "{changed}");
        }
    }
}
