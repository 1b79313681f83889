//! The desk between the workers, who note what they change, and the thread that writes it down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use sip_registrar::location::Journal;
use sip_registrar::{Aor, Record, StoreError};

use crate::Mode;
use crate::file::Entry;
use crate::group::{Fate, Group};

/// What the open group may hold. A disk that takes so long that this many bytes of changes gather is one that keeps
/// nothing at the moment.
const MOST_BYTES: usize = 32 << 20;

/// Changes on their way to the disk.
#[derive(Debug)]
pub(crate) struct Desk {
    mode: Mode,
    state: Mutex<State>,
    /// The writer waits here.
    bell: Condvar,
}

#[derive(Debug)]
struct State {
    open: Taken,
    writing: Option<Arc<Group>>,
    door: Door,
    writer_sleeps: bool,
    /// The buffers of the last group, for the next one.
    spare: Option<(Vec<u8>, Vec<Undo>)>,
    /// What the last group has replaced. Workers take it apart bit by bit: memory that another thread gives back is dear
    /// to take again.
    spent: Vec<Undo>,
}

/// Whether changes are noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Open,
    /// The disk keeps nothing at the moment.
    Failing,
    /// For good.
    Closed,
}

/// A group that the writer has taken, or will take.
#[derive(Debug)]
pub(crate) struct Taken {
    /// As in the file.
    pub(crate) entries: Vec<u8>,
    pub(crate) count: u32,
    /// What there was before, in the order in which it was changed.
    pub(crate) undo: Vec<Undo>,
    pub(crate) group: Arc<Group>,
    /// Nothing will follow.
    pub(crate) is_last: bool,
}

impl Taken {
    fn new((entries, undo): (Vec<u8>, Vec<Undo>)) -> Self {
        Self { entries, count: 0, undo, group: Group::new(), is_last: false }
    }
}

/// What a change is taken back by.
#[derive(Debug)]
pub(crate) enum Undo {
    /// To put back what there was.
    Before(Record),
    /// To take away what there is now.
    After(Record),
}

impl Undo {
    fn of(before: Option<&Record>, after: Option<&Record>) -> Option<Self> {
        before.cloned().map(Self::Before).or_else(|| after.cloned().map(Self::After))
    }

    pub(crate) fn aor(&self) -> Aor<'_> {
        let (Self::Before(record) | Self::After(record)) = self;
        record.aor()
    }

    pub(crate) fn before(&self) -> Option<&Record> {
        match self {
            Self::Before(record) => Some(record),
            Self::After(_) => None,
        }
    }
}

/// How much of what is spent a worker takes apart for each change that it notes: more than is added.
const TAKEN_APART: usize = 2;

impl Desk {
    pub(crate) fn new(mode: Mode) -> Self {
        let state = State {
            open: Taken::new(Default::default()),
            writing: None,
            door: Door::Open,
            writer_sleeps: false,
            spare: None,
            spent: Vec::new(),
        };
        Self { mode, state: Mutex::new(state), bell: Condvar::new() }
    }

    /// The newest group that is not settled: whoever has seen its changes waits for it before he tells them.
    pub(crate) fn unsettled(&self) -> Option<Arc<Group>> {
        if self.mode.answers_at_once() {
            return None;
        }
        let state = self.state.lock();
        if state.open.count > 0 { Some(Arc::clone(&state.open.group)) } else { state.writing.clone() }
    }

    /// Waits for changes, and then until `due`, so that many share one write; for `patience` at most. What is taken may
    /// be empty.
    pub(crate) fn wait(&self, due: Instant, patience: Duration) -> Taken {
        let give_up = Instant::now() + patience;
        let mut state = self.state.lock();
        loop {
            let is_last = state.door == Door::Closed;
            let any = state.open.count > 0;
            let until = if any { due.min(give_up) } else { give_up };
            let full = state.open.entries.len() > MOST_BYTES / 2;
            if is_last || full || Instant::now() >= until {
                let spare = state.spare.take().unwrap_or_default();
                let taken = std::mem::replace(&mut state.open, Taken::new(spare));
                state.writing = any.then(|| Arc::clone(&taken.group));
                return Taken { is_last, ..taken };
            }
            state.writer_sleeps = !any;
            self.bell.wait_until(&mut state, until);
            state.writer_sleeps = false;
        }
    }

