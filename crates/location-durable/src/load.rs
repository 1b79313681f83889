//! From the file to the table.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use sip_dispatch::Share;
use sip_registrar::location::{Journal, Loader, Table};
use sip_registrar::{Aor, CodecError, Record};
use sip_transport::{Now, Timestamp};

use crate::Progress;
use crate::clock::shift;
use crate::file::{Blob, Damage, Entry, File, OpenError, RunClock, Summary};

/// How many pieces of the file may wait for a lane.
const AHEAD: usize = 8;

/// Changes of the journal that a lane takes up before they are made: it may have many of one address, and all but the last
/// take memory in vain. The snapshot has each address once, and is taken up as a whole. In tests so few that they come to it.
const AT_ONCE: usize = if cfg!(test) { 2 } else { 1 << 13 };

/// Why there is no table.
#[derive(Debug)]
pub(crate) enum LoadError {
    File(OpenError),
    /// What the file holds is as it was written, but it is no record.
    Record(CodecError),
}

impl LoadError {
    /// The same, of a file.
    pub(crate) fn of(self, file: &Path) -> OpenError {
        match self {
            Self::File(error) => error,
            Self::Record(error) => {
                OpenError::Damaged { file: file.to_owned(), what: Damage::Unreadable { what: error.to_string() } }
            }
        }
    }
}

/// Puts everything into `table` that the file holds, expired or not. With a grace, what lived by a connection is suspect
/// and ends when that is over.
pub(crate) fn load<J: Journal>(
    file: &File,
    table: &Table<J>,
    now: Now,
    restart_grace: Option<Duration>,
    clock: &RunClock,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary, LoadError> {
    let shifts: BTreeMap<u32, i64> = file.runs().iter().map(|(run, then)| (*run, shift(then, clock))).collect();
    let lanes = thread::available_parallelism().map_or(1, |cores| cores.get().min(8));
    let millis = |grace: Duration| u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
    let lost = restart_grace.map(|grace| now.at.plus_millis(millis(grace)));
    thread::scope(|scope| {
        let mut senders: Vec<SyncSender<Arc<Blob>>> = Vec::new();
        let mut threads = Vec::new();
        for place in 0..lanes {
            let (sender, blobs) = sync_channel(AHEAD);
            let loader = table.loader(Share { index: place, of: lanes });
            let lane = Lane { loader, shifts: &shifts, now, lost };
            senders.push(sender);
            threads.push(scope.spawn(move || lane.run(&blobs)));
        }
        let read = file.read(
            &mut |blob| {
                let blob = Arc::new(blob);
                // A lane that has found damage takes no more; it says so in the end.
                senders.iter().for_each(|lane| drop(lane.send(Arc::clone(&blob))));
            },
            &mut |done, of| progress(Progress { done, of }),
        );
        drop(senders);
        let lanes = threads.into_iter().map(|lane| lane.join().unwrap_or_else(|panic| resume_unwind(panic)));
        let lanes: Result<(), CodecError> = lanes.collect();
        let summary = read.map_err(LoadError::File)?;
        lanes.map(|()| summary).map_err(LoadError::Record)
    })
}

/// A thread that sees to some of the addresses: all that concerns one of them passes through one lane, in order.
struct Lane<'a, J> {
    loader: Loader<'a, J>,
    shifts: &'a BTreeMap<u32, i64>,
    now: Now,
    /// Until when clients of the last process's connections may come back.
    lost: Option<Timestamp>,
}

impl<J: Journal> Lane<'_, J> {
    fn run(self, blobs: &Receiver<Arc<Blob>>) -> Result<(), CodecError> {
        let Self { mut loader, shifts, now, lost } = self;
        while let Ok(blob) = blobs.recv() {
            if loader.waiting() >= AT_ONCE && !blob.is_of_snapshot() {
                loader.make(now);
            }
            // The file has the clock of every run of which it gives something.
            let shift = shifts.get(&blob.run()).copied().unwrap_or(0);
            for entry in blob.entries() {
                let aor = match entry {
                    Entry::Delete(aor) => aor,
                    Entry::Put(record) => Record::aor_in(record),
                };
                let aor = Aor::from_canonical(aor);
                let Some(place) = loader.place(&aor) else { continue };
                match entry {
                    Entry::Delete(_) => loader.remove(place, &aor),
                    Entry::Put(bytes) => {
                        loader.put(place, Record::from_bytes(bytes)?.reloaded(shift, now.at, lost));
                    }
                }
            }
        }
        loader.make(now);
        Ok(())
    }
}
