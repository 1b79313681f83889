//! The table in memory alone.

use sip_dispatch::{Answer, Coming, Share};
use sip_transport::{Flow, Now, Timestamp};

use super::{LocationService, Page, RegisterError, Registered, Removal, StoreError, Table, TableConfig};
use crate::{Aor, Plan, Record};

/// A table in memory: gone when the process is, and as fast as memory.
#[derive(Debug, Default)]
pub struct MemoryLocation {
    table: Table<()>,
}

impl MemoryLocation {
    /// An empty table.
    #[must_use]
    pub fn new(config: TableConfig) -> Self {
        Self { table: Table::new(config, ()) }
    }

    /// How many bindings there are, those included that have expired and were not swept yet.
    #[must_use]
    pub fn bindings(&self) -> usize {
        self.table.bindings()
    }

    /// The memory that the table takes, in bytes, but for what the allocator adds.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.table.memory()
    }

    /// How many bindings it may hold from now on. None is removed for it.
    pub fn limit(&self, max_bindings: usize) {
        self.table.limit(max_bindings);
    }

    /// Puts a record in place of the one of its address, as when a table is loaded.
    ///
    /// # Errors
    /// The table is full.
    pub fn insert(&self, record: Record, now: Now) -> Result<(), StoreError> {
        self.table.put(record, now)
    }
}

impl LocationService for MemoryLocation {
    fn register(&self, aor: &Aor<'_>, plan: &Plan<'_>, now: Now) -> Answer<Result<Registered, RegisterError>> {
        Answer::Now(self.table.register(aor, plan, now).map(|(done, _)| done))
    }

    fn prepare(&self, coming: &Coming<'_>) {
        self.table.prepare(coming);
    }

    fn lookup(&self, aor: &Aor<'_>, now: Now) -> Answer<Result<Option<Record>, StoreError>> {
        Answer::Now(Ok(self.table.lookup(aor, now)))
    }

    fn remove(&self, aor: &Aor<'_>, which: Removal<'_>, now: Now) -> Answer<Result<Registered, StoreError>> {
        Answer::Now(self.table.remove(aor, which, now).map(|(done, _)| done))
    }

    fn flow_lost(
        &self,
        aor: &Aor<'_>,
        flow: Flow,
        until: Timestamp,
        now: Now,
    ) -> Answer<Result<Registered, StoreError>> {
        Answer::Now(self.table.flow_lost(aor, flow, until, now))
    }

    fn scan(&self, after: Option<&[u8]>, limit: usize) -> Answer<Result<Page, StoreError>> {
        Answer::Now(Ok(self.table.scan(after, limit)))
    }

    fn sweep(&self, now: Now, share: Share, budget: usize, expired: &mut dyn FnMut(&Record, Option<&Record>)) -> usize {
        self.table.sweep(now, share, budget, expired)
    }
}

#[cfg(test)]
mod tests;
