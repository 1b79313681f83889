//! What was counted, by all workers together.

use std::sync::{Arc, Mutex, PoisonError};

use sip_dispatch::{Counters, CountersSnapshot};
use sip_transport::CountersHandle;

/// The counters of the transport and of every dispatcher.
pub(crate) struct Counts {
    transport: CountersHandle,
    dispatchers: Mutex<Vec<Arc<Counters>>>,
}

impl Counts {
    pub(crate) fn new(transport: CountersHandle) -> Self {
        Self { transport, dispatchers: Mutex::default() }
    }

    /// Counts a dispatcher in.
    pub(crate) fn add(&self, dispatcher: Arc<Counters>) {
        self.dispatchers.lock().unwrap_or_else(PoisonError::into_inner).push(dispatcher);
    }

    /// All that is not 0, as `name=number` with blanks between.
    pub(crate) fn text(&self) -> String {
        let mut dispatch = CountersSnapshot::default();
        for dispatcher in self.dispatchers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            dispatch += dispatcher.snapshot();
        }
        let transport = self.transport.snapshot();
        let all = transport.named().chain(dispatch.named());
        all.filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name}={n}")).collect::<Vec<_>>().join(" ")
    }
}
