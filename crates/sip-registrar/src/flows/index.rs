//! The connections that are there, and the addresses of record that are bound to each.
//!
//! A connection belongs to a worker, and what comes over it is handled by that worker alone. So each worker has a part
//! of its own, of which nobody else holds the lock for longer than it takes to look something up.
//!
//! An address is noted *before* the location service is asked to bind it, so that no end of a connection is missed while
//! a request waits for a disk. It may be noted without being bound, which does no harm: what is lost without being there
//! changes nothing. It is taken off by the worker that has the connection, in a tick, and only if the record says then
//! that it does not live by it: no request over that connection comes between.

use std::collections::VecDeque;
use std::hash::RandomState;
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;
use sip_dispatch::{BoxFuture, Share};
use sip_transport::{Flow, Timestamp};

use super::aors::Aors;
use crate::Aor;
use crate::location::{Registered, StoreError};

/// Parts. A machine with more workers than this has several share one.
const PARTS: usize = 256;
/// How many addresses that have left a connection are remembered until the next tick. What is more stays noted until the
/// connection ends.
const MOST_LEFT: usize = 65_536;

/// How many losses may wait for a location service in each part. Others wait for their turn.
const MOST_SAYINGS: usize = 1000;

/// An address of record that has lost a connection, and until when its phone may come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) aor: Box<[u8]>,
    pub(crate) flow: Flow,
    pub(crate) until: Timestamp,
}

