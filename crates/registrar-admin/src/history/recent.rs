//! A bounded table that forgets what was not touched for longest, nearly.

use hashbrown::HashTable;
use smallvec::SmallVec;

/// Two halves: what is touched goes to the young one, and when that is full it becomes the old one, whose entries are
/// forgotten. So the last half of all that fits is always there.
///
/// Keys come with their hashes, which tell nearly all others apart. An entry is one piece of memory with its key, so that
/// whoever looks for one that is in no cache waits for its place and for itself, and for nothing more.
pub(super) struct Recent<V> {
    young: Half<V>,
    old: Half<V>,
    half: usize,
}

type Half<V> = HashTable<(u64, Box<Entry<V>>)>;

struct Entry<V> {
    key: SmallVec<[u8; KEY]>,
    value: V,
}

/// So many bytes have most keys.
const KEY: usize = 48;

impl<V> Recent<V> {
    pub(super) fn new(most: usize) -> Self {
        Self { young: HashTable::new(), old: HashTable::new(), half: (most / 2).max(1) }
    }

    /// Touches an entry.
    pub(super) fn get(&mut self, hash: u64, key: &[u8]) -> Option<&mut V> {
        if self.young.find(hash, is(hash, key)).is_none() {
            let (entry, _) = self.old.find_entry(hash, is(hash, key)).ok()?.remove();
            self.put(entry);
        }
        self.young.find_mut(hash, is(hash, key)).map(|(_, entry)| &mut entry.value)
    }

    /// Puts an entry in whose key has none.
    pub(super) fn insert(&mut self, hash: u64, key: &[u8], value: V) {
        self.put((hash, Box::new(Entry { key: key.into(), value })));
    }

    pub(super) fn remove(&mut self, hash: u64, key: &[u8]) -> Option<V> {
        let half = if self.young.find(hash, is(hash, key)).is_some() { &mut self.young } else { &mut self.old };
        let ((_, entry), _) = half.find_entry(hash, is(hash, key)).ok()?.remove();
        Some(entry.value)
    }

    fn put(&mut self, entry: (u64, Box<Entry<V>>)) {
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert_unique(entry.0, entry, |(hash, _)| *hash);
    }
}

/// Whether an entry is that of a key.
fn is<V>(hash: u64, key: &[u8]) -> impl Fn(&(u64, Box<Entry<V>>)) -> bool {
    move |(other, entry)| *other == hash && *entry.key == *key
}

#[cfg(test)]
mod tests {
    use super::Recent;

    #[test]
    fn it_is_bounded_and_keeps_what_is_touched() {
        let mut recent = Recent::new(100);
        recent.insert(7, b"touched", 0);
        for n in 0..10_000_u32 {
            recent.insert(n.into(), &n.to_be_bytes(), n);
            assert!(recent.young.len() + recent.old.len() <= 100);
            assert_eq!(recent.get(7, b"touched").copied(), Some(0));
        }
        assert_eq!(recent.get(0, &0_u32.to_be_bytes()), None);
        assert_eq!(recent.get(9_999, &9_999_u32.to_be_bytes()).copied(), Some(9_999));
        assert_eq!((recent.remove(7, b"touched"), recent.remove(7, b"touched")), (Some(0), None));
    }

    #[test]
    fn keys_of_one_hash_are_told_apart() {
        let mut recent = Recent::new(100);
        recent.insert(7, b"one", 1);
        recent.insert(7, b"two", 2);
        assert_eq!((recent.get(7, b"one").copied(), recent.get(7, b"two").copied()), (Some(1), Some(2)));
        assert_eq!((recent.get(7, b"three").copied(), recent.get(8, b"one").copied()), (None, None));
        assert_eq!((recent.remove(7, b"one"), recent.get(7, b"two").copied()), (Some(1), Some(2)));
    }
}
