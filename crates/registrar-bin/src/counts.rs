//! What was counted, by all workers together.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use location_durable::DurableStats;
use registrar_admin::{EventLog, Measured, TraceCounts};
use registrar_api::{BackendStatus, CertificateStatus};
use sip_dispatch::{Counters, CountersSnapshot};
use sip_transport::{Clock, CloseCause, CountersHandle, Tls};

use crate::backend::Backend;
use crate::certificates;
use crate::location::Disk;
use crate::users::{UserStore, named};

/// The counters of the transport, of every dispatcher, of the store of users, and of the table on disk.
pub(crate) struct Counts {
    transport: CountersHandle,
    dispatchers: Mutex<Vec<Arc<Counters>>>,
    users: Mutex<Option<UserStore>>,
    location: Option<Disk>,
    certificates: Mutex<Vec<Tls>>,
    watchers: OnceLock<(Arc<EventLog>, Clock)>,
    traces: TraceCounts,
}

/// Something that others keep.
struct Kept {
    backend: Arc<Backend>,
    /// What it is, for people.
    kind: &'static str,
    /// How long its last answer took, or the last write; zero before the first.
    took: Duration,
}

impl Counts {
    /// `users`: the store that is asked for users, if there is one. `location`: the table on disk, if it is there.
    /// `certificates`: what is presented. `traces`: of the spans that are sent.
    pub(crate) fn new(
        transport: CountersHandle,
        users: Option<UserStore>,
        location: Option<Disk>,
        certificates: Vec<Tls>,
        traces: TraceCounts,
    ) -> Self {
        let (users, certificates) = (Mutex::new(users), Mutex::new(certificates));
        let (dispatchers, watchers) = (Mutex::default(), OnceLock::new());
        Self { transport, dispatchers, users, location, certificates, watchers, traces }
    }

    /// Another store is asked for users from now on, or none.
    pub(crate) fn set_users(&self, users: Option<UserStore>) {
        if let (Some(users), Some((events, clock))) = (&users, self.watchers.get()) {
            users.backend.watched(events, *clock);
        }
        *lock(&self.users) = users;
    }

    /// Other certificates are presented from now on.
    pub(crate) fn set_certificates(&self, certificates: Vec<Tls>) {
        *lock(&self.certificates) = certificates;
    }

    /// Has events tell when a backend goes down or comes back; of one that is down, at once.
    pub(crate) fn watched(&self, events: &Arc<EventLog>, clock: Clock) {
        // There is one log.
        drop(self.watchers.set((Arc::clone(events), clock)));
        for kept in self.backends() {
            kept.backend.watched(events, clock);
        }
    }

    /// How often each worker has ticked.
    pub(crate) fn pulses(&self) -> Vec<u64> {
        self.transport.pulses().collect()
    }

    /// Counts a dispatcher in.
    pub(crate) fn add(&self, dispatcher: Arc<Counters>) {
        lock(&self.dispatchers).push(dispatcher);
    }

    /// All that is not 0.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.each().into_iter().filter(|(_, n)| *n > 0)
    }

    /// Every one.
    fn each(&self) -> Vec<(&'static str, u64)> {
        let mut dispatch = CountersSnapshot::default();
        for dispatcher in lock(&self.dispatchers).iter() {
            dispatch += dispatcher.snapshot();
        }
        let transport = self.transport.snapshot();
        let users = lock(&self.users).as_ref().map(|users| users.remote.stats());
        let location = self.location.as_ref().map(|disk| disk.location.stats());
        let location = location.iter().flat_map(DurableStats::named);
        let all = transport.named().chain(dispatch.named()).chain(users.iter().flat_map(named)).chain(location);
        let all = all.chain(self.traces.named());
        all.collect()
    }

    /// The same for metrics, and what is not counted but measured.
    pub(crate) fn measured(&self) -> Measured {
        let transport = self.transport.snapshot();
        Measured {
            counters: self.each(),
            closed: CloseCause::ALL.iter().map(|&cause| (cause.name(), transport.closed(cause))).collect(),
            ticks: self.pulses(),
            certificates: certificates::ends(&lock(&self.certificates)),
        }
    }

    /// What others keep for the registrar.
    fn backends(&self) -> Vec<Kept> {
        let users = lock(&self.users).as_ref().map(|users| {
            let took = users.remote.stats().last_answer;
            Kept { backend: Arc::clone(&users.backend), kind: users.says, took }
        });
        let disk = self.location.as_ref().map(|disk| {
            let took = Duration::from_micros(disk.location.stats().last_write_us);
            Kept { backend: Arc::clone(&disk.backend), kind: "on disk", took }
        });
        users.into_iter().chain(disk).collect()
    }

    /// How that is.
    pub(crate) fn backend_status(&self) -> Vec<BackendStatus> {
        let status = |Kept { backend, kind, took }: Kept| {
            let failure = backend.failure();
            let (name, kind) = (backend.name().to_owned(), kind.to_owned());
            let delay_ms = (!took.is_zero()).then(|| u32::try_from(took.as_millis()).unwrap_or(u32::MAX));
            BackendStatus { name, kind, up: failure.is_none(), failure, delay_ms }
        };
        self.backends().into_iter().map(status).collect()
    }

    /// The certificates that are presented.
    pub(crate) fn certificates(&self) -> Vec<CertificateStatus> {
        certificates::status(&lock(&self.certificates), SystemTime::now())
    }

    /// The same as `name=number` with blanks between.
    pub(crate) fn text(&self) -> String {
        // One that has ended is worth saying, too.
        let days = certificates::days_left(&lock(&self.certificates), SystemTime::now());
        let all = self.all().chain(days.map(|days| ("certificate_days_left", days)));
        all.map(|(name, n)| format!("{name}={n}")).collect::<Vec<_>>().join(" ")
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
