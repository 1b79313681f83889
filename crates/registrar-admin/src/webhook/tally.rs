//! What has become of a webhook's events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use registrar_api::WebhookStatus;

/// Counted by the sender, read by others.
#[derive(Clone, Debug)]
pub(crate) struct Tally(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    place: String,
    delivered: AtomicU64,
    failed: AtomicU64,
    missed: AtomicU64,
    /// The number behind the last event that was taken, or is none for it.
    done: AtomicU64,
    failure: Mutex<Option<String>>,
}

impl Tally {
    pub(super) fn new(place: String, next: u64) -> Self {
        let zero = || AtomicU64::new(0);
        let done = AtomicU64::new(next);
        Self(Arc::new(Counts {
            place,
            delivered: zero(),
            failed: zero(),
            missed: zero(),
            done,
            failure: Mutex::default(),
        }))
    }

    pub(super) fn delivered(&self, events: u64) {
        self.0.delivered.fetch_add(events, Ordering::Relaxed);
    }

    pub(super) fn missed(&self, events: u64) {
        self.0.missed.fetch_add(events, Ordering::Relaxed);
    }

    /// All events before this number are dealt with.
    pub(super) fn done(&self, next: u64) {
        self.0.done.store(next, Ordering::Relaxed);
    }

    /// An attempt has ended so. Gives whether that is news.
    pub(super) fn attempt(&self, failure: Option<&str>) -> bool {
        if failure.is_some() {
            self.0.failed.fetch_add(1, Ordering::Relaxed);
        }
        let mut known = self.0.failure.lock();
        let is_news = known.is_some() != failure.is_some();
        *known = failure.map(str::to_owned);
        is_news
    }

    /// `next`: the number of the event that will be made next.
    pub(crate) fn tell(&self, next: u64) -> WebhookStatus {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counts { place, delivered, failed, missed, done, failure } = &*self.0;
        let failure = failure.lock().clone();
        WebhookStatus {
            url: place.clone(),
            up: failure.is_none(),
            failure,
            delivered: of(delivered),
            failed: of(failed),
            missed: of(missed),
            queued: next.saturating_sub(of(done)),
        }
    }
}
