//! What a registrar does when connections open and end.

use std::task::{Context, Poll, Waker};

use sip_dispatch::{Answer, Share};
use sip_transport::{Flow, FlowEvent, Now, Peer, Tick};

use super::Registrar;
use crate::flows::{Flows, Lost};
use crate::location::{Registered, StoreError};
use crate::record::{Binding, Record};
use crate::scratch::with_scratch;
use crate::{Aor, Plan, reason};

/// How many addresses are told in one go of a worker that their connection has ended: a millisecond or two.
const LOST_BUDGET: usize = 1000;
/// How many addresses that may have left a connection are looked at in one go.
const LEFT_BUDGET: usize = 1000;

impl Registrar {
    /// How long the way to the client of a binding and back took when it was last pinged, if it is on a connection that
    /// is there.
    #[must_use]
    pub fn round_trip(&self, binding: &Binding<'_>) -> Option<std::time::Duration> {
        self.inner.flows.round_trip(binding.lives_by()?)
    }

    /// Something has become of a connection.
    pub(super) fn on_flow(&self, peer: &Peer, event: FlowEvent, now: Now) {
        let (Some(flow), flows) = (peer.flow, &self.inner.flows) else { return };
        match event {
            FlowEvent::Opened => flows.open(flow),
            FlowEvent::Closed => {
                flows.close(flow, now.at.plus_millis(self.inner.settings.flows.grace_millis()));
                // What is too much for one go is left to the ticks.
                let mut budget = LOST_BUDGET;
                self.lose(Flows::place(flow), now, &mut budget);
            }
            FlowEvent::RoundTrip(took) => flows.took(flow, took),
            _ => {}
        }
    }

    /// Goes on with what connections have left behind in a worker's share.
    pub(super) fn follow(&self, now: Now, share: Share) -> Tick {
        let (mut lost, mut left) = (LOST_BUDGET, LEFT_BUDGET);
        let mut more = false;
        for place in Flows::share(share) {
            self.listen(place, now);
            more |= self.lose(place, now, &mut lost);
            more |= self.look_after(place, now, &mut left);
        }
        if more { Tick::More } else { Tick::Done }
    }

    /// Notes what a request is about to bind to its connection; `false`: that has ended, as it may while credentials are
    /// looked up.
    pub(super) fn bind(&self, aor: &Aor<'_>, plan: &Plan<'_>) -> bool {
        plan.binds_to().is_none_or(|flow| self.inner.flows.bind(flow, aor))
    }

    /// The connection has ended before what came over it is bound.
    pub(super) fn lost_before(&self, aor: &Aor<'_>, flow: Flow, now: Now) {
        let until = now.at.plus_millis(self.inner.settings.flows.grace_millis());
        let lost = Lost { aor: aor.as_bytes().into(), flow, until };
        if let Err(lost) = self.lose_one(lost, now) {
            self.inner.flows.lost_again(lost);
        }
    }

    /// Has bindings that are no more on a connection taken off it.
    pub(super) fn moved(&self, before: Option<&Record>, after: Option<&Record>) {
        let Some(before) = before.filter(|before| before.has_ties()) else { return };
        for flow in left_flows(before, after) {
            self.inner.flows.leave(flow, &before.aor());
        }
    }

    /// Whether there are bindings that are no more on a connection.
    pub(super) fn leaves_a_flow(before: Option<&Record>, after: Option<&Record>) -> bool {
        before.is_some_and(|before| before.has_ties() && left_flows(before, after).next().is_some())
    }

