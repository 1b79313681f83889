//! Where records are kept.

mod journal;
mod loader;
mod memory;
#[cfg(test)]
mod sample;
mod shard;
mod table;

pub use journal::Journal;
pub use loader::{Loader, Place};
pub use memory::MemoryLocation;
pub use table::{Done, Table, TableConfig};

use sip_dispatch::{Answer, Coming, Share};
use sip_message::Uri;
use sip_transport::{Flow, Now, Timestamp};

use crate::{Aor, Plan, Record};

/// A store of records. It keeps them, finds them and lets them expire; the rules are [`decide`](crate::decide)'s.
///
/// What it accepts is visible to every later call on any worker. `decide` and the replacement of the record are one
/// step: no other change of the same address of record comes between them.
pub trait LocationService: Send + Sync {
    /// Carries out a request, or only looks, if that is all it asks for. What changes nothing writes nothing: the
    /// record keeps its version.
    fn register(&self, aor: &Aor<'_>, plan: &Plan<'_>, now: Now) -> Answer<Result<Registered, RegisterError>>;

    /// Requests that may reach it soon: a chance to have their records at hand. Nothing depends on it.
    fn prepare(&self, coming: &Coming<'_>) {
        let _ = coming;
    }

    /// The record of an address; `None` if it has no binding that has not expired. The record may hold expired
    /// bindings beside, and suspect ones: see [`Record::reachable`].
    fn lookup(&self, aor: &Aor<'_>, now: Now) -> Answer<Result<Option<Record>, StoreError>>;

    /// Removes bindings on behalf of the operator. If none is there, nothing is changed.
    fn remove(&self, aor: &Aor<'_>, which: Removal<'_>, now: Now) -> Answer<Result<Registered, StoreError>>;

    /// The connection `flow` has ended: bindings of this address that have not expired and live by it
    /// ([`Binding::lives_by`](crate::Binding::lives_by)) become suspect, and expire at `until`, or earlier if they would
    /// have anyway. If there is none, nothing is changed and nothing written.
    ///
    /// It takes in what `register` has accepted before, answered or not. An answer that comes later is polled to its end
    /// by the registrar; no request waits for it.
    fn flow_lost(
        &self,
        aor: &Aor<'_>,
        flow: Flow,
        until: Timestamp,
        now: Now,
    ) -> Answer<Result<Registered, StoreError>>;

    /// A part of all records, in an order that does not change while they do. `after` is what the last page gave as
    /// [`Page::next`]. Records that come or go meanwhile may or may not be seen; all others are seen once. They may hold
    /// bindings that have expired.
    fn scan(&self, after: Option<&[u8]>, limit: usize) -> Answer<Result<Page, StoreError>>;

    /// Removes at most `budget` records or bindings that have expired, in the part of the table that `share` names,
    /// shows each record before and after, and gives how many it looked at: fewer than `budget` when nothing more was
    /// due. What has expired is never shown by `lookup`, swept or not.
    fn sweep(&self, now: Now, share: Share, budget: usize, expired: &mut dyn FnMut(&Record, Option<&Record>)) -> usize;
}

/// What a request did.
#[derive(Clone, Debug)]
pub struct Registered {
    /// What kind of change it was.
    pub effect: Effect,
    /// The record before.
    pub before: Option<Record>,
    /// The record now. It may hold expired bindings if nothing was changed.
    pub after: Option<Record>,
}

impl Registered {
    /// Whether the record is another than before.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.before.as_ref().map(Record::version) != self.after.as_ref().map(Record::version)
    }
}

/// What kind of change a request made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// None: it only asked.
    Queried,
    /// None: it had been carried out before.
    Repeated,
    /// At least one binding is new.
    Added,
    /// At least one binding is new, and others had to make room for it.
    Evicting,
    /// Bindings were renewed, and perhaps others removed.
    Refreshed,
    /// Bindings were removed, or would have been if they had been there.
    Removed,
    /// Bindings have become suspect, or would have if they had been there.
    Lost,
}

/// Which bindings are removed.
#[derive(Clone, Copy, Debug)]
pub enum Removal<'a> {
    /// All of an address of record.
    All,
    /// Those whose contact is equivalent to this URI (RFC 3261 §19.1.4).
    Contact(Uri<'a>),
}

/// A part of all records.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// What to ask for next; `None` at the end.
    pub next: Option<Vec<u8>>,
}

/// Why a store cannot do what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It holds as much as it may.
    #[error("the location table is full")]
    Full,
    /// It cannot be reached, or cannot keep anything now.
    #[error("the location store is unavailable")]
    Unavailable,
    /// It holds something that is no record.
    #[error("the location store holds a damaged record")]
    Damaged,
}

/// Why a request was not carried out. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// CSeq is not higher than the one stored with the same Call-ID.
    #[error("the CSeq is not higher than that of an earlier request with the same Call-ID")]
    OutOfOrder,
    /// There would be more bindings than allowed.
    #[error("more contacts than allowed")]
    TooManyContacts,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