/// What a location service will say of a loss.
pub(crate) type Saying = (Lost, BoxFuture<'static, Result<Registered, StoreError>>);

/// All connections.
pub(crate) struct Flows {
    parts: Box<[Mutex<Part>]>,
}

#[derive(Default)]
struct Part {
    /// Nothing more than its place is kept of a connection to which nobody is bound.
    open: HashMap<Flow, Option<Box<Bound>>, RandomState>,
    /// Connections that have ended, with addresses whose bindings have to be told.
    ended: VecDeque<Ended>,
    /// Addresses that may have left a connection.
    left: VecDeque<(Flow, Box<[u8]>)>,
    sayings: Vec<Saying>,
}

#[derive(Default)]
struct Bound {
    aors: Aors,
    round_trip: Option<Duration>,
}

struct Ended {
    flow: Flow,
    until: Timestamp,
    aors: Box<dyn Iterator<Item = Box<[u8]>> + Send>,
}

impl Flows {
    pub(crate) fn new() -> Self {
        Self { parts: (0..PARTS).map(|_| Mutex::default()).collect() }
    }

    /// A connection is there.
    pub(crate) fn open(&self, flow: Flow) {
        self.part(flow).lock().open.entry(flow).or_default();
    }

    /// A connection has ended; those who were bound to it may come back until then.
    pub(crate) fn close(&self, flow: Flow, until: Timestamp) {
        let mut part = self.part(flow).lock();
        let Some(bound) = part.open.remove(&flow) else { return };
        if let Some(bound) = bound.filter(|bound| !bound.aors.is_empty()) {
            part.ended.push_back(Ended { flow, until, aors: bound.aors.drain() });
        }
        let (len, capacity) = (part.open.len(), part.open.capacity());
        if capacity > 64 && len < capacity / 4 {
            part.open.shrink_to(len * 2);
        }
    }

    /// Whether a connection is there.
    pub(crate) fn is_open(&self, flow: Flow) -> bool {
        self.part(flow).lock().open.contains_key(&flow)
    }

    /// Notes that an address is to be bound to a connection; `false`: it is not there any more.
    pub(crate) fn bind(&self, flow: Flow, aor: &Aor<'_>) -> bool {
        match self.part(flow).lock().open.get_mut(&flow) {
            Some(bound) => {
                bound.get_or_insert_default().aors.insert(aor.as_bytes());
                true
            }
            None => false,
        }
    }

    /// An address seems to live by a connection no more.
    pub(crate) fn leave(&self, flow: Flow, aor: &Aor<'_>) {
        let mut part = self.part(flow).lock();
        if part.left.len() < MOST_LEFT && part.open.contains_key(&flow) {
            part.left.push_back((flow, aor.as_bytes().into()));
        }
    }

    /// An address does not live by a connection.
    pub(crate) fn forget(&self, flow: Flow, aor: &[u8]) {
        if let Some(place) = self.part(flow).lock().open.get_mut(&flow)
            && let Some(bound) = place
        {
            bound.aors.remove(aor);
            if bound.aors.is_empty() {
                *place = None;
            }
        }
    }

    /// How long the way to the peer and back took, if somebody is bound to the connection.
    pub(crate) fn took(&self, flow: Flow, round_trip: Duration) {
        if let Some(Some(bound)) = self.part(flow).lock().open.get_mut(&flow) {
            bound.round_trip = Some(round_trip);
        }
    }

    pub(crate) fn round_trip(&self, flow: Flow) -> Option<Duration> {
        self.part(flow).lock().open.get(&flow)?.as_ref()?.round_trip
    }

    /// The parts that are a worker's.
    pub(crate) fn share(share: Share) -> impl Iterator<Item = usize> {
        (share.index..PARTS).step_by(share.of.max(1))
    }

    /// The part in which a connection is.
    pub(crate) fn place(flow: Flow) -> usize {
        usize::from(flow.worker) % PARTS
    }

    /// The next address in a part that has lost its connection.
    pub(crate) fn next_lost(&self, place: usize) -> Option<Lost> {
        let mut part = self.parts.get(place)?.lock();
        if part.sayings.len() >= MOST_SAYINGS {
            return None;
        }
        loop {
            let Ended { flow, until, aors } = part.ended.front_mut()?;
            let (flow, until) = (*flow, *until);
            match aors.next() {
                Some(aor) => return Some(Lost { aor, flow, until }),
                None => drop(part.ended.pop_front()),
            }
        }
    }

    /// An address whose loss could not be told yet.
    pub(crate) fn lost_again(&self, Lost { aor, flow, until }: Lost) {
        let aors = Box::new(std::iter::once(aor));
        self.part(flow).lock().ended.push_back(Ended { flow, until, aors });
    }

    /// The next address in a part that may have left its connection.
    pub(crate) fn next_left(&self, place: usize) -> Option<(Flow, Box<[u8]>)> {
        self.parts.get(place)?.lock().left.pop_front()
    }

    /// Keeps what a location service will say.
    pub(crate) fn wait_for(&self, saying: Saying) {
        self.part(saying.0.flow).lock().sayings.push(saying);
    }

    /// All that location services have not said yet; what still waits is put back.
    pub(crate) fn take_sayings(&self, place: usize) -> Vec<Saying> {
        self.parts.get(place).map_or_else(Vec::new, |part| std::mem::take(&mut part.lock().sayings))
    }

    fn part(&self, flow: Flow) -> &Mutex<Part> {
        #[expect(clippy::indexing_slicing, reason = "a place is a remainder by the number of parts")]
        &self.parts[Self::place(flow)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(slot: u32) -> Flow {
        Flow { worker: 300, slot, generation: 1 }
    }

    const ALICE: Aor<'static> = Aor::from_canonical(b"sip:alice@h");

    #[test]
    fn who_is_bound_to_a_connection_is_lost_with_it() {
        let flows = Flows::new();
        assert!(!flows.bind(flow(1), &ALICE) && !flows.is_open(flow(1)), "it is not there");
        flows.open(flow(1));
        flows.open(flow(2));
        assert!(flows.bind(flow(1), &ALICE) && flows.bind(flow(1), &ALICE) && flows.is_open(flow(1)));
        assert!(flows.bind(flow(1), &Aor::from_canonical(b"sip:bob@h")));
        flows.close(flow(2), Timestamp(7));
        assert_eq!(flows.next_lost(Flows::place(flow(1))), None);
        flows.close(flow(1), Timestamp(9));
        flows.close(flow(1), Timestamp(10));
        let mut lost: Vec<_> = std::iter::from_fn(|| flows.next_lost(Flows::place(flow(1)))).collect();
        lost.sort_by(|a, b| a.aor.cmp(&b.aor));
        let expected = ["sip:alice@h", "sip:bob@h"].map(|aor| Lost {
            aor: aor.as_bytes().into(),
            flow: flow(1),
            until: Timestamp(9),
        });
        assert_eq!(lost, expected);
        flows.lost_again(lost.remove(0));
        assert_eq!(flows.next_lost(Flows::place(flow(1))).as_ref(), expected.first());
    }

    #[test]
    fn who_has_left_is_not_lost() {
        let flows = Flows::new();
        flows.open(flow(1));
        flows.bind(flow(1), &ALICE);
        flows.took(flow(1), Duration::from_millis(20));
        assert_eq!(flows.round_trip(flow(1)), Some(Duration::from_millis(20)));
        flows.leave(flow(1), &ALICE);
        flows.leave(flow(2), &ALICE);
        let (from, aor) = flows.next_left(Flows::place(flow(1))).unwrap();
        assert_eq!(
            (from, flows.next_left(Flows::place(flow(1)))),
            (flow(1), None),
            "only of connections that are there"
        );
        flows.forget(from, &aor);
        assert_eq!(flows.round_trip(flow(1)), None);
        flows.close(flow(1), Timestamp(9));
        assert_eq!(flows.next_lost(Flows::place(flow(1))), None);
    }

    #[test]
    fn each_connection_is_in_the_share_of_one_worker() {
        for of in [1, 2, 3, 64, 255] {
            let mut all: Vec<_> = (0..of).flat_map(|index| Flows::share(Share { index, of })).collect();
            all.sort_unstable();
            assert_eq!(all, Vec::from_iter(0..PARTS));
        }
        let flow = Flow { worker: 3, slot: 0, generation: 0 };
        assert!(Flows::share(Share { index: 3, of: 8 }).any(|place| place == Flows::place(flow)));
    }

    #[test]
    fn a_connection_without_bindings_is_24_bytes_in_the_table() {
        assert_eq!(size_of::<(Flow, Option<Box<Bound>>)>(), 24);
        let flows = Flows::new();
        (0..100_000).for_each(|slot| flows.open(flow(slot)));
        let capacity = |flows: &Flows| flows.part(flow(0)).lock().open.allocation_size();
        assert!(capacity(&flows) / 100_000 <= 50, "{}", capacity(&flows));
        (0..100_000).for_each(|slot| flows.close(flow(slot), Timestamp(0)));
        assert!(capacity(&flows) < 10_000, "memory comes back: {}", capacity(&flows));
    }
}
