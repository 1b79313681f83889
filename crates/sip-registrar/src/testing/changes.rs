//! What is registered and removed.

use sip_dispatch::Share;
use sip_message::Uri;

use super::{Bench, at, uris};
use crate::location::Effect;
use crate::{LocationService, RegisterError, Removal, StoreError};

/// A binding is found as soon as it is registered.
pub fn what_is_registered_is_found<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    assert!(bench.lookup("alice", at(0)).is_none());
    let done = bench.register("alice", ("a", 1), &[("sip:a@h", 60), ("sip:b@h", 90)], at(0)).unwrap();
    assert_eq!((done.effect, done.before.is_none()), (Effect::Added, true));
    let found = bench.lookup("alice", at(0)).unwrap();
    assert_eq!(done.after, Some(found.clone()));
    assert_eq!(found.aor().as_bytes(), b"sip:alice@example.com");
    assert_eq!(uris(Some(&found), at(0)), ["sip:a@h", "sip:b@h"]);
    let done = bench.register("alice", ("a", 2), &[("sip:a@h", 0)], at(1)).unwrap();
    assert_eq!((done.effect, done.before), (Effect::Removed, Some(found)));
    assert_eq!(uris(bench.lookup("alice", at(1)).as_ref(), at(1)), ["sip:b@h"]);
    bench.register("alice", ("a", 3), &[("sip:b@h", 0)], at(1)).unwrap();
    assert!(bench.lookup("alice", at(1)).is_none());
}

/// One address knows nothing of another.
pub fn addresses_are_kept_apart<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    let users: Vec<String> = (0..1000).map(|n| format!("user{n}")).collect();
    for user in &users {
        bench.register(user, ("a", 1), &[(&format!("sip:{user}@h"), 60)], at(0)).unwrap();
    }
    bench.register("user7", ("a", 2), &[("sip:user7@h", 0)], at(1)).unwrap();
    for user in &users {
        let expected = if user == "user7" { vec![] } else { vec![format!("sip:{user}@h")] };
        assert_eq!(uris(bench.lookup(user, at(1)).as_ref(), at(1)), expected);
    }
}

/// Queries, repeats, and removals of what is not there keep the record with its version.
pub fn what_changes_nothing_writes_nothing<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    bench.register("alice", ("a", 5), &[("sip:a@h", 60)], at(0)).unwrap();
    let record = bench.lookup("alice", at(1));
    for (cseq, contacts, effect) in [
        (1, [].as_slice(), Effect::Queried),
        (5, &[("sip:a@h", 60)], Effect::Repeated),
        (6, &[("sip:other@h", 0)], Effect::Removed),
    ] {
        let done = bench.register("alice", ("a", cseq), contacts, at(1)).unwrap();
        assert_eq!((done.effect, done.is_change()), (effect, false));
        assert_eq!((done.before, done.after), (record.clone(), record.clone()));
        assert_eq!(bench.lookup("alice", at(1)), record);
    }
    let done = bench.register("nobody", ("a", 1), &[("sip:a@h", 0)], at(1)).unwrap();
    assert!(done.before.is_none() && done.after.is_none() && bench.lookup("nobody", at(1)).is_none());
}

/// All or nothing.
pub fn a_refused_request_leaves_everything_as_it_was<L: LocationService>(new: impl FnOnce() -> L) {
    let mut bench = Bench::new(new());
    bench.limits.max_contacts = 2;
    bench.limits.eviction = crate::Eviction::Refuse;
    bench.register("alice", ("a", 5), &[("sip:a@h", 60)], at(0)).unwrap();
    let record = bench.lookup("alice", at(0));
    for (cseq, contacts, error) in [
        (4, [("sip:b@h", 60), ("sip:a@h", 0)], RegisterError::OutOfOrder),
        (6, [("sip:b@h", 60), ("sip:c@h", 60)], RegisterError::TooManyContacts),
    ] {
        assert_eq!(bench.register("alice", ("a", cseq), &contacts, at(0)).unwrap_err(), error);
        assert_eq!(bench.lookup("alice", at(0)), record);
    }
}

