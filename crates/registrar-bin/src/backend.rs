//! What others keep for the registrar, and whether it answers.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use registrar_admin::EventLog;
use sip_dispatch::Reason;
use sip_transport::Clock;

/// A store on which registrations depend.
#[derive(Debug)]
pub(crate) struct Backend {
    name: &'static str,
    /// How requests end that need it while it is down.
    refuses: Reason,
    /// What is wrong with it, while it is down.
    failure: Mutex<Option<String>>,
    watchers: OnceLock<(Arc<EventLog>, Clock)>,
}

impl Backend {
    /// One that answers, as far as is known.
    pub(crate) fn new(name: &'static str, refuses: Reason) -> Arc<Self> {
        Arc::new(Self { name, refuses, failure: Mutex::default(), watchers: OnceLock::new() })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// What is wrong with it, while it is down.
    pub(crate) fn failure(&self) -> Option<String> {
        self.lock().clone()
    }

    /// It is down for this reason, or, without one, answers. Those who watch are told if that is news.
    pub(crate) fn becomes(&self, failure: Option<String>) {
        let mut known = self.lock();
        let is_news = known.is_some() != failure.is_some();
        *known = failure;
        if is_news {
            self.tell(known.as_deref());
        }
    }

    /// Has those who watch told from now on; and if it is down, at once.
    pub(crate) fn watched(&self, events: &Arc<EventLog>, clock: Clock) {
        let known = self.lock();
        // There is one log.
        drop(self.watchers.set((Arc::clone(events), clock)));
        if known.is_some() {
            self.tell(known.as_deref());
        }
    }

    /// Under the lock, so that what is told comes in its order.
    fn tell(&self, failure: Option<&str>) {
        if let Some((events, clock)) = self.watchers.get() {
            events.backend(self.name, failure, self.refuses, clock.now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