    /// The record with those bindings alone that can be reached; `None` if there is none.
    ///
    /// Nearly always that is the record as it is. Connections are asked as well, so that nobody is sent to one in the
    /// moments in which its end goes round.
    pub(super) fn reachable(&self, record: Record, now: Now) -> Result<Option<Record>, StoreError> {
        let is_there = |binding: &Binding<'_>| {
            let is_open = |flow| self.inner.flows.is_open(flow);
            binding.is_reachable(now.at) && binding.lives_by().is_none_or(is_open)
        };
        if record.bindings().all(|binding| is_there(&binding)) {
            return Ok(Some(record));
        }
        with_scratch(|scratch| record.only(is_there, &mut scratch.text)).map_err(|_| StoreError::Damaged)
    }

    /// Tells bindings that their connection has ended; says whether there are more than the budget.
    fn lose(&self, place: usize, now: Now, budget: &mut usize) -> bool {
        let mut again = Vec::new();
        let mut lost_any = false;
        let more = loop {
            if *budget == 0 {
                break lost_any;
            }
            let Some(lost) = self.inner.flows.next_lost(place) else { break false };
            *budget -= 1;
            match self.lose_one(lost, now) {
                Ok(()) => lost_any = true,
                Err(lost) => again.push(lost),
            }
        };
        again.into_iter().for_each(|lost| self.inner.flows.lost_again(lost));
        more
    }

    /// Gives it back if it has to be tried again.
    fn lose_one(&self, lost: Lost, now: Now) -> Result<(), Lost> {
        let aor = Aor::from_canonical(&lost.aor);
        match self.inner.settings.location.flow_lost(&aor, lost.flow, lost.until, now) {
            Answer::Now(said) => self.said(lost, said, now),
            waits => {
                self.inner.flows.wait_for((lost, waits.told()));
                Ok(())
            }
        }
    }

    /// Hears what a location service has said that could not say it at once. Nobody else waits for it, so it is asked in
    /// every tick.
    fn listen(&self, place: usize, now: Now) {
        let mut context = Context::from_waker(Waker::noop());
        for (lost, mut future) in self.inner.flows.take_sayings(place) {
            match future.as_mut().poll(&mut context) {
                Poll::Pending => self.inner.flows.wait_for((lost, future)),
                Poll::Ready(said) => {
                    if let Err(lost) = self.said(lost, said, now) {
                        self.inner.flows.lost_again(lost);
                    }
                }
            }
        }
    }

    /// A store that cannot be reached is told again; one that holds something damaged cannot be helped.
    fn said(&self, lost: Lost, said: Result<Registered, StoreError>, now: Now) -> Result<(), Lost> {
        match said {
            Ok(done) => self.tell(&done, reason::SUSPECT, now),
            Err(StoreError::Damaged) => {}
            Err(_) => return Err(lost),
        }
        Ok(())
    }

    /// Takes addresses off connections by which they live no more; says whether there are more than the budget.
    fn look_after(&self, place: usize, now: Now, budget: &mut usize) -> bool {
        while *budget > 0 {
            let Some((flow, aor)) = self.inner.flows.next_left(place) else { return false };
            *budget -= 1;
            // Where the record cannot be seen at once, it stays noted until the connection ends.
            let found = self.inner.settings.location.lookup(&Aor::from_canonical(&aor), now);
            let Answer::Now(Ok(record)) = found else { continue };
            if !Record::bindings_of(record.as_ref()).any(|binding| binding.lives_by() == Some(flow)) {
                self.inner.flows.forget(flow, &aor);
            }
        }
        true
    }
}

/// Connections by which bindings lived that do so no more.
fn left_flows<'a>(before: &'a Record, after: Option<&'a Record>) -> impl Iterator<Item = Flow> + 'a {
    let lives_by = |record, flow| Record::bindings_of(record).any(|binding| binding.lives_by() == Some(flow));
    before.bindings().filter_map(|binding| binding.lives_by()).filter(move |flow| !lives_by(after, *flow))
}

/// Why bindings left a record when it was swept: `lost` if all of them were suspect.
pub(super) fn why_swept(before: &Record, now: Now) -> sip_dispatch::Reason {
    let all_lost = before.bindings().filter(|binding| !binding.is_live(now.at)).all(|binding| binding.is_suspect());
    if all_lost { reason::LOST } else { reason::EXPIRED }
}
