//! A disk that does as it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use std::{fmt, io};

use parking_lot::{Condvar, Mutex};
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

/// A disk that can be opened again and again, break, and take its time.
#[derive(Clone, Default)]
pub(super) struct Disk(Arc<DiskState>);

#[derive(Default)]
pub(super) struct DiskState {
    bytes: InMemory,
    is_full: AtomicBool,
    /// Whoever syncs waits here as long as it is held.
    is_held: Mutex<bool>,
    let_go: Condvar,
    syncs: AtomicU64,
}

struct InMemory(InMemoryBackend);

impl Default for InMemory {
    fn default() -> Self {
        Self(InMemoryBackend::new())
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl Disk {
    pub(super) fn hold(&self) {
        *self.0.is_held.lock() = true;
    }

    pub(super) fn let_go(&self) {
        *self.0.is_held.lock() = false;
        self.0.let_go.notify_all();
    }

    pub(super) fn fill(&self, is_full: bool) {
        self.0.is_full.store(is_full, Ordering::Relaxed);
    }

    /// What is there now, as if nobody had it open.
    pub(super) fn copy(&self) -> Self {
        let mut bytes = vec![0; usize::try_from(StorageBackend::len(self).unwrap()).unwrap()];
        self.read(0, &mut bytes).unwrap();
        let copy = Self::default();
        copy.set_len(bytes.len() as u64).unwrap();
        StorageBackend::write(&copy, 0, &bytes).unwrap();
        copy
    }

    pub(super) fn syncs(&self) -> u64 {
        self.0.syncs.load(Ordering::Relaxed)
    }

    fn room(&self) -> io::Result<()> {
        if self.0.is_full.load(Ordering::Relaxed) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.0.bytes.0.len()
    }
    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.bytes.0.read(at, out)
    }
    fn set_len(&self, length: u64) -> io::Result<()> {
        self.room()?;
        self.0.bytes.0.set_len(length)
    }
    fn sync_data(&self) -> io::Result<()> {
        let mut is_held = self.0.is_held.lock();
        while *is_held {
            assert!(!self.0.let_go.wait_for(&mut is_held, Duration::from_secs(20)).timed_out(), "nobody lets go");
        }
        self.0.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    fn write(&self, at: u64, data: &[u8]) -> io::Result<()> {
        self.room()?;
        self.0.bytes.0.write(at, data)
    }
}
