//! What stands between the storage engine and the disk.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use redb::StorageBackend;

use super::front;

/// The engine's part of the file, which comes after the first page.
///
/// What the engine writes is held back until it is let go, and read as if it had been written. So a file can be opened,
/// repaired and read to the end, and is not touched if there is something wrong with it.
pub(super) struct Gate {
    disk: Arc<dyn StorageBackend>,
    /// `None`: nothing is held back any more.
    held: Mutex<Option<Vec<Step>>>,
    written: AtomicU64,
}

/// What the engine did, in order. It is little: a repair writes the header, and a page or two.
enum Step {
    Write(u64, Box<[u8]>),
    Resize(u64),
    Sync,
}

impl Gate {
    /// A gate that lets everything through.
    pub(super) fn open(disk: Arc<dyn StorageBackend>) -> Arc<Self> {
        Arc::new(Self { disk, held: Mutex::new(None), written: AtomicU64::new(0) })
    }

    /// A gate that holds everything back.
    pub(super) fn closed(disk: Arc<dyn StorageBackend>) -> Arc<Self> {
        Arc::new(Self { disk, held: Mutex::new(Some(Vec::new())), written: AtomicU64::new(0) })
    }

    pub(super) fn disk(&self) -> &dyn StorageBackend {
        &*self.disk
    }

    pub(super) fn is_closed(&self) -> bool {
        self.held.lock().is_some()
    }

    /// Does what was held back, in the same order, and holds back nothing any more.
    pub(super) fn let_go(&self) -> io::Result<()> {
        let mut held = self.held.lock();
        for step in held.iter().flatten() {
            match step {
                Step::Write(at, bytes) => self.write_through(*at, bytes)?,
                Step::Resize(length) => self.disk.set_len(front::LENGTH + length)?,
                Step::Sync => self.disk.sync_data()?,
            }
        }
        *held = None;
        Ok(())
    }

    /// Bytes written so far.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    fn write_through(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.disk.write(front::LENGTH + at, bytes)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.len()?.saturating_sub(front::LENGTH))
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

/// The gate, as the engine has it.
#[derive(Debug)]
pub(super) struct Behind(pub(super) Arc<Gate>);

impl StorageBackend for Behind {
    fn len(&self) -> io::Result<u64> {
        let held = self.0.held.lock();
        let last = held.iter().flatten().rev().find_map(|step| match step {
            Step::Resize(length) => Some(*length),
            Step::Write(..) | Step::Sync => None,
        });
        last.map_or_else(|| self.0.length(), Ok)
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        let held = self.0.held.lock();
        let Some(steps) = &*held else {
            drop(held);
            return self.0.disk.read(front::LENGTH + at, out);
        };
        // What the file has of it, and then all that was done to it since.
        out.fill(0);
        if let Some((there, _)) = split(out, at, self.0.length()?) {
            self.0.disk.read(front::LENGTH + at, there)?;
        }
        for step in steps {
            match step {
                Step::Write(start, bytes) => lay_over(out, at, bytes, *start),
                Step::Resize(length) => match split(out, at, *length) {
                    Some((_, beyond)) => beyond.fill(0),
                    None => out.fill(0),
                },
                Step::Sync => {}
            }
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        match &mut *self.0.held.lock() {
            Some(steps) => steps.push(Step::Resize(length)),
            None => self.0.disk.set_len(front::LENGTH + length)?,
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        match &mut *self.0.held.lock() {
            Some(steps) => steps.push(Step::Sync),
            None => self.0.disk.sync_data()?,
        }
        Ok(())
    }

    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        match &mut *self.0.held.lock() {
            Some(steps) => steps.push(Step::Write(at, bytes.into())),
            None => self.0.write_through(at, bytes)?,
        }
        Ok(())
    }
}

/// The part of `out`, which stands for what begins at `at`, that is before `border`, and the one behind it.
fn split(out: &mut [u8], at: u64, border: u64) -> Option<(&mut [u8], &mut [u8])> {
    let before = usize::try_from(border.checked_sub(at)?).unwrap_or(usize::MAX).min(out.len());
    out.split_at_mut_checked(before)
}

/// Copies what two stretches of a file have in common: `bytes` from `start` into `out` from `at`.
fn lay_over(out: &mut [u8], at: u64, bytes: &[u8], start: u64) {
    let gap = |from: u64, to: u64| usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    let (to, from) = (out.get_mut(gap(at, start)..), bytes.get(gap(start, at)..));
    if let (Some(to), Some(from)) = (to, from) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
}

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;

    use super::*;

    fn disk() -> Arc<InMemoryBackend> {
        let disk = Arc::new(InMemoryBackend::new());
        disk.set_len(front::LENGTH + 10).unwrap();
        disk.write(front::LENGTH, &[1; 10]).unwrap();
        disk
    }

    fn bytes(backend: &dyn StorageBackend) -> Vec<u8> {
        let mut bytes = vec![9; usize::try_from(backend.len().unwrap()).unwrap()];
        backend.read(0, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_held_back_is_read_as_if_it_were_written() {
        let disk = disk();
        let before = bytes(&*disk);
        let gate = Gate::closed(disk.clone());
        let engine = Behind(gate.clone());
        engine.write(2, &[2; 3]).unwrap();
        engine.write(4, &[3; 3]).unwrap();
        engine.set_len(6).unwrap();
        engine.sync_data().unwrap();
        engine.set_len(12).unwrap();
        let expected = [1, 1, 2, 2, 3, 3, 0, 0, 0, 0, 0, 0];
        assert_eq!(bytes(&engine), expected);
        for (start, end) in [(0, 3), (3, 5), (5, 8), (7, 12)] {
            let mut part = vec![9; end - start];
            engine.read(start as u64, &mut part).unwrap();
            assert_eq!(part, expected[start..end], "from {start} to {end}");
        }
        assert_eq!(bytes(&*disk), before, "the disk has seen nothing of it");

        gate.let_go().unwrap();
        assert_eq!(bytes(&*disk)[usize::try_from(front::LENGTH).unwrap()..], expected);
        engine.write(0, &[5]).unwrap();
        assert_eq!(bytes(&engine)[0], 5);
        assert_eq!(bytes(&*disk)[usize::try_from(front::LENGTH).unwrap()], 5);
    }
}