    /// A group is on disk.
    pub(crate) fn kept(&self, mut taken: Taken) {
        taken.entries.clear();
        let mut state = self.state.lock();
        state.writing = None;
        let mut left = std::mem::replace(&mut state.spent, taken.undo);
        drop(state);
        taken.group.settle(Fate::Kept);
        // What workers have not come to, as when none has noted anything since.
        left.clear();
        self.state.lock().spare = Some((taken.entries, left));
    }

    /// Notes nothing more until [`Desk::reopen`], and gives what was noted since the last group was taken.
    pub(crate) fn fail(&self) -> Taken {
        let mut state = self.state.lock();
        if state.door == Door::Open {
            state.door = Door::Failing;
        }
        state.writing = None;
        std::mem::replace(&mut state.open, Taken::new(Default::default()))
    }

    /// Notes changes again.
    pub(crate) fn reopen(&self) {
        let mut state = self.state.lock();
        if state.door == Door::Failing {
            state.door = Door::Open;
        }
    }

    /// Notes nothing more for good.
    pub(crate) fn close(&self) {
        self.state.lock().door = Door::Closed;
        self.bell.notify_one();
    }

    /// There is no writer any more, for whatever reason: who waits for it is told, and nothing more is noted.
    pub(crate) fn abandon(&self) {
        let mut state = self.state.lock();
        state.door = Door::Closed;
        let open = std::mem::replace(&mut state.open, Taken::new(Default::default()));
        let writing = state.writing.take();
        drop(state);
        writing.iter().chain([&open.group]).for_each(|group| group.settle(Fate::Lost));
    }

    /// Waits while the disk keeps nothing; says whether to end meanwhile.
    pub(crate) fn pause(&self, patience: Duration) -> bool {
        let mut state = self.state.lock();
        if state.door != Door::Closed {
            self.bell.wait_for(&mut state, patience);
        }
        state.door == Door::Closed
    }
}

impl Journal for Desk {
    type Entry = Arc<Group>;

    fn note(&self, aor: &Aor<'_>, before: Option<&Record>, after: Option<&Record>) -> Result<Arc<Group>, StoreError> {
        let mut state = self.state.lock();
        let State { open, door, writer_sleeps, spent, .. } = &mut *state;
        if *door != Door::Open || open.entries.len() > MOST_BYTES {
            return Err(StoreError::Unavailable);
        }
        match after {
            Some(record) => Entry::Put(record.as_bytes()),
            None => Entry::Delete(aor.as_bytes()),
        }
        .write(&mut open.entries);
        open.count += 1;
        open.undo.extend(Undo::of(before, after));
        let group = Arc::clone(&open.group);
        let apart: [_; TAKEN_APART] = std::array::from_fn(|_| spent.pop());
        if *writer_sleeps {
            *writer_sleeps = false;
            self.bell.notify_one();
        }
        drop((state, apart));
        Ok(group)
    }
}

#[cfg(test)]
mod tests {
    use sip_registrar::testing::{register, wait, with_aor};
    use sip_registrar::{Limits, MemoryLocation};
    use sip_transport::Now;

    use super::*;

    fn record() -> Record {
        let (table, now) = (MemoryLocation::default(), Now::from_millis(1));
        let contacts = [("sip:alice@192.0.2.1", 60)];
        let done = wait(register(&table, Limits::default(), "alice", ("call", 1), &contacts, now)).unwrap();
        done.after.unwrap()
    }

    #[test]
    fn what_is_replaced_is_taken_apart_by_who_changes_something_next_or_by_a_writer_that_is_idle() {
        let desk = Desk::new(Mode::Synced);
        let note = |count: u64| {
            for _ in 0..count {
                with_aor("alice", |aor| desk.note(aor, Some(&record()), Some(&record()))).unwrap();
            }
        };
        let spent = || desk.state.lock().spent.len();
        let write = || desk.kept(desk.wait(Instant::now(), Duration::ZERO));
        note(10);
        assert_eq!(spent(), 0);
        write();
        assert_eq!(spent(), 10);
        note(3);
        assert_eq!(spent(), 10 - 3 * TAKEN_APART);
        write();
        assert_eq!(spent(), 3, "what was left of the first group has gone");
        write();
        assert_eq!(spent(), 0);
    }
}
