//! Answers that are written and must not leave yet.
//!
//! All those of a worker that wait for one thing are a group: one future is polled for all of them, and they leave
//! together.

use std::collections::VecDeque;
use std::mem::take;
use std::ops::Range;

use sip_transport::{Destination, Flow, Outbox, Peer, Timestamp};
use slab::Slab;
use smallvec::SmallVec;

use crate::copies::Copied;
use crate::told::Told;
use crate::transaction::TransactionKey;
use crate::{Hold, Sealed};

/// A request whose answer is held.
pub(crate) struct Held {
    pub(crate) copy: Box<Copied>,
    pub(crate) peer: Peer,
    pub(crate) arrived: Timestamp,
    pub(crate) key: TransactionKey,
    /// What its answer says.
    pub(crate) sealed: Sealed,
    pub(crate) stateless: bool,
    pub(crate) told: Told,
}

/// So many held requests are taken out together.
const TOGETHER: usize = 16;

/// Where the answer of a request goes, and its bytes, if it has one.
pub(crate) type Answer<'g> = Option<(Destination, &'g [u8])>;

/// The place of a request in its room, and of its answer among those of its group; `None`: nothing was written.
struct Request {
    place: usize,
    flow: Option<Flow>,
    answer: Option<(Destination, Range<usize>)>,
}

/// Requests whose answers wait for the same.
pub(crate) struct Group {
    serial: u64,
    pub(crate) hold: Hold,
    /// When the first of them came to wait.
    since: Timestamp,
    requests: VecDeque<Request>,
    /// Their answers, one behind the other.
    answers: Vec<u8>,
    /// Of requests that were answered otherwise, since they had waited too long or too many waited. They are bounded by the
    /// store, which refuses changes when it has too many to write.
    told: Vec<Told>,
}

impl Group {
    /// Puts the answers for each connection next to each other, so that they leave together. Those of one connection, and
    /// datagrams, keep their order.
    pub(crate) fn sort(&mut self) {
        let flow = |request: &Request| request.flow.map(|flow| (flow.worker, flow.slot));
        if self.requests.iter().any(|request| request.flow.is_some()) {
            self.requests.make_contiguous().sort_by_key(flow);
        }
    }

    /// Takes out the first requests and their answers, some at a time. By the time they leave, all that belongs to them is
    /// out of the caches: here it is asked for, so that those taken out together wait for memory together.
    pub(crate) fn next(&mut self, room: &mut HeldRoom) -> Option<SmallVec<[(Held, Answer<'_>); TOGETHER]>> {
        if self.requests.is_empty() {
            return None;
        }
        let mut next = SmallVec::new();
        for Request { place, answer, .. } in self.requests.drain(..TOGETHER.min(self.requests.len())) {
            let Some(held) = room.waiting.try_remove(place) else { continue };
            held.copy.fetch();
            let answer = answer.map(|(to, range)| (to, self.answers.get(range).unwrap_or_default()));
            next.push((held, answer));
        }
        next.iter().for_each(|(held, _): &(Held, _)| held.copy.fetch_request());
        Some(next)
    }

    fn owe(&mut self, told: Told) {
        if !told.is_nothing() {
            self.told.push(told);
        }
    }

    /// What is to be told of requests that are gone, should it come to pass.
    pub(crate) fn take_told(&mut self) -> Vec<Told> {
        take(&mut self.told)
    }
}

/// The groups of one worker, the oldest first: seldom more than the one that is being written and the one after it.
#[derive(Default)]
pub(crate) struct HeldRoom {
    groups: VecDeque<Group>,
    serial: u64,
    /// Here, and not each in memory of its own: hundreds come and go together.
    waiting: Slab<Held>,
    /// Buffers of groups that are over.
    spare: Vec<(VecDeque<Request>, Vec<u8>)>,
}

/// So many buffers are kept, for answers of no more bytes than this.
const SPARES: usize = 4;
const SPARE_BYTES: usize = 1 << 20;

impl HeldRoom {
    /// How many requests wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Holds the answer that was written last into `out`, if `is_answered`. Gives the number of the group if it is new.
    pub(crate) fn hold(
        &mut self,
        held: Held,
        hold: &Hold,
        out: &mut Outbox,
        is_answered: bool,
        now: Timestamp,
    ) -> Option<u64> {
        let (flow, place) = (held.peer.flow, self.waiting.vacant_key());
        let (group, is_new) = self.group(hold, now)?;
        let start = group.answers.len();
        let to = if is_answered { out.withdraw(&mut group.answers) } else { None };
        let answer = to.map(|to| (to, start..group.answers.len()));
        group.requests.push_back(Request { place, flow, answer });
        let serial = group.serial;
        self.waiting.insert(held);
        is_new.then_some(serial)
    }

    /// Takes up what is to be told, should it come to pass, of a request that is answered otherwise. Gives the number of the
    /// group if it is new.
    pub(crate) fn owe(&mut self, told: Told, hold: &Hold, now: Timestamp) -> Option<u64> {
        let (group, is_new) = self.group(hold, now)?;
        group.owe(told);
        is_new.then_some(group.serial)
    }

    /// The group that waits for this, and whether it is new.
    fn group(&mut self, hold: &Hold, now: Timestamp) -> Option<(&mut Group, bool)> {
        let known = self.groups.iter().rposition(|group| group.hold.is_of(hold));
        if known.is_none() {
            self.serial += 1;
            let (requests, answers) = self.spare.pop().unwrap_or_default();
            let (serial, hold) = (self.serial, hold.clone());
            self.groups.push_back(Group { serial, hold, since: now, requests, answers, told: Vec::new() });
        }
        let place = known.unwrap_or(self.groups.len() - 1);
        self.groups.get_mut(place).map(|group| (group, known.is_none()))
    }

    /// Takes a group out.
    pub(crate) fn leave(&mut self, serial: u64) -> Option<Group> {
        let place = self.groups.iter().position(|group| group.serial == serial)?;
        self.groups.remove(place)
    }

    /// Takes the buffers of a group back that is over.
    pub(crate) fn give_back(&mut self, group: Group) {
        let Group { mut requests, mut answers, .. } = group;
        if self.spare.len() < SPARES && answers.capacity() <= SPARE_BYTES {
            requests.clear();
            answers.clear();
            self.spare.push((requests, answers));
        }
    }

    /// Whether any has waited since then.
    pub(crate) fn has_overdue(&self, since: Timestamp) -> bool {
        self.groups.front().is_some_and(|group| group.since <= since && !group.requests.is_empty())
    }

    /// Takes out a request that has waited since then. What is to be told of it stays, should it come to pass.
    pub(crate) fn overdue(&mut self, since: Timestamp) -> Option<Held> {
        let group = self.groups.iter_mut().find(|group| group.since <= since && !group.requests.is_empty())?;
        let mut held = self.waiting.try_remove(group.requests.pop_front()?.place)?;
        group.owe(take(&mut held.told));
        Some(held)
    }
}
