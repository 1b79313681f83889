//! The ring, and a place in it for each who reads.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use registrar_api::{Event, Missed};
use sip_transport::Timestamp;
use tokio::sync::Notify;

/// How many events are kept for readers that are behind.
pub(crate) const KEPT: usize = 65_536;

/// For how long events are made when nobody reads them any more, in seconds.
const LINGER: u64 = 300;

/// Until when they are made without a reader: not at all, or for [`LINGER`] from the next moment that is known on.
const NEVER: u64 = 0;
const BEGINS: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Log {
    ring: Mutex<Ring>,
    readers: AtomicUsize,
    /// A [`Timestamp`], [`NEVER`] or [`BEGINS`].
    lingers: AtomicU64,
    more: Notify,
}

#[derive(Debug)]
struct Ring {
    /// The number of the first event since which none was left out because nobody read.
    since: u64,
    /// The number of the first that is kept.
    first: u64,
    events: VecDeque<Arc<Event>>,
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// With what happens from now on.
    Now,
    /// Behind the event with this number, the last that it knows.
    After(u64),
}

/// One who reads.
#[derive(Debug)]
pub(crate) struct Reader {
    log: Arc<Log>,
    next: u64,
    /// It was behind where nobody knows what happened.
    is_lost: bool,
}

/// What a reader is given.
pub(crate) struct Batch {
    /// Events that are no longer there come first, if there are any.
    pub(crate) missed: Option<Missed>,
    pub(crate) events: Vec<Arc<Event>>,
}

impl Default for Log {
    fn default() -> Self {
        // A microsecond for each event: what a process numbers is beyond all that the one before has.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let first = u64::try_from(since).unwrap_or_default();
        Self {
            ring: Mutex::new(Ring { since: first, first, events: VecDeque::new() }),
            readers: AtomicUsize::new(0),
            lingers: AtomicU64::new(NEVER),
            more: Notify::new(),
        }
    }
}

impl Log {
    pub(crate) fn reader(this: &Arc<Self>, from: From) -> Reader {
        this.readers.fetch_add(1, Ordering::SeqCst);
        let ring = this.ring.lock();
        let (next, is_lost) = match from {
            From::Now => (ring.next(), false),
            From::After(id) => match id.checked_add(1).filter(|next| (ring.since..=ring.next()).contains(next)) {
                Some(next) => (next, false),
                None => (ring.first, true),
            },
        };
        Reader { log: Arc::clone(this), next, is_lost }
    }

    pub(crate) fn readers(&self) -> usize {
        self.readers.load(Ordering::Relaxed)
    }

    pub(crate) fn next(&self) -> u64 {
        self.ring.lock().next()
    }

    /// Whether what happens now is to be made an event.
    pub(crate) fn is_kept(&self, now: Timestamp) -> bool {
        self.readers() > 0
            || match self.lingers.load(Ordering::Relaxed) {
                NEVER => false,
                BEGINS => {
                    let until = now.plus_seconds(LINGER).0;
                    // Whoever was first, or a reader, has said it.
                    let _ = self.lingers.compare_exchange(BEGINS, until, Ordering::Relaxed, Ordering::Relaxed);
                    true
                }
                until if now.0 < until => true,
                until => {
                    if self.lingers.compare_exchange(until, NEVER, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                        self.ring.lock().clear();
                    }
                    false
                }
            }
    }

    /// Gives the event its number and its place.
    pub(crate) fn push(&self, mut event: Event) {
        let mut ring = self.ring.lock();
        event.id = ring.next();
        if ring.events.len() == KEPT {
            ring.events.pop_front();
            ring.first += 1;
        }
        ring.events.push_back(Arc::new(event));
        drop(ring);
        self.more.notify_waiters();
    }
}

impl Ring {
    fn next(&self) -> u64 {
        self.first + u64::try_from(self.events.len()).unwrap_or_default()
    }

    /// Nobody is left to be told. A number is left out, so that whoever knows the last one can see that it missed others.
    fn clear(&mut self) {
        self.first = self.next() + 1;
        self.since = self.first;
        self.events = VecDeque::new();
    }
}

impl Reader {
    /// What has happened since; waits until something has.
    /// At most so many are given at once.
    pub(crate) async fn next(&mut self, at_once: usize) -> Batch {
        let log = Arc::clone(&self.log);
        loop {
            let more = log.more.notified();
            tokio::pin!(more);
            // From here on nothing that is pushed is missed.
            more.as_mut().enable();
            if let Some(batch) = self.take(at_once) {
                return batch;
            }
            more.await;
        }
    }

