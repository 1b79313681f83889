//! A disk in memory, which can fail.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::StorageBackend;

/// A generator of random numbers, the same ones for the same seed (xorshift64*).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..4 {
            random.next();
        }
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % limit
    }
}

/// What happens when the disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The operation is done in part or not at all, as are those that were not synced.
    PowerCut,
    /// It is refused, and so are all that follow.
    Full,
    /// It is refused.
    Hiccup,
}

/// A disk of which it is known what is synced.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// What a reader sees.
    bytes: Vec<u8>,
    /// What is there for certain after a power cut.
    synced: Vec<u8>,
    /// What was done since.
    unsynced: Vec<Operation>,
    operations: usize,
    failure: Option<(usize, Failure)>,
}

#[derive(Clone, Debug)]
enum Operation {
    Write(usize, Vec<u8>),
    Resize(usize),
    Sync,
}

impl Memory {
    pub(super) fn new(bytes: Vec<u8>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inner { synced: bytes.clone(), bytes, ..Inner::default() })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.inner().bytes.clone()
    }

    /// How many times it was written to, resized and synced.
    pub(super) fn operations(&self) -> usize {
        self.inner().operations
    }

    /// From now on, so many operations succeed, and the next one does not.
    pub(super) fn fail_after(&self, more: usize, failure: Failure) {
        let mut inner = self.inner();
        inner.failure = Some((inner.operations + more, failure));
    }

    pub(super) fn heal(&self) {
        self.inner().failure = None;
    }

    /// What is there after a power cut: what was synced, and any of what was done since, in part or as a whole.
    pub(super) fn survivors(&self, random: &mut Random) -> Vec<u8> {
        let inner = self.inner();
        let mut bytes = inner.synced.clone();
        let luck = random.below(3);
        for operation in &inner.unsynced {
            match (luck, random.below(4)) {
                (0, _) | (1, 0 | 1) => {}
                (1, 2) => operation.tear(&mut bytes, random),
                _ => operation.apply(&mut bytes),
            }
        }
        bytes
    }

    fn operate(&self, operation: Operation) -> io::Result<()> {
        let mut inner = self.inner();
        inner.operations += 1;
        match inner.failure {
            Some((at, Failure::PowerCut)) if inner.operations > at => {
                if inner.operations == at + 1 && !matches!(operation, Operation::Sync) {
                    inner.unsynced.push(operation);
                }
                Err(io::Error::other("the power is cut"))
            }
            Some((at, Failure::Hiccup)) if inner.operations == at + 1 => Err(io::ErrorKind::Interrupted.into()),
            Some((at, Failure::Full)) if inner.operations > at => Err(io::ErrorKind::StorageFull.into()),
            _ if matches!(operation, Operation::Sync) => {
                let Inner { synced, unsynced, .. } = &mut *inner;
                unsynced.drain(..).for_each(|operation| operation.apply(synced));
                Ok(())
            }
            _ => {
                operation.apply(&mut inner.bytes);
                inner.unsynced.push(operation);
                Ok(())
            }
        }
    }
}

impl Operation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            // What is written behind the end is lost if the file was not made longer.
            Self::Write(at, data) => {
                let end = bytes.len().min(at + data.len());
                if let Some(room) = bytes.get_mut(*at..end) {
                    room.copy_from_slice(&data[..room.len()]);
                }
            }
            Self::Resize(length) => bytes.resize(*length, 0),
            Self::Sync => {}
        }
    }

    /// Some sectors of a write get through, and others do not.
    fn tear(&self, bytes: &mut Vec<u8>, random: &mut Random) {
        const SECTOR: usize = 512;
        let Self::Write(at, data) = self else { return self.apply(bytes) };
        for (sector, part) in data.chunks(SECTOR).enumerate() {
            if random.below(2) == 0 {
                Self::Write(at + sector * SECTOR, part.to_vec()).apply(bytes);
            }
        }
    }
}

impl StorageBackend for Memory {
    fn len(&self) -> io::Result<u64> {
        Ok(self.inner().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inner = self.inner();
        let at = usize::try_from(offset).unwrap();
        let found = inner.bytes.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.operate(Operation::Resize(usize::try_from(length).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.operate(Operation::Sync)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.operate(Operation::Write(usize::try_from(offset).unwrap(), bytes.to_vec()))
    }
}
