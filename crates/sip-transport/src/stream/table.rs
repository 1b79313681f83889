//! The connections of one worker.

use std::collections::BTreeMap;

use slab::Slab;

use super::connection::Connection;
use crate::Flow;

/// Connections by their [`Flow`].
pub(crate) struct Table {
    worker: u16,
    generation: u32,
    accepted: u64,
    slots: Slab<Connection>,
    /// Those that have brought no message yet, the oldest first.
    unproven: BTreeMap<u64, Flow>,
}

impl Table {
    /// An empty table. Generations begin at `seed`, which should differ from one run to the next: a flow that was stored
    /// by an earlier process must not name a connection of this one.
    pub(crate) fn new(worker: u16, seed: u32) -> Self {
        Self { worker, generation: seed, accepted: 0, slots: Slab::new(), unproven: BTreeMap::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Adds the connection that `make` makes of its flow and its number in the order of accepting. `None` if there are
    /// more than a flow can name.
    pub(crate) fn insert(&mut self, make: impl FnOnce(Flow, u64) -> Connection) -> Option<Flow> {
        let place = self.slots.vacant_entry();
        let slot = u32::try_from(place.key()).ok()?;
        self.generation = self.generation.wrapping_add(1);
        self.accepted += 1;
        let flow = Flow { worker: self.worker, slot, generation: self.generation };
        place.insert(make(flow, self.accepted));
        self.unproven.insert(self.accepted, flow);
        Some(flow)
    }

    /// The connection, unless it has ended or belongs to another worker.
    pub(crate) fn get_mut(&mut self, flow: Flow) -> Option<&mut Connection> {
        let connection = self.slots.get_mut(usize::try_from(flow.slot).ok()?)?;
        (connection.peer.flow == Some(flow)).then_some(connection)
    }

    /// Takes a connection out.
    pub(crate) fn remove(&mut self, flow: Flow) -> Option<Connection> {
        self.prove(flow);
        self.get_mut(flow)?;
        self.slots.try_remove(usize::try_from(flow.slot).ok()?)
    }

    /// Notes that a connection has brought a message.
    pub(crate) fn prove(&mut self, flow: Flow) {
        if let Some(order) = self.get_mut(flow).and_then(|connection| connection.unproven.take()) {
            self.unproven.remove(&order);
        }
    }

    /// Of those that have brought no message, the one that was accepted first.
    pub(crate) fn oldest_unproven(&self) -> Option<Flow> {
        self.unproven.values().next().copied()
    }

    /// All of them.
    pub(crate) fn flows(&self) -> Vec<Flow> {
        self.slots.iter().filter_map(|(_, connection)| connection.peer.flow).collect()
    }
}
