//! What was counted, by all workers together.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use location_durable::DurableStats;
use registrar_admin::Measured;
use registrar_api::{BackendStatus, CertificateStatus};
use sip_dispatch::{Counters, CountersSnapshot};
use sip_transport::{CloseCause, CountersHandle, Tls};

use crate::backend::Backend;
use crate::certificates;
use crate::location::Disk;
use crate::users::{UserStore, named};

/// The counters of the transport, of every dispatcher, of the store of users, and of the table on disk.
pub(crate) struct Counts {
    transport: CountersHandle,
    dispatchers: Mutex<Vec<Arc<Counters>>>,
    users: Option<UserStore>,
    location: Option<Disk>,
    certificates: Vec<Tls>,
}

impl Counts {
    /// `users`: the store that is asked for users, if there is one. `location`: the table on disk, if it is there.
    /// `certificates`: what is presented.
    pub(crate) fn new(
        transport: CountersHandle,
        users: Option<UserStore>,
        location: Option<Disk>,
        certificates: Vec<Tls>,
    ) -> Self {
        Self { transport, dispatchers: Mutex::default(), users, location, certificates }
    }

    /// How often each worker has ticked.
    pub(crate) fn pulses(&self) -> Vec<u64> {
        self.transport.pulses().collect()
    }

    /// Counts a dispatcher in.
    pub(crate) fn add(&self, dispatcher: Arc<Counters>) {
        self.dispatchers.lock().unwrap_or_else(PoisonError::into_inner).push(dispatcher);
    }

    /// All that is not 0.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.each().into_iter().filter(|(_, n)| *n > 0)
    }

    /// Every one.
    fn each(&self) -> Vec<(&'static str, u64)> {
        let mut dispatch = CountersSnapshot::default();
        for dispatcher in self.dispatchers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            dispatch += dispatcher.snapshot();
        }
        let transport = self.transport.snapshot();
        let users = self.users.as_ref().map(|users| users.remote.stats());
        let location = self.location.as_ref().map(|disk| disk.location.stats());
        let location = location.iter().flat_map(DurableStats::named);
        let all = transport.named().chain(dispatch.named()).chain(users.iter().flat_map(named)).chain(location);
        all.collect()
    }

    /// The same for metrics, and what is not counted but measured.
    pub(crate) fn measured(&self) -> Measured {
        let transport = self.transport.snapshot();
        Measured {
            counters: self.each(),
            closed: CloseCause::ALL.iter().map(|&cause| (cause.name(), transport.closed(cause))).collect(),
            ticks: self.pulses(),
            certificates: certificates::ends(&self.certificates),
        }
    }

    /// What others keep for the registrar, each with what it is.
    pub(crate) fn backends(&self) -> impl Iterator<Item = (&Arc<Backend>, &'static str)> {
        let users = self.users.iter().map(|users| (&users.backend, users.says));
        users.chain(self.location.iter().map(|disk| (&disk.backend, "on disk")))
    }

    /// How that is.
    pub(crate) fn backend_status(&self) -> Vec<BackendStatus> {
        let status = |(backend, kind): (&Arc<Backend>, &str)| {
            let failure = backend.failure();
            let (name, kind) = (backend.name().to_owned(), kind.to_owned());
            BackendStatus { name, kind, up: failure.is_none(), failure, delay_ms: None }
        };
        self.backends().map(status).collect()
    }

    /// The certificates that are presented.
    pub(crate) fn certificates(&self) -> Vec<CertificateStatus> {
        certificates::status(&self.certificates, SystemTime::now())
    }

    /// The same as `name=number` with blanks between.
    pub(crate) fn text(&self) -> String {
        // One that has ended is worth saying, too.
        let days = certificates::days_left(&self.certificates, SystemTime::now());
        let all = self.all().chain(days.map(|days| ("certificate_days_left", days)));
        all.map(|(name, n)| format!("{name}={n}")).collect::<Vec<_>>().join(" ")
    }
}