/// A store compares versions to know whether a record is still the one it has read.
pub fn every_change_has_a_higher_version<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    let mut last = 0;
    for cseq in 1..20 {
        let done = bench.register("alice", ("a", cseq), &[("sip:a@h", 60)], at(u64::from(cseq))).unwrap();
        let version = done.after.unwrap().version();
        assert!(version > last && done.before.map_or(0, |record| record.version()) == last);
        last = version;
    }
}

/// On behalf of the operator.
pub fn one_binding_or_all_are_removed<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    bench.register("alice", ("a", 1), &[("sip:a@h", 60), ("sip:b@h", 60), ("sip:c@h", 60)], at(0)).unwrap();
    bench.register("bob", ("a", 1), &[("sip:a@h", 60)], at(0)).unwrap();
    let one = |uri: &'static str| Removal::Contact(Uri::parse(uri.as_bytes()).unwrap());
    for (which, is_change, left) in [
        (one("sip:x@h"), false, ["sip:a@h", "sip:b@h", "sip:c@h"].as_slice()),
        // Equivalent (RFC 3261 §19.1.4), not equal.
        (one("sip:%62@H;x"), true, &["sip:a@h", "sip:c@h"]),
        (Removal::All, true, &[]),
        (Removal::All, false, &[]),
    ] {
        let done = bench.remove("alice", which, at(1)).unwrap();
        assert_eq!(done.is_change(), is_change, "{which:?}");
        assert_eq!(uris(bench.lookup("alice", at(1)).as_ref(), at(1)), left, "{which:?}");
        assert_eq!(uris(done.after.as_ref(), at(1)), left, "{which:?}");
    }
    assert!(bench.lookup("bob", at(1)).is_some());
}

/// New bindings are refused, known ones are served, and what leaves or expires makes room.
pub fn a_full_store_says_so_and_recovers<L: LocationService>(bounded: impl FnOnce(usize) -> L) {
    let bench = Bench::new(bounded(10));
    let full = RegisterError::Store(StoreError::Full);
    for n in 0..10 {
        bench.register(&n.to_string(), ("a", 1), &[("sip:a@h", 60 + n)], at(0)).unwrap();
    }
    assert_eq!(bench.register("new", ("a", 1), &[("sip:a@h", 60)], at(0)).unwrap_err(), full);
    assert_eq!(bench.register("0", ("b", 1), &[("sip:b@h", 60)], at(0)).unwrap_err(), full);
    assert!(bench.lookup("new", at(0)).is_none());
    assert_eq!(uris(bench.lookup("0", at(0)).as_ref(), at(0)), ["sip:a@h"]);
    // A refresh takes no room, nor does one that comes for one that goes.
    bench.register("9", ("a", 2), &[("sip:a@h", 60)], at(0)).unwrap();
    bench.register("9", ("a", 3), &[("sip:a@h", 0), ("sip:b@h", 60)], at(0)).unwrap();
    assert_eq!(bench.register("new", ("a", 1), &[("sip:a@h", 60)], at(0)).unwrap_err(), full);
    bench.register("9", ("a", 4), &[("sip:b@h", 0)], at(0)).unwrap();
    bench.register("new", ("a", 1), &[("sip:a@h", 90)], at(0)).unwrap();
    bench.remove("new", Removal::All, at(0)).unwrap();
    bench.register("new", ("a", 1), &[("sip:a@h", 90)], at(0)).unwrap();
    // Two have expired by now.
    bench.sweep(at(61), Share::WHOLE, 100);
    assert_eq!(
        bench.register("x", ("a", 1), &[("sip:a@h", 60), ("sip:b@h", 60), ("sip:c@h", 60)], at(61)).unwrap_err(),
        full
    );
    bench.register("x", ("a", 1), &[("sip:a@h", 60), ("sip:b@h", 60)], at(61)).unwrap();
}
