//! What an input holds, gathered before any of it is written.
//!
//! In memory, since a table may name one address in many places, and since nothing may be written before the last line
//! has been read. The records are those that the table will hold, so that they take room once.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt::Display;
use std::hash::{Hash, Hasher};

use sip_registrar::location::TableConfig;
use sip_registrar::{
    Action, Aor, Change, Eviction, FlowRules, IdentityParam, Limits, Plan, Record, RegisterError, decide,
};
use sip_transport::{LegId, LegSpec, Now, Peer};

use super::entry::{End, Entry};
use crate::bad_lines::BadLines;
use crate::location::bindings::{ContactParts, Texts};
use crate::location::lines::Read;
use crate::{assemble, config::Settings};

/// What lasts longer, in seconds, was meant for ever.
const YEAR: u64 = 365 * 86_400;

/// The records of an input, and what is wrong with it.
pub(super) struct Collected {
    pub(super) now: Now,
    pub(super) records: HashSet<ByAor>,
    pub(super) bindings: usize,
    /// Bindings that have expired, and are left out.
    pub(super) expired: usize,
    /// Bindings of which there was a later request.
    pub(super) older: usize,
    pub(super) bad: BadLines,
    legs: Vec<LegSpec>,
    identity: Option<IdentityParam>,
    permanent: Option<u32>,
    max_bindings: usize,
    /// How many were taken.
    entries: u32,
    scratch: Vec<u8>,
}

/// A record that is found by its address.
pub(super) struct ByAor(pub(super) Record);

impl Collected {
    /// `permanent`: for how many seconds bindings are kept that never expire.
    pub(super) fn new(settings: &Settings, permanent: Option<u32>, now: Now) -> Self {
        let TableConfig { max_bindings, .. } = crate::location::store::table(settings);
        Self {
            now,
            records: HashSet::new(),
            bindings: 0,
            expired: 0,
            older: 0,
            bad: BadLines::default(),
            legs: assemble::listeners(settings).iter().map(|listener| listener.spec).collect(),
            identity: settings.registrar.identity_param.clone().map(IdentityParam),
            permanent,
            max_bindings,
            entries: 0,
            scratch: Vec::new(),
        }
    }

    /// Takes a whole record.
    pub(super) fn line(&mut self, place: impl Display, read: Result<Read, String>) {
        let added = read.and_then(|Read { record, expired }| {
            self.expired += expired;
            let Some(record) = record else { return Ok(()) };
            if self.records.contains(record.aor().as_bytes()) {
                return Err(format!("{} was there already", record.aor()));
            }
            self.count(0, record.len())?;
            self.records.insert(ByAor(record));
            Ok(())
        });
        if let Err(what) = added {
            self.bad.add(place, &what);
        }
    }

    /// Takes a binding beside those of the same address that came before, by the rules for requests: what is the same
    /// contact takes its place, unless the request with the same Call-ID was an earlier one.
    pub(super) fn entry(&mut self, place: impl Display, entry: Result<Entry, String>) {
        if let Err(what) = entry.and_then(|entry| self.add(entry)) {
            self.bad.add(place, &what);
        }
    }

    fn add(&mut self, entry: Entry) -> Result<(), String> {
        let now = self.now;
        let identity = self.identity.clone();
        let never = || {
            let error = format!("a binding of {} that never ends: --permanent says for how long it is kept", entry.aor);
            self.permanent.ok_or(error)
        };
        let left = |end: u64| end.checked_sub(now.wall).filter(|left| *left > 0).map(|left| (left / 1000).max(1));
        let granted = match entry.end {
            End::Past => None,
            End::Never => Some(never()?),
            End::At(end) => match left(end) {
                Some(seconds) if seconds > YEAR => Some(never()?),
                seconds => seconds.and_then(|seconds| u32::try_from(seconds).ok()),
            },
        };
        let (contact, origin) = (entry.contact(), entry.origin(&self.legs));
        let Entry { aor, call_id, cseq, path, user_agent, .. } = entry;
        let mut canonical = Vec::new();
        let aor = Aor::parse(&aor, &mut canonical).map_err(|error| format!("{aor:?}: {error}"))?;
        let parts = ContactParts::read(&contact)?;
        let texts = Texts { call_id, path, user_agent }.checked()?;
        let Some(granted) = granted else {
            self.expired += 1;
            return Ok(());
        };
        let ContactParts { uri, instance, reg_id, q } = parts;
        let change = Change { contact: &contact, uri, instance, reg_id, q, granted };
        // Where it is not known which request was the later one, it is that of the later line.
        self.entries = self.entries.saturating_add(1);
        let cseq = if texts.call_id.is_empty() { self.entries } else { cseq };
        let peer = Peer {
            leg: LegId(origin.leg),
            transport: origin.transport,
            remote: origin.source,
            local: origin.source,
            flow: None,
        };
        let plan = Plan {
            action: Action::Update([change].into_iter().collect()),
            call_id: &texts.call_id,
            cseq,
            path: &texts.path,
            user_agent: &texts.user_agent,
            peer,
            // As many as a record holds: whoever had them shall not lose them.
            limits: Limits { max_contacts: 255, eviction: Eviction::Refuse, ..Limits::default() },
            flows: FlowRules::default(),
            identity: identity.as_ref(),
        };
        let before = self.records.get(aor.as_bytes()).map(|ByAor(record)| record.clone());
        let refused = |error: RegisterError| format!("{aor}: {error}");
        let changes = match decide(before.as_ref(), &plan, now) {
            Err(RegisterError::OutOfOrder) => {
                self.older += 1;
                return Ok(());
            }
            decided => decided.map_err(refused)?,
        };
        let after = changes.apply(&aor, before.as_ref(), &plan, now, &mut self.scratch).map_err(refused)?;
        if let Some(after) = after {
            self.count(before.as_ref().map_or(0, Record::len), after.len())?;
            self.records.replace(ByAor(after));
        }
        Ok(())
    }

    /// Counts bindings that come in place of others.
    fn count(&mut self, gone: usize, come: usize) -> Result<(), String> {
        let bindings = self.bindings + come - gone;
        if bindings > self.max_bindings.max(self.bindings) {
            return Err(format!("more bindings than [registrar] max_bindings allows ({})", self.max_bindings));
        }
        self.bindings = bindings;
        Ok(())
    }
}

impl Borrow<[u8]> for ByAor {
    fn borrow(&self) -> &[u8] {
        self.0.aor().as_bytes()
    }
}

impl Hash for ByAor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.aor().as_bytes().hash(state);
    }
}

impl PartialEq for ByAor {
    fn eq(&self, other: &Self) -> bool {
        self.0.aor() == other.0.aor()
    }
}

impl Eq for ByAor {}
