use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Nothing to ask for.
impl Fetch for Box<u16> {
    fn fetch_key(&self) {}
    fn fetch(&self) {}
}

#[derive(Clone, Debug)]
enum Step {
    Put(u16),
    Remove(u16),
    Reserve(u8),
}

/// Keys with few homes and tags, so that they meet.
fn hash(key: u16) -> u64 {
    u64::from(key % 5) << 57 | u64::from(key / 5 % 9)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..300_u16).prop_map(Step::Put),
        4 => (0..300_u16).prop_map(Step::Remove),
        1 => (0..40_u8).prop_map(Step::Reserve),
    ];
    proptest::collection::vec(step, 0..600)
}

fn find(lines: &Lines<Box<u16>>, key: u16) -> Option<Spot> {
    lines.find(hash(key), |other| **other == key)
}

proptest! {
    /// It holds what a map holds, whatever comes and goes.
    #[test]
    fn it_is_a_map(steps in steps()) {
        let mut lines = Lines::default();
        let mut map = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(key) => match find(&lines, key) {
                    Some(spot) => prop_assert_eq!(lines.get(spot).map(|key| **key), map.get(&key).copied()),
                    None => {
                        prop_assert_eq!(map.insert(key, key), None);
                        lines.insert(hash(key), Box::new(key), |key| hash(**key));
                    }
                },
                Step::Remove(key) => {
                    let removed = find(&lines, key).and_then(|spot| lines.remove(spot));
                    prop_assert_eq!(removed.map(|key| *key), map.remove(&key));
                }
                Step::Reserve(more) => lines.reserve(more.into(), |key| hash(**key)),
            }
            prop_assert_eq!((lines.len(), lines.is_empty()), (map.len(), map.is_empty()));
        }
        let mut all: Vec<u16> = lines.iter().map(|key| **key).collect();
        all.sort_unstable();
        prop_assert!(all.iter().eq(map.keys()));
        for key in 0..300 {
            prop_assert_eq!(find(&lines, key).is_some(), map.contains_key(&key));
            prop_assert!(!map.contains_key(&key) || lines.with_hash(hash(key)).any(|other| **other == key));
        }
        // Nothing is left behind by what came and went.
        for key in map.into_keys() {
            find(&lines, key).and_then(|spot| lines.remove(spot));
        }
        prop_assert!(lines.lines.iter().all(|line| line.passed == 0 || line.passed == UNCOUNTED));
    }
}

#[test]
fn a_line_is_one_of_the_cache() {
    assert_eq!((size_of::<Line<Box<u8>>>(), align_of::<Line<Box<u8>>>()), (64, 64));
}

#[test]
fn a_line_that_too_many_have_passed_to_count_them_is_passed_by_every_search() {
    let mut lines = Lines::default();
    for key in 0..1000_u16 {
        lines.insert(0, Box::new(key), |_| 0);
    }
    for key in 0..1000 {
        let spot = lines.find(0, |other| **other == key).unwrap();
        assert_eq!(lines.remove(spot).as_deref(), Some(&key));
    }
    assert!(lines.is_empty() && lines.find(0, |_| true).is_none());
    lines.insert(0, Box::new(7), |_| 0);
    assert!(lines.find(0, |other| **other == 7).is_some());
}
