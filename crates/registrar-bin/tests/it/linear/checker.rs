//! Whether calls that overlapped in time can have happened one after the other: the search of Wing and Gong, which
//! remembers where it has been (Lowe, "Testing for linearizability", 2017).

use std::collections::HashSet;

use super::model::{Bindings, Call, Outcome};

/// A call and what was seen of it. Times are of one clock, in any unit.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) call: Call,
    /// When it was sent.
    pub(crate) sent: u64,
    /// When its answer was there; without an answer, after when it can no longer have happened.
    pub(crate) done: u64,
    /// `None`: there was no answer. It has happened, or not.
    pub(crate) outcome: Option<Outcome>,
}

/// So many ways to begin are looked at before the search is given up.
const MOST_STATES: usize = 3_000_000;

/// Looks for an order of the calls in which each has the outcome that was seen and none comes before one that was
/// answered before it was sent.
///
/// # Errors
/// There is none: the longest beginning of one, and the calls that cannot follow it.
pub(crate) fn check(mut history: Vec<Op>) -> Result<(), String> {
    history.sort_by_key(|op| op.sent);
    let first = (Done::none(history.len()), Bindings::default());
    let mut seen = HashSet::from([first.clone()]);
    let mut open = vec![first];
    let mut furthest = (0, Bindings::default(), Vec::new());
    while let Some((done, bindings)) = open.pop() {
        // What has not happened and was answered first bounds what may happen next.
        let left = || history.iter().enumerate().filter(|(at, _)| !done.has(*at));
        let Some(bound) = left().map(|(_, op)| op.done).min() else { return Ok(()) };
        let mut next: Vec<_> = left().take_while(|(_, op)| op.sent <= bound).collect();
        if done.count() >= furthest.0 {
            furthest = (done.count(), bindings.clone(), next.iter().map(|(_, op)| (*op).clone()).collect());
        }
        // What is pushed last is tried first: what was answered first.
        next.sort_by_key(|(_, op)| std::cmp::Reverse(op.done));
        for (at, op) in next {
            let (after, outcome) = bindings.after(op.call);
            let with = done.with(at);
            let mut ways = Vec::new();
            match &op.outcome {
                Some(seen) if *seen == outcome => ways.push((with, after)),
                Some(_) => {}
                None => ways.extend([(with.clone(), bindings.clone()), (with, after)]),
            }
            open.extend(ways.into_iter().filter(|way| seen.insert(way.clone())));
        }
        assert!(seen.len() < MOST_STATES, "too many calls at once for this search");
    }
    let (count, bindings, next) = furthest;
    Err(format!("after {count} of {} calls, with {bindings:?}, none of these can follow: {next:#?}", history.len()))
}

/// Which calls have happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Done(Vec<u64>);

impl Done {
    fn none(calls: usize) -> Self {
        Self(vec![0; calls.div_ceil(64)])
    }

