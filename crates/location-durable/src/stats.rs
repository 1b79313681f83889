//! What is counted.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// What a table on disk has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DurableStats {
    /// Writes that are on disk, each a group of changes, a part of a snapshot, or both.
    pub writes: u64,
    /// Changes in them.
    pub changes: u64,
    /// Bytes of those changes.
    pub change_bytes: u64,
    /// Bytes written to the file for that, snapshots and the structure of the file included.
    pub written_bytes: u64,
    /// How long all writes took together, in microseconds.
    pub write_us: u64,
    /// How long the last one took.
    pub last_write_us: u64,
    /// How long the longest write took, in microseconds.
    pub longest_write_us: u64,
    /// Writes that failed.
    pub failures: u64,
    /// Changes that were taken back because they could not be written; all of them were answered 503.
    pub taken_back: u64,
    /// Snapshots that were finished.
    pub snapshots: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Whether the disk keeps nothing at the moment, so that every change is refused.
    pub is_failing: bool,
}

impl DurableStats {
    /// The counters, each with its name.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        [
            ("location_writes", self.writes),
            ("location_changes", self.changes),
            ("location_change_bytes", self.change_bytes),
            ("location_written_bytes", self.written_bytes),
            ("location_write_us", self.write_us),
            ("location_longest_write_us", self.longest_write_us),
            ("location_failures", self.failures),
            ("location_taken_back", self.taken_back),
            ("location_snapshots", self.snapshots),
            ("location_file_bytes", self.file_bytes),
        ]
        .into_iter()
    }
}

/// The same, written by one thread and read by others.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    writes: AtomicU64,
    changes: AtomicU64,
    change_bytes: AtomicU64,
    written_bytes: AtomicU64,
    write_us: AtomicU64,
    last_write_us: AtomicU64,
    longest_write_us: AtomicU64,
    failures: AtomicU64,
    taken_back: AtomicU64,
    snapshots: AtomicU64,
    file_bytes: AtomicU64,
    is_failing: AtomicBool,
    last_failure: Mutex<Option<String>>,
}

impl Counters {
    pub(crate) fn wrote(&self, changes: u32, change_bytes: usize, written: u64, took: Duration) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.changes.fetch_add(changes.into(), Ordering::Relaxed);
        self.change_bytes.fetch_add(change_bytes as u64, Ordering::Relaxed);
        self.written_bytes.fetch_add(written, Ordering::Relaxed);
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.write_us.fetch_add(took, Ordering::Relaxed);
        self.last_write_us.store(took, Ordering::Relaxed);
        self.longest_write_us.fetch_max(took, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, why: &dyn Display) {
        *self.last_failure.lock() = Some(why.to_string());
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.is_failing.store(true, Ordering::Relaxed);
    }

    pub(crate) fn recovered(&self) {
        self.is_failing.store(false, Ordering::Relaxed);
    }

    pub(crate) fn last_failure(&self) -> Option<String> {
        self.last_failure.lock().clone()
    }

    pub(crate) fn took_back(&self, changes: usize) {
        self.taken_back.fetch_add(changes as u64, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) {
        self.snapshots.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn file_is(&self, bytes: u64) {
        self.file_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> DurableStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        DurableStats {
            writes: of(&self.writes),
            changes: of(&self.changes),
            change_bytes: of(&self.change_bytes),
            written_bytes: of(&self.written_bytes),
            write_us: of(&self.write_us),
            last_write_us: of(&self.last_write_us),
            longest_write_us: of(&self.longest_write_us),
            failures: of(&self.failures),
            taken_back: of(&self.taken_back),
            snapshots: of(&self.snapshots),
            file_bytes: of(&self.file_bytes),
            is_failing: self.is_failing.load(Ordering::Relaxed),
        }
    }
}
