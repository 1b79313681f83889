//! What expires.

use std::collections::BTreeSet;

use sip_dispatch::Share;

use super::{Bench, at, uris};
use crate::LocationService;

/// Swept or not.
pub fn what_has_expired_is_not_shown<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    bench.register("alice", ("a", 1), &[("sip:a@h", 60), ("sip:b@h", 90)], at(0)).unwrap();
    assert_eq!(uris(bench.lookup("alice", at(59)).as_ref(), at(59)), ["sip:a@h", "sip:b@h"]);
    assert_eq!(uris(bench.lookup("alice", at(60)).as_ref(), at(60)), ["sip:b@h"]);
    assert!(bench.lookup("alice", at(90)).is_none());
    // It is no binding for a request either.
    let done = bench.register("alice", ("a", 1), &[("sip:a@h", 60)], at(90)).unwrap();
    assert_eq!(uris(done.after.as_ref(), at(90)), ["sip:a@h"]);
    assert_eq!(done.after.unwrap().len(), 1);
}

/// Each record that lost something is shown once, as it was and as it is.
pub fn a_sweep_removes_what_has_expired_and_tells_it<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    bench.register("alice", ("a", 1), &[("sip:a@h", 60), ("sip:b@h", 90)], at(0)).unwrap();
    bench.register("bob", ("a", 1), &[("sip:c@h", 100)], at(0)).unwrap();
    for (second, expected) in [
        (59, vec![]),
        (60, vec![("alice", vec!["sip:a@h", "sip:b@h"], vec!["sip:b@h"])]),
        (60, vec![]),
        (95, vec![("alice", vec!["sip:b@h"], vec![])]),
        (4000, vec![("bob", vec!["sip:c@h"], vec![])]),
        (4001, vec![]),
    ] {
        let mut told = Vec::new();
        bench.store.sweep(at(second), Share::WHOLE, 1000, &mut |before, after| {
            // All bindings, expired ones included.
            told.push((before.aor().to_string(), uris(Some(before), at(0)), uris(after, at(0))));
        });
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(user, before, after)| {
                let owned = |uris: Vec<&str>| uris.into_iter().map(str::to_owned).collect::<Vec<_>>();
                (format!("sip:{user}@example.com"), owned(before), owned(after))
            })
            .collect();
        assert_eq!(told, expected, "{second}");
    }
    assert!(bench.lookup("alice", at(0)).is_none() && bench.lookup("bob", at(0)).is_none());
}

/// It stops there, and goes on where it stopped.
pub fn a_sweep_keeps_to_its_budget<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    for n in 0..500 {
        bench.register(&n.to_string(), ("a", 1), &[("sip:a@h", 60)], at(0)).unwrap();
    }
    let mut swept = 0;
    loop {
        let (looks, gone) = bench.sweep(at(60), Share::WHOLE, 30);
        assert!(gone.len() <= 30 && looks <= 30);
        swept += gone.len();
        if looks < 30 {
            break;
        }
    }
    assert_eq!(swept, 500);
}

/// What one worker leaves to the others they do, and nothing twice.
pub fn shares_of_a_sweep_are_the_whole<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    for n in 0..300 {
        bench.register(&n.to_string(), ("a", 1), &[("sip:a@h", 60)], at(0)).unwrap();
    }
    let mut all = Vec::new();
    for index in 0..3 {
        all.extend(bench.sweep(at(60), Share { index, of: 3 }, 1000).1);
    }
    let distinct: BTreeSet<_> = all.iter().collect();
    assert_eq!((all.len(), distinct.len()), (300, 300));
}

/// However often it was due before.
pub fn a_refreshed_binding_is_not_swept<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    for (cseq, second) in (1..).zip((0..4000).step_by(50)) {
        bench.register("alice", ("a", cseq), &[("sip:a@h", 60)], at(second)).unwrap();
        assert_eq!(bench.sweep(at(second + 49), Share::WHOLE, 1000).1, [""; 0]);
        assert!(bench.lookup("alice", at(second + 59)).is_some());
    }
    assert_eq!(bench.sweep(at(5000), Share::WHOLE, 1000).1, ["sip:alice@example.com"]);
}
