//! A disk that fails, and comes back.

use std::sync::Arc;

use location_durable::DurableLocation;
use sip_registrar::reason;

use crate::backend::Backend;

/// The table on disk, and whether it keeps what changes.
#[derive(Clone)]
pub(crate) struct Disk {
    pub(crate) location: Arc<DurableLocation>,
    pub(crate) backend: Arc<Backend>,
}

impl Disk {
    pub(crate) fn new(location: Arc<DurableLocation>) -> Self {
        Self { location, backend: Backend::new("location", reason::STORE_UNAVAILABLE) }
    }

    /// Looks whether it keeps what changes. To be called once a second: the log, and those who watch, are told when it
    /// begins to fail and when it is well again.
    pub(crate) fn look(&self) {
        let stats = self.location.stats();
        if stats.is_failing == self.backend.failure().is_some() {
            return;
        }
        let (failures, taken_back) = (stats.failures, stats.taken_back);
        let error = self.location.last_failure().unwrap_or_default();
        if stats.is_failing {
            tracing::error!(
                error,
                failures,
                taken_back,
                "bindings cannot be written to disk: what would change them is answered 503, all else goes on"
            );
        } else {
            tracing::info!(failures, taken_back, "bindings are written to disk again");
        }
        self.backend.becomes(stats.is_failing.then_some(error));
    }
}
