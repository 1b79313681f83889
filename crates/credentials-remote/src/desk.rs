//! What the workers and the thread that asks the store have in common.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sip_registrar::auth::{Account, Found, Unavailable};
use tokio::sync::oneshot;

use crate::RemoteConfig;
use crate::breaker::{Breaker, Failed};
use crate::cache::{Cache, Cached};
use crate::event::{Hooks, StoreEvent};
use crate::flights::{Boarded, Flights};
use crate::source::{SourceError, User, UserRef};
use crate::stats::{Counters, RemoteStats};

/// Cache, breaker, and those who wait. No lock is held while the store is asked, or while anybody is told.
pub(crate) struct Desk {
    pub(crate) config: RemoteConfig,
    pub(crate) cache: Cache,
    pub(crate) counters: Counters,
    breaker: Mutex<Breaker>,
    flights: Mutex<Flights>,
    hooks: Hooks,
}

/// How a lookup ended.
pub(crate) enum Outcome {
    /// The store was asked at this time, and answered.
    Answered(Instant, Result<Option<Arc<Account>>, SourceError>),
    /// It was not asked: it is left alone for so long.
    LeftAlone(Duration),
    /// It was not asked: the turn came too late.
    TooLate,
}

impl Desk {
    pub(crate) fn new(config: RemoteConfig, hooks: Hooks) -> Self {
        Self {
            cache: Cache::new(&config),
            counters: Counters::default(),
            breaker: Mutex::new(Breaker::new(config.failures, config.open)),
            flights: Mutex::new(Flights::new(config.queue)),
            hooks,
            config,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        (self.hooks.clock)()
    }

    /// What can be said without asking the store; `None` if it has to be asked.
    pub(crate) fn at_hand(&self, user: UserRef<'_>) -> Option<Found> {
        let now = self.now();
        match self.cache.get(user, now) {
            Cached::Fresh(account) => {
                self.counters.hits.add(1);
                Some(Ok(Some(account)))
            }
            Cached::NoSuchUser => {
                self.counters.negative_hits.add(1);
                Some(Ok(None))
            }
            Cached::Old(_) | Cached::Nothing => {
                let wait = self.breaker.lock().wait(now)?;
                Some(self.without_store(user, wait, 1))
            }
        }
    }

    /// The best answer if the store cannot be asked, to so many requests.
    pub(crate) fn without_store(&self, user: UserRef<'_>, wait: Duration, requests: usize) -> Found {
        if let Cached::Fresh(account) | Cached::Old(account) = self.cache.get(user, self.now()) {
            self.counters.stale.add(requests);
            return Ok(Some(account));
        }
        self.counters.unavailable.add(requests);
        Err(Unavailable { retry_after: self.retry_after(user, wait) })
    }

    /// Whole seconds, at least one, and for each user a bit more: phones must not all come again at once.
    fn retry_after(&self, user: UserRef<'_>, wait: Duration) -> u32 {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let spread = self.cache.keyed_hash(user) % (self.config.open.as_secs() / 2 + 1);
        u32::try_from(seconds.max(1) + spread).unwrap_or(u32::MAX)
    }

    /// Waits with those who want to know this user.
    pub(crate) fn board(&self, user: &User) -> Boarded {
        let boarded = self.flights.lock().board(user, self.now());
        match boarded {
            Boarded::First(_) => self.counters.misses.add(1),
            Boarded::Joined(_) => self.counters.joined.add(1),
            Boarded::Full => self.counters.rejected.add(1),
        }
        boarded
    }

    /// Since when this user waits; `None` if nobody wants to know any more.
    pub(crate) fn depart(&self, user: &User) -> Option<Instant> {
        self.flights.lock().depart(user)
    }

    /// Whether the store may be asked now.
    pub(crate) fn admit(&self) -> Result<(), Duration> {
        self.breaker.lock().admit(self.now())
    }

    /// Keeps what was learned and tells those who wait.
    pub(crate) fn land(&self, user: &User, outcome: Outcome) {
        let is_late = matches!(outcome, Outcome::TooLate);
        let wait = match outcome {
            Outcome::Answered(asked, Ok(found)) => return self.answer(user, asked, found),
            Outcome::Answered(asked, Err(error @ SourceError::Account(_))) => {
                self.counters.unusable.add(1);
                self.tell(StoreEvent::Unusable(user, &error));
                return self.answer(user, asked, None);
            }
            Outcome::Answered(_, Err(error)) => {
                self.failed(&error);
                self.breaker.lock().wait(self.now()).unwrap_or_default()
            }
            Outcome::LeftAlone(wait) => wait,
            Outcome::TooLate => Duration::ZERO,
        };
        let waiting = self.flights.lock().land(user);
        if is_late {
            self.counters.rejected.add(waiting.len());
        }
        let found = self.without_store(user.borrow(), wait, waiting.len());
        tell_all(waiting, &found);
    }

    fn answer(&self, user: &User, asked: Instant, found: Option<Arc<Account>>) {
        let took = usize::try_from(self.now().saturating_duration_since(asked).as_micros()).unwrap_or(usize::MAX);
        self.counters.answered_in(took);
        let up = self.breaker.lock().succeeded(self.now());
        if let Some(down_for) = up {
            self.tell(StoreEvent::Up(down_for));
        }
        // Before it lands: whoever comes later finds it in the cache.
        self.cache.insert(user, found.clone(), asked);
        tell_all(self.flights.lock().land(user), &Ok(found));
    }

    /// The store did not answer.
    pub(crate) fn failed(&self, error: &SourceError) {
        self.counters.failures.add(1);
        let failed = self.breaker.lock().failed(self.now());
        match failed {
            Failed::First => self.tell(StoreEvent::Failed(error)),
            Failed::Opened => self.tell(StoreEvent::Down(error)),
            Failed::Again => {}
        }
    }

    pub(crate) fn stats(&self) -> RemoteStats {
        let now = self.now();
        let (known, unknown) = self.cache.len();
        let down_since = self.breaker.lock().down_since();
        RemoteStats {
            down_for: down_since.map(|since| now.saturating_duration_since(since)),
            waiting: self.flights.lock().waiting(),
            known,
            unknown,
            ..self.counters.read()
        }
    }

    fn tell(&self, event: StoreEvent<'_>) {
        (self.hooks.on_event)(event);
    }
}

/// Those who no longer listen have gone of their own will.
fn tell_all(waiting: Vec<oneshot::Sender<Found>>, found: &Found) {
    for sender in waiting {
        let _ = sender.send(found.clone());
    }
}
