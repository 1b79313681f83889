//! What happens when connections end.

use std::sync::atomic::{AtomicBool, Ordering};

use sip_dispatch::Share;
use sip_transport::{Flow, Now};

use super::{Bench, at, register_over, wait, with_aor};
use crate::location::Effect;
use crate::{LocationService, Record, Registered};

const FIRST: Flow = Flow { worker: 0, slot: 1, generation: 7 };
const SECOND: Flow = Flow { worker: 1, slot: 1, generation: 7 };

/// Registers contacts over a connection, each a URI and its expiry.
fn over<L: LocationService>(bench: &Bench<L>, flow: Flow, cseq: u32, contacts: &[(&str, u32)], now: Now) -> Registered {
    wait(register_over(&bench.store, bench.limits, "alice", (Some(flow), "a", cseq), contacts, now)).unwrap()
}

/// The connection ends; five seconds are left for coming back.
fn ends<L: LocationService>(bench: &Bench<L>, flow: Flow, now: Now) -> Registered {
    with_aor("alice", |aor| wait(bench.store.flow_lost(aor, flow, now.at.plus_seconds(5), now))).unwrap()
}

/// The URI of each binding that has not expired, and whether it is suspect.
fn found(record: Option<&Record>, now: Now) -> Vec<(String, bool)> {
    let live = record.into_iter().flat_map(|record| record.live(now.at));
    live.map(|binding| (String::from_utf8_lossy(binding.uri).into_owned(), binding.is_suspect())).collect()
}

fn is(uri: &str, is_suspect: bool) -> (String, bool) {
    (uri.to_owned(), is_suspect)
}

/// At once, and in its time.
pub fn what_lives_by_a_flow_is_suspect_when_it_ends_and_then_goes<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    over(&bench, FIRST, 1, &[("sip:a@h", 60)], at(0));
    over(&bench, SECOND, 2, &[("sip:b@h", 60)], at(0));
    bench.register("alice", ("c", 1), &[("sip:c@h", 60)], at(0)).unwrap();
    let before = bench.lookup("alice", at(10)).unwrap();
    let done = ends(&bench, FIRST, at(10));
    assert_eq!((done.effect, done.is_change(), done.before.as_ref()), (Effect::Lost, true, Some(&before)));
    let after = bench.lookup("alice", at(10)).unwrap();
    assert_eq!(done.after.as_ref(), Some(&after));
    assert!(after.version() > before.version());
    assert_eq!(found(Some(&after), at(10)), [is("sip:a@h", true), is("sip:b@h", false), is("sip:c@h", false)]);
    assert_eq!(after.reachable(at(10).at).count(), 2);
    assert_eq!(found(bench.lookup("alice", at(14)).as_ref(), at(14)).len(), 3);
    assert_eq!(found(bench.lookup("alice", at(15)).as_ref(), at(15)).len(), 2);
    let mut told = Vec::new();
    bench.store.sweep(at(16), Share::WHOLE, 100, &mut |before, after| {
        told.push((found(Some(before), at(0)), found(after, at(0))));
    });
    let left = [is("sip:b@h", false), is("sip:c@h", false)];
    assert_eq!(told, [([&[is("sip:a@h", true)], left.as_slice()].concat(), left.to_vec())]);
}

/// Over a new connection, with the same contact; even with the same request once more.
pub fn who_comes_back_on_another_flow_stays<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    over(&bench, FIRST, 1, &[("sip:a@h", 60)], at(0));
    ends(&bench, FIRST, at(10));
    let done = over(&bench, SECOND, 1, &[("sip:a@h", 60)], at(14));
    assert_eq!((done.effect, done.is_change()), (Effect::Refreshed, true));
    assert_eq!(bench.sweep(at(59), Share::WHOLE, 100).1, [""; 0]);
    assert_eq!(found(bench.lookup("alice", at(59)).as_ref(), at(59)), [is("sip:a@h", false)]);
    // Nor does the end of the old one concern it, even if it is told once more.
    assert!(!ends(&bench, FIRST, at(60)).is_change());
    // Before the old one has ended, too.
    over(&bench, FIRST, 2, &[("sip:a@h", 60)], at(60));
    assert!(!ends(&bench, SECOND, at(61)).is_change());
    assert_eq!(found(bench.lookup("alice", at(70)).as_ref(), at(70)), [is("sip:a@h", false)]);
}

/// What has no binding on it is not changed, and nothing is written.
pub fn the_end_of_a_flow_concerns_nobody_else<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    assert!(ends(&bench, FIRST, at(0)).after.is_none());
    over(&bench, FIRST, 1, &[("sip:a@h", 60)], at(0));
    bench.register("alice", ("b", 1), &[("sip:b@h", 60)], at(0)).unwrap();
    let before = bench.lookup("alice", at(1));
    let reused = Flow { generation: 8, ..FIRST };
    for flow in [SECOND, reused] {
        let done = ends(&bench, flow, at(1));
        assert!(!done.is_change() && done.before == before && done.after == before);
        assert_eq!(bench.lookup("alice", at(1)), before);
    }
    ends(&bench, FIRST, at(1));
    let suspect = bench.lookup("alice", at(1));
    assert!(!ends(&bench, FIRST, at(2)).is_change(), "an end that is told twice is one");
    assert_eq!(bench.lookup("alice", at(2)), suspect);
}

/// What would have expired before the grace is over does so.
pub fn the_end_of_a_flow_prolongs_nothing<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    over(&bench, FIRST, 1, &[("sip:a@h", 60)], at(0));
    ends(&bench, FIRST, at(58));
    assert_eq!(bench.lookup("alice", at(59)).and_then(|record| record.earliest_expiry()), Some(at(60).at));
    assert!(bench.lookup("alice", at(60)).is_none());
    assert!(!ends(&bench, FIRST, at(60)).is_change(), "nor is the dead made suspect");
    assert_eq!(bench.sweep(at(61), Share::WHOLE, 100).1, ["sip:alice@example.com"]);
}

/// Whichever of the two comes first.
pub fn a_flow_that_ends_while_its_phone_comes_back_takes_nobody_along<L: LocationService>(new: impl FnOnce() -> L) {
    let bench = Bench::new(new());
    let (bench, is_done) = (&bench, &AtomicBool::new(false));
    let flow = |slot: u32| Flow { slot, ..FIRST };
    over(bench, flow(0), 1, &[("sip:a@h", 60)], at(0));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for slot in 1..200 {
                over(bench, flow(slot), slot + 1, &[("sip:a@h", 60)], at(0));
            }
            is_done.store(true, Ordering::Release);
        });
        // Every connection but the last, again and again.
        while !is_done.load(Ordering::Acquire) {
            (0..199).for_each(|slot| drop(ends(bench, flow(slot), at(0))));
        }
    });
    let record = bench.lookup("alice", at(0)).unwrap();
    let bindings: Vec<_> = record.bindings().map(|binding| (binding.flow, binding.is_suspect())).collect();
    assert_eq!(bindings, [(Some(flow(199)), false)]);
}
