//! What the store said of users, for as long as it counts.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sip_registrar::auth::Account;

use crate::RemoteConfig;
use crate::bounded::Bounded;
use crate::source::{User, UserRef};

/// Users, and names without one, in parts with a lock each, so that workers seldom wait for each other and no table
/// that grows holds anybody up for long.
pub(crate) struct Cache {
    parts: Box<[Mutex<Part>]>,
    hasher: RandomState,
    fresh: Duration,
    negative: Duration,
    stale: Duration,
}

struct Part {
    known: Bounded<(Arc<Account>, Instant)>,
    unknown: Bounded<Instant>,
    /// What was asked before has to be asked again.
    forgotten: Option<Instant>,
}

/// What is known of a user.
#[derive(Debug)]
pub(crate) enum Cached {
    /// It was there a moment ago.
    Fresh(Arc<Account>),
    /// It was not there a moment ago.
    NoSuchUser,
    /// It was there some time ago: good enough only if the store cannot be asked.
    Old(Arc<Account>),
    Nothing,
}

impl Cache {
    pub(crate) fn new(config: &RemoteConfig) -> Self {
        // At least 1024 users in each part, so that all of them fill up alike.
        let parts = (config.cache_entries / 1024).clamp(1, 64).next_power_of_two();
        let part = || Part {
            known: Bounded::new(config.cache_entries.div_ceil(parts)),
            unknown: Bounded::new(config.negative_entries.div_ceil(parts)),
            forgotten: None,
        };
        Self {
            parts: (0..parts).map(|_| Mutex::new(part())).collect(),
            hasher: RandomState::new(),
            fresh: config.fresh,
            negative: config.negative,
            stale: config.stale.max(config.fresh),
        }
    }

    pub(crate) fn get(&self, user: UserRef<'_>, now: Instant) -> Cached {
        let hash = self.hasher.hash_one(user);
        let Some(part) = self.part(hash) else { return Cached::Nothing };
        let part = &mut *part.lock();
        let forgotten = part.forgotten;
        let holds = |asked: Instant, time| {
            now.saturating_duration_since(asked) < time && forgotten.is_none_or(|forgotten| forgotten < asked)
        };
        if let Some((account, asked)) = part.known.get(hash, user) {
            if holds(*asked, self.fresh) {
                return Cached::Fresh(account.clone());
            }
            if now.saturating_duration_since(*asked) < self.stale {
                return Cached::Old(account.clone());
            }
            part.known.remove(hash, user);
        } else if let Some(asked) = part.unknown.get(hash, user)
            && holds(*asked, self.negative)
        {
            return Cached::NoSuchUser;
        }
        Cached::Nothing
    }

    /// The store was asked at `asked`, and this is what it knew.
    pub(crate) fn insert(&self, user: &User, account: Option<Arc<Account>>, asked: Instant) {
        let hash = self.hasher.hash_one(user.borrow());
        let Some(part) = self.part(hash) else { return };
        let part = &mut *part.lock();
        match account {
            Some(account) => {
                part.unknown.remove(hash, user.borrow());
                part.known.insert(hash, user.clone(), (account, asked));
            }
            None => {
                part.known.remove(hash, user.borrow());
                part.unknown.insert(hash, user.clone(), asked);
            }
        }
    }

    /// From now on everybody has to be asked for again.
    pub(crate) fn forget(&self, now: Instant) {
        self.parts.iter().for_each(|part| part.lock().forgotten = Some(now));
    }

    /// How many users and how many names without one are kept.
    pub(crate) fn len(&self) -> (usize, usize) {
        let lens = self.parts.iter().map(|part| {
            let part = part.lock();
            (part.known.len(), part.unknown.len())
        });
        lens.fold((0, 0), |sum, len| (sum.0 + len.0, sum.1 + len.1))
    }

    /// A number that strangers cannot foresee.
    pub(crate) fn keyed_hash(&self, user: UserRef<'_>) -> u64 {
        self.hasher.hash_one((user, "spread"))
    }

