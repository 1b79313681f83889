//! What many do at once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::{Bench, at};
use crate::location::Effect;
use crate::{LocationService, RegisterError};

const THREADS: u32 = 4;
const REQUESTS: u32 = 250;

/// What is accepted has a higher CSeq than what it replaces, and the highest is what stays.
pub fn requests_of_one_phone_keep_their_order<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    let cseqs = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..REQUESTS {
                    let cseq = cseqs.fetch_add(1, Ordering::Relaxed) + 1;
                    match bench.register("alice", ("a", cseq), &[("sip:a@h", 60)], at(0)) {
                        Ok(done) => {
                            let before = done.before.and_then(|record| record.bindings().next().map(|b| b.cseq));
                            assert!(before.is_none_or(|before| before < cseq), "{before:?} before {cseq}");
                        }
                        Err(error) => assert_eq!(error, RegisterError::OutOfOrder),
                    }
                }
            });
        }
    });
    let record = bench.lookup("alice", at(0)).unwrap();
    let stored: Vec<_> = record.bindings().map(|binding| binding.cseq).collect();
    assert_eq!(stored, [THREADS * REQUESTS]);
}

/// Each adds and removes its own contacts, and no version is given twice.
pub fn no_change_of_another_is_lost<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    let bench = &bench;
    let changes: Vec<_> = thread::scope(|scope| {
        let all: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn(move || {
                    let mut versions = Vec::new();
                    for n in 0..REQUESTS / 10 {
                        let uri = format!("sip:{n}@{thread}.invalid");
                        let call_id = uri.as_str();
                        let done = bench.register("alice", (call_id, 1), &[(&uri, 60)], at(0)).unwrap();
                        assert_eq!(done.effect, Effect::Added);
                        versions.push(done.after.unwrap().version());
                        if n % 2 == 1 {
                            let done = bench.register("alice", (call_id, 2), &[(&uri, 0)], at(0)).unwrap();
                            versions.push(done.after.unwrap().version());
                        }
                    }
                    versions
                })
            })
            .collect();
        all.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(changes.iter().collect::<BTreeSet<_>>().len(), changes.len(), "every change made its own record");
    let record = bench.lookup("alice", at(0)).unwrap();
    let found: BTreeSet<_> =
        record.bindings().map(|binding| String::from_utf8_lossy(binding.uri).into_owned()).collect();
    let expected: BTreeSet<_> = (0..THREADS)
        .flat_map(|thread| (0..REQUESTS / 10).step_by(2).map(move |n| format!("sip:{n}@{thread}.invalid")))
        .collect();
    assert_eq!(found, expected);
}

/// Whoever looks sees all of a request or nothing of it.
pub fn bindings_of_one_request_are_seen_together<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    let bench = &bench;
    let contacts = [("sip:a@h", 60), ("sip:b@h", 60), ("sip:c@h", 60)];
    bench.register("alice", ("0", 1), &contacts, at(0)).unwrap();
    thread::scope(|scope| {
        for thread in 1..THREADS {
            scope.spawn(move || {
                for cseq in 1..REQUESTS {
                    bench.register("alice", (&format!("{thread}-{cseq}"), cseq), &contacts, at(0)).unwrap();
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..REQUESTS * 4 {
                let record = bench.lookup("alice", at(0)).unwrap();
                let from: BTreeSet<_> = record.bindings().map(|binding| (binding.call_id, binding.cseq)).collect();
                assert_eq!((record.len(), from.len()), (3, 1), "{from:?}");
            }
        });
    });
}
