//! The registrar: RFC 3261 §10.3, steps 1 to 8.

mod add;
mod following;

pub use add::{AddError, Addition};

use std::hash::RandomState;
use std::sync::Arc;

use sip_dispatch::{Answer, Coming, Exchange, Reason, Receiver, Share, Verdict};
use sip_message::uri::{Host, SipUri};
use sip_message::{Method, Uri};
use sip_transport::{FlowEvent, Now, Peer, Tick};

use crate::builder::RegistrarBuilder;
use crate::domains::Domains;
use crate::flows::{FlowRules, Flows};
use crate::identity::IdentityParam;
use crate::limits::Limits;
use crate::location::{Effect, LocationService, RegisterError, Registered, Removal, StoreError};
use crate::observer::Observer;
use crate::own::OwnAddresses;
use crate::plan::{Plan, PlanError, RegisterRequest, is_way_secure};
use crate::record::Record;
use crate::refusal::Refusal;
use crate::scratch::{Scratch, with_scratch};
use crate::{Aor, AorError, reason, render};

/// What becomes of a REGISTER for a domain that is not served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForeignDomain {
    /// It is answered 404.
    #[default]
    NotFound,
    /// It is passed to the next link of the chain, as Net::SIP does it.
    Pass,
}

/// A link that answers REGISTER. Cheap to clone; the clones are one registrar.
#[derive(Clone)]
pub struct Registrar {
    inner: Arc<Inner>,
}

pub(crate) struct Settings {
    pub(crate) domains: Domains,
    pub(crate) limits: Limits,
    pub(crate) flows: FlowRules,
    pub(crate) foreign: ForeignDomain,
    pub(crate) identity: Option<IdentityParam>,
    pub(crate) own: OwnAddresses,
    pub(crate) location: Arc<dyn LocationService>,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
}

struct Inner {
    settings: Settings,
    flows: Arc<Flows>,
    jitter: RandomState,
}

/// Extensions that may be required of this link: what it stores and gives back (RFC 3327), and nothing more.
pub(crate) const SUPPORTED: &[&str] = &["path"];

/// How many expired bindings are removed in one go of a worker: about a millisecond.
const SWEEP_BUDGET: usize = 1000;

impl Registrar {
    /// A registrar with other settings than the defaults.
    pub fn builder() -> RegistrarBuilder {
        RegistrarBuilder::default()
    }

    pub(crate) fn new(settings: Settings) -> Self {
        Self { inner: Arc::new(Inner { settings, flows: Arc::new(Flows::new()), jitter: RandomState::new() }) }
    }

    /// One with these settings, but table, observers and connections of `self`.
    pub(crate) fn renewed(&self, settings: Settings) -> Self {
        let Inner { settings: before, flows, jitter } = &*self.inner;
        let settings = Settings { location: before.location.clone(), observers: before.observers.clone(), ..settings };
        Self { inner: Arc::new(Inner { settings, flows: flows.clone(), jitter: jitter.clone() }) }
    }

    /// The bindings of an address of record at which the user can be reached; `None` if there is none.
    ///
    /// The record holds those alone: none that has expired, none that is suspect, and none on a connection that is not
    /// there any more, swept or not. Whoever asks the [`LocationService`] itself uses [`Record::reachable`].
    pub fn query(&self, aor: &Aor<'_>, now: Now) -> Answer<Result<Option<Record>, StoreError>> {
        let registrar = self.clone();
        let found = self.inner.settings.location.lookup(aor, now);
        found.map(move |found| match found? {
            Some(record) => registrar.reachable(record, now),
            None => Ok(None),
        })
    }

    /// Removes every binding that has expired by now, and gives how many records that concerned. Workers do this bit
    /// by bit in their ticks; call it where there are none.
    pub fn expire(&self, now: Now) -> usize {
        let mut expired = 0;
        while self.sweep(now, Share::WHOLE, SWEEP_BUDGET, &mut expired) == SWEEP_BUDGET {}
        expired
    }

    /// Removes bindings on behalf of the operator.
    pub fn remove(&self, aor: &Aor<'_>, which: Removal<'_>, now: Now) -> Answer<Result<Registered, StoreError>> {
        let registrar = self.clone();
        self.inner.settings.location.remove(aor, which, now).map(move |removed| {
            if let Ok(removed) = &removed {
                registrar.moved(removed.before.as_ref(), removed.after.as_ref());
                registrar.tell(removed, reason::REMOVED_BY_OPERATOR, now);
            }
            removed
        })
    }

    /// Whether users of this host are registered here.
    #[must_use]
    pub fn serves(&self, host: &Host<'_>) -> bool {
        self.inner.settings.domains.serves(host)
    }

    /// The domains that are served.
    #[must_use]
    pub fn domains(&self) -> &Domains {
        &self.inner.settings.domains
    }