    /// The same, if something has.
    pub(crate) fn take(&mut self, at_once: usize) -> Option<Batch> {
        let ring = self.log.ring.lock();
        let missed = ring.first.saturating_sub(self.next);
        let from = usize::try_from((self.next + missed).saturating_sub(ring.first)).unwrap_or(usize::MAX);
        let events: Vec<_> = ring.events.iter().skip(from).take(at_once).cloned().collect();
        self.next += missed + u64::try_from(events.len()).unwrap_or_default();
        let missed = match std::mem::take(&mut self.is_lost) {
            true => Some(Missed { missed: None }),
            false => (missed > 0).then_some(Missed { missed: Some(missed) }),
        };
        (missed.is_some() || !events.is_empty()).then_some(Batch { missed, events })
    }

    /// The number of the event that it is given next.
    pub(crate) fn at(&self) -> u64 {
        self.next
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Before there is none, so that nothing is left out between.
        self.log.lingers.store(BEGINS, Ordering::SeqCst);
        self.log.readers.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::event;
    use registrar_api::EventKind;
    use sip_registrar::reason;
    use sip_transport::Now;

    const START: u64 = 1_000;
    const AT_ONCE: usize = 256;

    fn log() -> Arc<Log> {
        let log = Log::default();
        *log.ring.lock() = Ring { since: START, first: START, events: VecDeque::new() };
        Arc::new(log)
    }

    /// Something that happens at this second.
    fn happens(log: &Log, second: u64) {
        let now = Now::from_millis(1_000_000 + second * 1000);
        if log.is_kept(now.at) {
            log.push(event(EventKind::BackendUp, reason::REGISTERED, now));
        }
    }

    fn taken(reader: &mut Reader) -> Option<(Option<Missed>, Vec<u64>)> {
        reader.take(AT_ONCE).map(|batch| (batch.missed, batch.events.iter().map(|event| event.id - START).collect()))
    }

    fn missed(missed: impl Into<Option<u64>>) -> Option<Missed> {
        Some(Missed { missed: missed.into() })
    }

    #[test]
    fn each_reader_has_its_place_and_is_told_what_it_missed() {
        let log = log();
        let mut slow = Log::reader(&log, From::Now);
        (0..3).for_each(|_| happens(&log, 0));
        let mut late = Log::reader(&log, From::Now);
        assert_eq!(taken(&mut late), None);
        assert_eq!(taken(&mut slow), Some((None, vec![0, 1, 2])));
        (0..=KEPT).for_each(|_| happens(&log, 0));
        let (gone, ids) = taken(&mut slow).unwrap();
        assert_eq!((gone, ids.len(), ids[0]), (missed(1), AT_ONCE, 4));
    }

    #[test]
    fn who_comes_back_within_five_minutes_goes_on_where_it_was() {
        let log = log();
        happens(&log, 0);
        let mut reader = Log::reader(&log, From::Now);
        happens(&log, 0);
        assert_eq!(taken(&mut reader), Some((None, vec![0])), "what nobody reads has no number");
        drop(reader);
        (1..LINGER).for_each(|second| happens(&log, second));
        let (gone, ids) = taken(&mut Log::reader(&log, From::After(START))).unwrap();
        assert_eq!((gone, ids[0], ids.len()), (None, 1, AT_ONCE));
    }

    #[test]
    fn who_comes_back_later_or_to_another_process_is_told_that_it_missed_something() {
        let log = log();
        let mut reader = Log::reader(&log, From::Now);
        happens(&log, 0);
        assert_eq!(taken(&mut reader), Some((None, vec![0])));
        drop(reader);
        [1, LINGER + 2].into_iter().for_each(|second| happens(&log, second));
        assert!(log.ring.lock().events.is_empty(), "it was kept for five minutes");
        // The last it knew, the last there was, one of a process before, and one that never was.
        for known in [START, START + 1, 7, u64::MAX] {
            let mut reader = Log::reader(&log, From::After(known));
            assert_eq!(taken(&mut reader), Some((missed(None), Vec::new())), "{known}");
            assert_eq!(taken(&mut reader), None);
        }
        let mut reader = Log::reader(&log, From::Now);
        happens(&log, LINGER + 3);
        assert_eq!(taken(&mut reader), Some((None, vec![3])));
    }
}
