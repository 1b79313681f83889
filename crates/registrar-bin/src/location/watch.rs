//! A disk that fails, and comes back.

use std::sync::Arc;

use location_durable::DurableLocation;

/// Tells the log when the table on disk begins to fail, and when it is well again.
pub(crate) struct Watch {
    location: Arc<DurableLocation>,
    was_failing: bool,
}

impl Watch {
    pub(crate) fn new(location: Arc<DurableLocation>) -> Self {
        Self { location, was_failing: false }
    }

    /// To be called once a second.
    pub(crate) fn look(&mut self) {
        let stats = self.location.stats();
        if stats.is_failing == self.was_failing {
            return;
        }
        self.was_failing = stats.is_failing;
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
    }
}
