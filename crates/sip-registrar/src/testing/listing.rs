//! What is listed.

use std::collections::BTreeSet;

use sip_dispatch::Share;

use super::{Bench, at, wait};
use crate::{LocationService, Page};

/// In pages of any size.
pub fn a_scan_sees_every_record_once<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    for n in 0..500 {
        bench.register(&n.to_string(), ("a", 1), &[("sip:a@h", 60)], at(0)).unwrap();
    }
    for limit in [1, 7, 499, 500, 501, 10_000] {
        let mut seen = BTreeSet::new();
        pages(&bench.store, limit, |page| {
            assert!(page.records.len() <= limit);
            for record in &page.records {
                assert!(seen.insert(record.aor().to_string()), "{record:?} twice");
            }
        });
        assert_eq!(seen.len(), 500, "in pages of {limit}");
    }
}

/// Nothing that stays is missed or seen twice.
pub fn a_scan_sees_what_stays_while_others_come_and_go<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    for n in 0..200 {
        bench.register(&format!("stays{n}"), ("a", 1), &[("sip:a@h", 300)], at(0)).unwrap();
        bench.register(&format!("goes{n}"), ("a", 1), &[("sip:a@h", 300)], at(0)).unwrap();
    }
    let mut seen = BTreeSet::new();
    let mut turn = 0;
    pages(&bench.store, 10, |page| {
        for record in &page.records {
            let aor = record.aor().to_string();
            assert!(!aor.contains("stays") || seen.insert(aor), "{record:?} twice");
        }
        for n in turn * 10..turn * 10 + 10 {
            bench.register(&format!("goes{n}"), ("a", 2), &[("sip:a@h", 0)], at(1)).unwrap();
            bench.register(&format!("comes{n}"), ("a", 1), &[("sip:a@h", 300)], at(1)).unwrap();
            bench.register(&format!("stays{}", n % 200), ("a", n + 2), &[("sip:a@h", 300)], at(1)).unwrap();
        }
        turn += 1;
        assert!(turn < 1000, "a scan ends");
    });
    assert_eq!(seen.len(), 200);
}

/// And does not mind.
pub fn an_empty_store_has_nothing_to_show<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    pages(&bench.store, 10, |page| assert!(page.records.is_empty()));
    assert_eq!(bench.sweep(at(1_000_000), Share::WHOLE, 10).0, 0);
    assert!(bench.lookup("alice", at(0)).is_none());
}

fn pages(store: &impl LocationService, limit: usize, mut see: impl FnMut(&Page)) {
    let mut after = None;
    loop {
        let page = wait(store.scan(after.as_deref(), limit)).unwrap();
        see(&page);
        after = page.next;
        if after.is_none() {
            return;
        }
    }
}
