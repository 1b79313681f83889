//! The rules of RFC 3261 §10.3, once and for every store: what becomes of the bindings of an address of record when
//! a request comes.

use sip_transport::{Now, Timestamp};
use smallvec::SmallVec;

use crate::identity::is_same;
use crate::limits::Eviction;
use crate::location::{Effect, RegisterError};
use crate::plan::{Action, Change, Plan};
use crate::record::{Binding, CodecError, Record, RecordBuilder, Tie};
use crate::{Aor, location::StoreError};

/// What a request changes. Nothing is changed until [`ChangeSet::apply`] makes the new record and a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    effect: Effect,
    next: NextBindings,
    /// How many bindings there were, expired ones included.
    pub(crate) before: usize,
}

/// A binding of the new record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The binding with this place in the current record, as it is.
    Keep(u16),
    /// The change with this place in the plan.
    Put(u16),
}

impl Next {
    /// A record has 255 bindings at most.
    fn keep(place: usize) -> Self {
        Self::Keep(place as u16)
    }

    /// A message has not as many bytes as would be needed for more contacts.
    fn put(which: usize) -> Self {
        Self::Put(which as u16)
    }
}

/// Decides what `plan` does to the bindings in `current` (RFC 3261 §10.3 steps 6 and 7, RFC 5626 §6). All or nothing.
///
/// Where the RFC leaves something open:
///
/// * An equal CSeq with the same Call-ID is the same request once more if every contact that it adds or renews is
///   stored as it stands there, byte by byte; nothing is changed then, whatever expiry it names. If only some are, it
///   is another request with a number that was used, and fails as a whole.
/// * The same request once more over another connection, or when the first one has ended, renews what it made: its
///   client is there now, and would not be reached by the connection that is stored (RFC 5626 §6). Whoever repeats
///   another's request to that end is refused before, since credentials are good for one request only.
/// * Removing what is not there succeeds and changes nothing, so a repeated removal does no harm.
/// * One contact that is the same as two stored ones (the comparison of URIs is not transitive) takes the place of
///   both. A stored one that is the same as two contacts is taken by the first of those that stay, else it is removed.
/// * Suspect bindings make room first, whatever the [`Eviction`] says of others: a phone whose connection broke is not
///   shut out by its own past.
/// * `max_contacts` bounds what is added: renewals and removals pass even if more are stored than may be, as after a
///   change of the settings. What is added then makes as many of the others go as there are too many.
/// * An expired binding is no binding: it is neither compared nor counted, and leaves with the next change.
///
/// # Errors
/// [`RegisterError::OutOfOrder`], [`RegisterError::TooManyContacts`].
pub fn decide(current: Option<&Record>, plan: &Plan<'_>, now: Now) -> Result<ChangeSet, RegisterError> {
    let before = current.map_or(0, Record::len);
    match &plan.action {
        Action::Query => {
            let places = Record::unread_of(current).enumerate();
            let live = places.filter(|(_, binding)| binding.is_live(now.at));
            Ok(ChangeSet { effect: Effect::Queried, next: live.map(|(place, _)| Next::keep(place)).collect(), before })
        }
        Action::RemoveAll => {
            // The higher CSeq is demanded of every binding of the same Call-ID before any is removed.
            let mut live = Record::bindings_of(current).filter(|binding| binding.is_live(now.at));
            if live.any(|binding| binding.call_id == plan.call_id && binding.cseq >= plan.cseq) {
                return Err(RegisterError::OutOfOrder);
            }
            Ok(ChangeSet { effect: Effect::Removed, next: SmallVec::new(), before })
        }
        Action::Update(changes) => {
            let (effect, next) = update(current, changes, plan, now)?;
            Ok(ChangeSet { effect, next, before })
        }
    }
}

type NextBindings = SmallVec<[Next; 8]>;