    /// By bits that the tables in the parts do not use: they take the lowest and the highest.
    fn part(&self, hash: u64) -> Option<&Mutex<Part>> {
        self.parts.get((hash >> 32) as usize & (self.parts.len() - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_registrar::auth::Wanted;

    fn user(name: &str) -> User {
        User::new(&Wanted { name: name.as_bytes(), domain: b"example.com", realm: b"example.com" }).unwrap()
    }

    fn account(name: &str) -> Option<Arc<Account>> {
        Some(Arc::new(Account::new(name.as_bytes(), *b"example.com")))
    }

    /// F, N, O or `-`, for each of these seconds.
    fn at(cache: &Cache, name: &str, start: Instant, seconds: &[u64]) -> String {
        let user = user(name);
        let at = |second: &u64| match cache.get(user.borrow(), start + Duration::from_secs(*second)) {
            Cached::Fresh(_) => 'F',
            Cached::NoSuchUser => 'N',
            Cached::Old(_) => 'O',
            Cached::Nothing => '-',
        };
        seconds.iter().map(at).collect()
    }

    #[test]
    fn users_are_fresh_then_old_then_gone_and_names_without_one_just_gone() {
        let (cache, start) = (Cache::new(&RemoteConfig::default()), Instant::now());
        cache.insert(&user("alice"), account("alice"), start);
        cache.insert(&user("nobody"), None, start);
        assert_eq!(at(&cache, "alice", start, &[0, 299, 300, 86_399, 86_400]), "FFOO-");
        assert_eq!(cache.len(), (0, 1));
        assert_eq!(at(&cache, "nobody", start, &[0, 29, 30, 86_399]), "NN--");
        assert_eq!(at(&cache, "bob", start, &[0]), "-");
    }

    #[test]
    fn a_user_is_known_or_unknown_and_never_both() {
        let (cache, start) = (Cache::new(&RemoteConfig::default()), Instant::now());
        cache.insert(&user("alice"), None, start);
        cache.insert(&user("alice"), account("alice"), start);
        assert_eq!((at(&cache, "alice", start, &[0, 400]).as_str(), cache.len()), ("FO", (1, 0)));
        cache.insert(&user("alice"), None, start);
        assert_eq!((at(&cache, "alice", start, &[0, 400]).as_str(), cache.len()), ("N-", (0, 1)));
    }

    #[test]
    fn the_same_name_in_another_domain_or_realm_is_somebody_else() {
        let (cache, start) = (Cache::new(&RemoteConfig::default()), Instant::now());
        cache.insert(&user("alice"), account("alice"), start);
        for (domain, realm) in [("example.org", "example.com"), ("example.com", "example.org")] {
            let other = Wanted { name: b"alice", domain: domain.as_bytes(), realm: realm.as_bytes() };
            assert!(matches!(cache.get(User::new(&other).unwrap().borrow(), start), Cached::Nothing));
        }
    }

    #[test]
    fn invented_names_do_not_push_users_out() {
        let config = RemoteConfig { cache_entries: 100, negative_entries: 10, ..RemoteConfig::default() };
        let (cache, start) = (Cache::new(&config), Instant::now());
        (0..100).for_each(|n| cache.insert(&user(&format!("user{n}")), account("user"), start));
        (0..10_000).for_each(|n| cache.insert(&user(&format!("nobody{n}")), None, start));
        assert_eq!(cache.len(), (100, 10));
        assert!((0..100).all(|n| at(&cache, &format!("user{n}"), start, &[0]) == "F"));
    }

    #[test]
    fn what_is_forgotten_has_to_be_asked_again_and_helps_out_till_then() {
        let (cache, start) = (Cache::new(&RemoteConfig::default()), Instant::now());
        cache.insert(&user("alice"), account("alice"), start);
        cache.insert(&user("nobody"), None, start);
        cache.forget(start + Duration::from_secs(1));
        assert_eq!(at(&cache, "alice", start, &[1, 2]), "OO");
        assert_eq!(at(&cache, "nobody", start, &[1, 2]), "--");
        cache.insert(&user("alice"), account("alice"), start + Duration::from_secs(2));
        assert_eq!(at(&cache, "alice", start, &[2]), "F");
    }

    #[test]
    fn as_many_users_as_configured_fit_into_all_parts_together() {
        let config = RemoteConfig { cache_entries: 8192, ..RemoteConfig::default() };
        let (cache, start) = (Cache::new(&config), Instant::now());
        assert_eq!(cache.parts.len(), 8);
        (0..100_000).for_each(|n| cache.insert(&user(&n.to_string()), account("user"), start));
        assert_eq!(cache.len(), (8192, 0));
    }
}
