//! A bounded table that forgets what was not touched for longest, nearly.

use std::collections::HashMap;

/// Two halves: what is touched goes to the young one, and when that is full it becomes the old one, whose entries are
/// forgotten. So the last half of all that fits is always there.
pub(super) struct Recent<V> {
    young: HashMap<Box<[u8]>, V>,
    old: HashMap<Box<[u8]>, V>,
    half: usize,
}

impl<V> Recent<V> {
    pub(super) fn new(most: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: (most / 2).max(1) }
    }

    /// Touches an entry. One that was touched lately is found by one look.
    pub(super) fn get(&mut self, key: &[u8]) -> Option<&mut V> {
        if !self.old.is_empty()
            && let Some((key, value)) = self.old.remove_entry(key)
        {
            self.make_room();
            self.young.insert(key, value);
        }
        self.young.get_mut(key)
    }

    /// Puts an entry in.
    pub(super) fn insert(&mut self, key: &[u8], value: V) -> Option<&mut V> {
        self.old.remove(key);
        self.make_room();
        self.young.insert(key.into(), value);
        self.young.get_mut(key)
    }

    pub(super) fn remove(&mut self, key: &[u8]) -> Option<V> {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }

    fn make_room(&mut self) {
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;

    #[test]
    fn it_is_bounded_and_keeps_what_is_touched() {
        let mut recent = Recent::new(100);
        recent.insert(b"touched", 0);
        for n in 0..10_000_u32 {
            recent.insert(&n.to_be_bytes(), n);
            assert!(recent.young.len() + recent.old.len() <= 100);
            assert_eq!(recent.get(b"touched").copied(), Some(0));
        }
        assert_eq!(recent.get(&0_u32.to_be_bytes()), None);
        assert_eq!(recent.get(&9_999_u32.to_be_bytes()).copied(), Some(9_999));
        assert_eq!((recent.remove(b"touched"), recent.remove(b"touched")), (Some(0), None));
    }
}