fn update(
    current: Option<&Record>,
    changes: &[Change<'_>],
    plan: &Plan<'_>,
    now: Now,
) -> Result<(Effect, NextBindings), RegisterError> {
    let mut next = NextBindings::new();
    let mut kept: SmallVec<[(bool, Timestamp, usize); 8]> = SmallVec::new();
    let mut placed: SmallVec<[bool; 8]> = changes.iter().map(|_| false).collect();
    let (mut repeats, mut repairs, mut renewals, mut removals) = (0, 0, 0, 0);
    // Read one by one where it is needed: what adaptors hand on they copy, and a binding is long.
    for (place, unread) in Record::unread_of(current).enumerate().filter(|(_, binding)| binding.is_live(now.at)) {
        let Some(binding) = unread.read() else { continue };
        let find = |stays: bool| {
            changes.iter().position(|change| (change.granted > 0) == stays && is_same(&binding, change, plan.identity))
        };
        let Some(which) = find(true).or_else(|| find(false)) else {
            next.push(Next::keep(place));
            kept.push((!binding.is_suspect(), binding.expires_at, place));
            continue;
        };
        let (Some(change), Some(placed)) = (changes.get(which), placed.get_mut(which)) else { continue };
        if binding.call_id == plan.call_id && binding.cseq >= plan.cseq {
            let is_repeat = binding.cseq == plan.cseq && change.granted > 0 && binding.contact == change.contact;
            if !is_repeat {
                return Err(RegisterError::OutOfOrder);
            }
            repeats += 1;
            let is_elsewhere = plan.peer.flow.is_some() && plan.peer.flow != binding.flow;
            if !is_elsewhere && !binding.is_suspect() {
                next.push(Next::keep(place));
            } else {
                repairs += 1;
                if !*placed {
                    next.push(Next::put(which));
                }
            }
            *placed = true;
        } else if change.granted == 0 {
            removals += 1;
        } else {
            if !*placed {
                next.push(Next::put(which));
            }
            renewals += 1;
            *placed = true;
        }
    }
    let mut additions = 0;
    for (which, (change, placed)) in changes.iter().zip(placed).enumerate() {
        if change.granted > 0 && !placed {
            next.push(Next::put(which));
            additions += 1;
        }
    }
    if repeats > 0 && renewals + removals + additions > 0 {
        return Err(RegisterError::OutOfOrder);
    }
    let too_many = next.len().saturating_sub(plan.limits.max_contacts);
    let evicts = additions > 0 && too_many > 0;
    if evicts {
        kept.sort_unstable();
        kept.truncate(too_many);
        let only_suspects = kept.iter().all(|(is_sound, ..)| !is_sound);
        if too_many > kept.len() || (plan.limits.eviction == Eviction::Refuse && !only_suspects) {
            return Err(RegisterError::TooManyContacts);
        }
        next.retain(
            |next| !matches!(next, Next::Keep(place) if kept.iter().any(|(.., gone)| *gone == usize::from(*place))),
        );
    }
    let effect = match () {
        () if repeats > 0 && repairs == 0 => Effect::Repeated,
        () if repeats > 0 => Effect::Refreshed,
        () if evicts => Effect::Evicting,
        () if additions > 0 => Effect::Added,
        () if renewals > 0 => Effect::Refreshed,
        () => Effect::Removed,
    };
    Ok((effect, next))
}

impl ChangeSet {
    /// What kind of change it is.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        matches!(self.effect, Effect::Queried | Effect::Repeated)
            || (self.before == self.next.len() && self.next.iter().all(|next| matches!(next, Next::Keep(_))))
    }

    /// How many bindings there will be.
    #[must_use]
    pub fn len(&self) -> usize {
        self.next.len()
    }

    /// Whether there will be none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next.is_empty()
    }

    /// The record that comes of it, or `None` if no binding is left. `scratch` is used for building it.
    ///
    /// # Errors
    /// It would be larger than the format holds.
    pub fn apply(
        &self,
        aor: &Aor<'_>,
        current: Option<&Record>,
        plan: &Plan<'_>,
        now: Now,
        scratch: &mut Vec<u8>,
    ) -> Result<Option<Record>, RegisterError> {
        if self.next.is_empty() {
            return Ok(None);
        }
        let version = current.map_or(0, Record::version) + 1;
        let mut builder = RecordBuilder::new(scratch, aor, version);
        // Kept bindings come in the order in which they stand, so one walk over the old record finds them all.
        let mut old = Record::unread_of(current).enumerate();
        for next in &self.next {
            match *next {
                Next::Keep(place) => {
                    if let Some((_, binding)) = old.find(|(at, _)| *at == usize::from(place)) {
                        builder.keep(binding);
                    }
                }
                Next::Put(which) => {
                    if let Action::Update(changes) = &plan.action
                        && let Some(change) = changes.get(usize::from(which))
                    {
                        builder.push(&binding_of(change, plan, now));
                    }
                }
            }
        }
        match builder.finish() {
            Ok(record) => Ok(Some(record)),
            Err(CodecError::TooLarge) => Err(RegisterError::TooManyContacts),
            Err(_) => Err(RegisterError::Store(StoreError::Damaged)),
        }
    }
}

fn binding_of<'a>(change: &Change<'a>, plan: &Plan<'a>, now: Now) -> Binding<'a> {
    let binding = Binding {
        contact: change.contact,
        uri: change.uri.as_bytes(),
        instance: change.instance,
        reg_id: change.reg_id,
        q: change.q,
        expires_at: now.at.plus_seconds(u64::from(change.granted)),
        granted: change.granted,
        call_id: plan.call_id,
        cseq: plan.cseq,
        path: plan.path,
        user_agent: plan.user_agent,
        source: plan.peer.remote,
        transport: plan.peer.transport,
        leg: plan.peer.leg,
        flow: plan.peer.flow,
        tie: Tie::None,
    };
    Binding { tie: plan.flows.tie(&binding), ..binding }
}