    /// What is allowed.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.inner.settings.limits
    }

    fn sweep(&self, now: Now, share: Share, budget: usize, expired: &mut usize) -> usize {
        let Settings { location, observers, .. } = &self.inner.settings;
        location.sweep(now, share, budget, &mut |before, after| {
            *expired += 1;
            self.moved(Some(before), after);
            let why = following::why_swept(before, now);
            for observer in observers {
                observer.changed(&before.aor(), Some(before), after, why, now);
            }
        })
    }

    fn tell(&self, done: &Registered, why: Reason, now: Now) {
        let Settings { observers, .. } = &self.inner.settings;
        if observers.is_empty() || !done.is_change() {
            return;
        }
        let Some(record) = done.before.as_ref().or(done.after.as_ref()) else { return };
        for observer in observers {
            observer.changed(&record.aor(), done.before.as_ref(), done.after.as_ref(), why, now);
        }
    }

    /// Whether anybody has to hear of a change: observers, or the connections that are left by it.
    fn concerns_others(&self, done: &Registered) -> bool {
        !self.inner.settings.observers.is_empty() || Self::leaves_a_flow(done.before.as_ref(), done.after.as_ref())
    }

    /// A request has been carried out, and its answer may be told.
    fn registered(&self, done: Registered, now: Now) {
        self.moved(done.before.as_ref(), done.after.as_ref());
        self.tell(&done, reason_of(done.effect), now);
    }

    /// Steps 1, 2 and 5 to 7. Steps 3 and 4, who may do this, belong to links in front of this one.
    fn register(&self, ex: &mut Exchange<'_>, scratch: &mut Scratch) -> Result<Verdict, Refusal> {
        let Inner { settings, jitter, .. } = &*self.inner;
        let message = ex.message();
        let served = |uri: &Uri<'_>| matches!(uri, Uri::Sip(uri) if settings.domains.serves(&uri.host()));

        let peer = *ex.peer();
        let request_uri = ex.uri().map_err(|_| Refusal::BAD_REQUEST_URI)?;
        if !served(&request_uri) {
            return match settings.foreign {
                ForeignDomain::Pass => Ok(Verdict::Pass),
                ForeignDomain::NotFound => Err(Refusal::FOREIGN_DOMAIN),
            };
        }
        if request_uri.sip().is_some_and(SipUri::is_secure) && !is_way_secure(message, &peer) {
            return Err(Refusal::SIPS_WITHOUT_TLS);
        }
        if let Some(sealed) = ex.refuse_unsupported(SUPPORTED) {
            return Ok(Verdict::Handled(sealed));
        }
        let to = ex.to().ok().flatten().ok_or(Refusal::BAD_TO)?;
        let aor = Aor::from_uri(&to.uri, &mut scratch.aor).map_err(|error| match error {
            AorError::TooLong => Refusal::TOO_LONG,
            _ => Refusal::NOT_AN_AOR,
        })?;
        if !served(&to.uri) {
            return Err(Refusal::FOREIGN_DOMAIN);
        }
        let Settings { limits, flows, identity, own, .. } = settings;
        if own.are_in(message) {
            return Err(PlanError::Loop.into());
        }
        let request = RegisterRequest::of(message, peer, ex.call_id().ok().flatten(), ex.cseq().ok().flatten())?;
        let plan = Plan::read(request, *limits, *flows, identity.as_ref(), jitter, &mut scratch.text)?;
        let is_there = self.bind(&aor, &plan);
        let answer = settings.location.register(&aor, &plan, ex.now());
        if let Some(flow) = peer.flow.filter(|_| !is_there) {
            self.lost_before(&aor, flow, ex.now());
        }
        Ok(ex.when(answer, self, Self::answered))
    }

    /// Step 8.
    fn answered(&self, ex: &mut Exchange<'_>, result: Result<Registered, RegisterError>) -> Verdict {
        Verdict::Handled(match result {
            Ok(done) => {
                let why = reason_of(done.effect);
                let sealed = render::bindings(ex, done.after.as_ref(), why);
                if done.is_change() && self.concerns_others(&done) {
                    ex.when_told(self, done, Self::registered);
                }
                sealed
            }
            Err(error) => Refusal::from(error).answer(ex),
        })
    }
}

impl Receiver for Registrar {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        if ex.method() != Method::Register {
            return Verdict::Pass;
        }
        let result = with_scratch(|scratch| self.register(ex, scratch));
        result.unwrap_or_else(|refusal| Verdict::Handled(refusal.answer(ex)))
    }

    fn prepare(&self, coming: &Coming<'_>) {
        self.inner.settings.location.prepare(coming);
    }

    fn tick(&self, now: Now, share: Share) -> Tick {
        let mut expired = 0;
        let more_expired = self.sweep(now, share, SWEEP_BUDGET, &mut expired) == SWEEP_BUDGET;
        let followed = self.follow(now, share);
        if more_expired { Tick::More } else { followed }
    }

    fn flow(&self, peer: &Peer, event: FlowEvent, now: Now) {
        self.on_flow(peer, event, now);
    }
}

impl std::fmt::Debug for Registrar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Settings { domains, limits, foreign, .. } = &self.inner.settings;
        f.debug_struct("Registrar").field("domains", domains).field("limits", limits).field("foreign", foreign).finish()
    }
}

fn reason_of(effect: Effect) -> Reason {
    match effect {
        Effect::Queried => reason::QUERIED,
        Effect::Repeated => reason::REPEATED,
        Effect::Added => reason::REGISTERED,
        Effect::Evicting => reason::EVICTED,
        Effect::Refreshed => reason::REFRESHED,
        Effect::Removed => reason::REMOVED,
        Effect::Lost => reason::SUSPECT,
    }
}
