//! What was counted, by all workers together.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use credentials_remote::Remote;
use location_durable::{DurableLocation, DurableStats};
use sip_dispatch::{Counters, CountersSnapshot};
use sip_transport::{CountersHandle, Tls};

use crate::certificates;
use crate::users::named;

/// The counters of the transport, of every dispatcher, of the store of users, and of the table on disk.
pub(crate) struct Counts {
    transport: CountersHandle,
    dispatchers: Mutex<Vec<Arc<Counters>>>,
    users: Option<Remote>,
    location: Option<Arc<DurableLocation>>,
    certificates: Vec<Tls>,
}

impl Counts {
    /// `users`: the store that is asked for users, if there is one. `location`: the table on disk, if it is there.
    /// `certificates`: what is presented.
    pub(crate) fn new(
        transport: CountersHandle,
        users: Option<Remote>,
        location: Option<Arc<DurableLocation>>,
        certificates: Vec<Tls>,
    ) -> Self {
        Self { transport, dispatchers: Mutex::default(), users, location, certificates }
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
        let users = self.users.as_ref().map(Remote::stats);
        let location = self.location.as_ref().map(|location| location.stats());
        let location = location.iter().flat_map(DurableStats::named);
        let all = transport.named().chain(dispatch.named()).chain(users.iter().flat_map(named)).chain(location);
        let counted = all.filter(|(_, n)| *n > 0);
        // One that has ended is worth saying, too.
        let days = certificates::days_left(&self.certificates, SystemTime::now());
        let all = counted.chain(days.map(|days| ("certificate_days_left", days)));
        all.map(|(name, n)| format!("{name}={n}")).collect::<Vec<_>>().join(" ")
    }
}