    fn has(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    fn with(&self, at: usize) -> Self {
        let mut with = self.clone();
        with.0[at / 64] |= 1 << (at % 64);
        with
    }

    fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Sequence;
    use super::*;

    fn put(contact: u8, cseq: u32) -> Call {
        // Every contact has a phone of its own here.
        Call::Put { contact, from: Sequence { call_id: contact, cseq }, version: cseq }
    }

    fn remove(contact: u8, cseq: u32) -> Call {
        Call::Remove { contact, from: Sequence { call_id: contact, cseq } }
    }

    fn bindings(versions: &[(u8, u32)]) -> Option<Outcome> {
        Some(Outcome::Bindings(versions.iter().copied().collect()))
    }

    fn op((sent, done): (u64, u64), call: Call, outcome: Option<Outcome>) -> Op {
        Op { call, sent, done, outcome }
    }

    #[test]
    fn calls_that_overlap_may_have_happened_in_either_order() {
        let both = bindings(&[(1, 1), (2, 1)]);
        let history = |one, two| vec![op((0, 10), put(1, 1), one), op((5, 15), put(2, 1), two)];
        assert_eq!(check(history(bindings(&[(1, 1)]), both.clone())), Ok(()));
        assert_eq!(check(history(both.clone(), bindings(&[(2, 1)]))), Ok(()));
        check(history(both.clone(), both)).unwrap_err();
    }

    #[test]
    fn a_lost_update_is_refused() {
        // Both saw an empty table.
        let history = vec![op((0, 10), put(1, 1), bindings(&[(1, 1)])), op((0, 10), put(2, 1), bindings(&[(2, 1)]))];
        check(history).unwrap_err();
        // It was answered, and later it is not there.
        let history = vec![
            op((0, 10), put(1, 1), bindings(&[(1, 1)])),
            op((20, 30), put(2, 1), bindings(&[(1, 1), (2, 1)])),
            op((40, 50), Call::Query, bindings(&[(2, 1)])),
        ];
        check(history).unwrap_err();
    }

    #[test]
    fn a_stale_read_is_refused() {
        let history = |query| {
            vec![
                op((0, 10), put(1, 1), bindings(&[(1, 1)])),
                op((20, 30), put(1, 2), bindings(&[(1, 2)])),
                op(query, Call::Query, bindings(&[(1, 1)])),
            ]
        };
        check(history((31, 40))).unwrap_err();
        assert_eq!(check(history((29, 40))), Ok(()), "at the same time it is none");
    }

    #[test]
    fn a_resurrected_binding_is_refused() {
        let removals = [remove(1, 2), Call::Clear { from: Sequence { call_id: 1, cseq: 2 } }];
        for removal in removals {
            let history = vec![
                op((0, 10), put(1, 1), bindings(&[(1, 1)])),
                op((20, 30), removal, bindings(&[])),
                op((40, 50), Call::Query, bindings(&[])),
                op((60, 70), Call::Query, bindings(&[(1, 1)])),
            ];
            check(history).unwrap_err();
        }
    }

    #[test]
    fn what_two_have_seen_in_different_orders_is_refused() {
        let history = vec![
            op((0, 100), put(1, 1), bindings(&[(1, 1), (2, 1)])),
            op((0, 100), put(2, 1), bindings(&[(1, 1), (2, 1)])),
        ];
        check(history).unwrap_err();
        let history = vec![
            op((0, 100), put(1, 1), None),
            op((0, 100), put(2, 1), None),
            op((10, 20), Call::Query, bindings(&[(1, 1)])),
            op((30, 40), Call::Query, bindings(&[(2, 1)])),
        ];
        check(history).unwrap_err();
    }

    #[test]
    fn a_refusal_needs_a_reason_and_a_lower_number_is_refused() {
        let twice = |outcome| vec![op((0, 10), put(1, 5), bindings(&[(1, 5)])), op((20, 30), put(1, 5), outcome)];
        assert_eq!(check(twice(Some(Outcome::Refused))), Ok(()));
        check(twice(bindings(&[(1, 5)]))).unwrap_err();
        check(vec![op((0, 10), put(1, 5), Some(Outcome::Refused))]).unwrap_err();
    }

    #[test]
    fn what_was_not_answered_has_happened_or_not_but_not_later_than_it_can_have() {
        let history = |seen: &[(u8, u32)], again: &[(u8, u32)]| {
            vec![
                op((0, 10), put(1, 1), bindings(&[(1, 1)])),
                op((20, 30), put(2, 1), None),
                op((40, 50), Call::Query, bindings(seen)),
                op((60, 70), Call::Query, bindings(again)),
            ]
        };
        let (with, without) = ([(1, 1), (2, 1)], [(1, 1)]);
        assert_eq!(check(history(&with, &with)), Ok(()));
        assert_eq!(check(history(&without, &without)), Ok(()));
        check(history(&without, &with)).unwrap_err();
        check(history(&with, &without)).unwrap_err();
    }
}
