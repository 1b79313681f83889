//! The addresses of record that are bound to one connection: nearly always one, and for a trunk very many.

use std::hash::RandomState;

use hashbrown::HashSet;

/// A set of addresses of record.
#[derive(Debug, Default)]
pub(super) enum Aors {
    #[default]
    None,
    One(Box<[u8]>),
    Many(Box<HashSet<Box<[u8]>, RandomState>>),
}

impl Aors {
    pub(super) fn insert(&mut self, aor: &[u8]) {
        match self {
            Self::None => *self = Self::One(aor.into()),
            Self::One(one) if **one == *aor => {}
            Self::One(one) => {
                let both = [std::mem::take(one), aor.into()];
                *self = Self::Many(Box::new(both.into_iter().collect()));
            }
            Self::Many(many) => {
                if !many.contains(aor) {
                    many.insert(aor.into());
                }
            }
        }
    }

    pub(super) fn remove(&mut self, aor: &[u8]) {
        match self {
            Self::One(one) if **one == *aor => *self = Self::None,
            Self::None | Self::One(_) => {}
            Self::Many(many) => {
                many.remove(aor);
                // What a trunk had is not kept when it has left.
                if many.is_empty() {
                    *self = Self::None;
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    /// One after the other, without copying them.
    pub(super) fn drain(self) -> Box<dyn Iterator<Item = Box<[u8]>> + Send> {
        match self {
            Self::None => Box::new(std::iter::empty()),
            Self::One(one) => Box::new(std::iter::once(one)),
            Self::Many(many) => Box::new(many.into_iter()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_set_of_any_size() {
        let mut aors = Aors::default();
        for n in [1, 1, 2, 3, 2, 1] {
            aors.insert(format!("sip:{n}@h").as_bytes());
        }
        aors.remove(b"sip:2@h");
        aors.remove(b"sip:nobody@h");
        assert!(!aors.is_empty());
        let mut left: Vec<_> = std::mem::take(&mut aors).drain().collect();
        left.sort();
        assert_eq!(left, [Box::from(*b"sip:1@h"), Box::from(*b"sip:3@h")]);
        assert!(aors.is_empty() && aors.drain().next().is_none());

        let mut one = Aors::default();
        one.insert(b"sip:a@h");
        one.remove(b"sip:b@h");
        assert!(!one.is_empty());
        one.remove(b"sip:a@h");
        assert!(one.is_empty());
    }
}
