//! A table that never grows beyond its bound.

use hashbrown::HashTable;

use crate::source::{User, UserRef};

/// How many entries are looked at for one that is not in use, before any will do.
const LOOKS: usize = 16;

/// Values by user. When it is full, a new one takes the place of one that was not used for long (CLOCK, "second
/// chance"): a hit costs a bit and no allocation, an insertion never more than a few steps.
pub(crate) struct Bounded<V> {
    table: HashTable<usize>,
    slots: Vec<Slot<V>>,
    hand: usize,
    bound: usize,
}

struct Slot<V> {
    hash: u64,
    user: User,
    value: V,
    used: bool,
}

impl<V> Bounded<V> {
    pub(crate) fn new(bound: usize) -> Self {
        Self { table: HashTable::new(), slots: Vec::new(), hand: 0, bound }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn get(&mut self, hash: u64, user: UserRef<'_>) -> Option<&V> {
        let at = self.place(hash, user)?;
        let slot = self.slots.get_mut(at)?;
        slot.used = true;
        Some(&slot.value)
    }

    pub(crate) fn insert(&mut self, hash: u64, user: User, value: V) {
        if let Some(slot) = self.place(hash, user.borrow()).and_then(|at| self.slots.get_mut(at)) {
            slot.value = value;
            return;
        }
        if self.bound == 0 {
            return;
        }
        if self.slots.len() >= self.bound {
            self.evict();
        }
        let at = self.slots.len();
        self.slots.push(Slot { hash, user, value, used: false });
        let slots = &self.slots;
        self.table.insert_unique(hash, at, |at| slots.get(*at).map_or(0, |slot| slot.hash));
    }

    pub(crate) fn remove(&mut self, hash: u64, user: UserRef<'_>) {
        if let Some(at) = self.place(hash, user) {
            self.remove_at(at);
        }
    }

    fn place(&self, hash: u64, user: UserRef<'_>) -> Option<usize> {
        let is_it = |at: &usize| self.slots.get(*at).is_some_and(|slot| slot.user.borrow() == user);
        self.table.find(hash, is_it).copied()
    }

    fn evict(&mut self) {
        for _ in 0..LOOKS {
            self.hand = if self.hand + 1 < self.slots.len() { self.hand + 1 } else { 0 };
            match self.slots.get_mut(self.hand) {
                Some(slot) if slot.used => slot.used = false,
                _ => break,
            }
        }
        self.remove_at(self.hand);
    }

    /// The last slot moves to the place that became free.
    fn remove_at(&mut self, at: usize) {
        let Some(hash) = self.slots.get(at).map(|slot| slot.hash) else { return };
        if let Ok(entry) = self.table.find_entry(hash, |place| *place == at) {
            entry.remove();
        }
        self.slots.swap_remove(at);
        let moved_from = self.slots.len();
        if let Some(moved) = self.slots.get(at)
            && let Some(place) = self.table.find_mut(moved.hash, |place| *place == moved_from)
        {
            *place = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_registrar::auth::Wanted;
    use std::hash::{BuildHasher, RandomState};

    struct Table(Bounded<usize>, RandomState);

    impl Table {
        fn new(bound: usize) -> Self {
            Self(Bounded::new(bound), RandomState::new())
        }
        fn user(n: usize) -> User {
            User::new(&Wanted { name: n.to_string().as_bytes(), domain: b"example.com", realm: b"r" }).unwrap()
        }
        fn insert(&mut self, n: usize, value: usize) {
            let user = Self::user(n);
            self.0.insert(self.1.hash_one(user.borrow()), user, value);
        }
        fn get(&mut self, n: usize) -> Option<usize> {
            let user = Self::user(n);
            self.0.get(self.1.hash_one(user.borrow()), user.borrow()).copied()
        }
        fn remove(&mut self, n: usize) {
            let user = Self::user(n);
            self.0.remove(self.1.hash_one(user.borrow()), user.borrow());
        }
    }

    #[test]
    fn all_that_fit_are_kept_and_no_more() {
        let mut table = Table::new(100);
        (0..100).for_each(|n| table.insert(n, n));
        assert!((0..100).all(|n| table.get(n) == Some(n)));
        (100..1000).for_each(|n| table.insert(n, n));
        assert_eq!(table.0.len(), 100);
        assert_eq!((0..1000).filter(|n| table.get(*n) == Some(*n)).count(), 100);
    }

    #[test]
    fn what_is_used_stays() {
        let mut table = Table::new(100);
        (0..100).for_each(|n| table.insert(n, n));
        for n in 100..1000 {
            assert!((0..10).all(|n| table.get(n) == Some(n)), "before {n}");
            table.insert(n, n);
        }
    }

    #[test]
    fn a_user_is_replaced_and_removed() {
        let mut table = Table::new(10);
        for round in 0..3 {
            (0..10).for_each(|n| table.insert(n, 100 * round + n));
            assert_eq!(table.get(7), Some(100 * round + 7));
            (0..10).step_by(2).for_each(|n| table.remove(n));
            table.remove(0);
            let left: Vec<_> = (0..10).filter_map(|n| table.get(n)).map(|value| value % 100).collect();
            assert_eq!(left, [1, 3, 5, 7, 9]);
            assert_eq!(table.0.len(), 5);
        }
    }

    #[test]
    fn a_bound_of_zero_keeps_nothing() {
        let mut table = Table::new(0);
        table.insert(1, 1);
        assert_eq!((table.get(1), table.0.len()), (None, 0));
    }
}
