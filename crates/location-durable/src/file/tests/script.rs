//! A writer that does at random what the location thread does, and a model of what it has written.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use redb::StorageBackend;

use super::super::{Commit, Entry, File, OpenError, Opened, RunClock, SnapshotStep, WriteError};
use super::memory::Random;

/// What the file should say: the value of each key.
pub(super) type Model = BTreeMap<u8, Vec<u8>>;

pub(super) const NAME: &str = "location.redb";

pub(super) const CLOCK: RunClock = RunClock { steady: 1, wall: 2, boot: None };

pub(super) fn open(disk: Arc<dyn StorageBackend>) -> Result<(File, Opened), OpenError> {
    File::open_on(disk, Path::new(NAME), None)
}

pub(super) fn create(disk: Arc<dyn StorageBackend>) -> File {
    File::create_on(disk, Path::new(NAME)).unwrap()
}

/// One change: a value for the key, or none.
pub(super) type Change = (u8, Option<Vec<u8>>);

pub(super) fn write_changes(changes: &[Change], out: &mut Vec<u8>) {
    for (key, value) in changes {
        match value {
            Some(value) => Entry::Put(&[&[*key], value.as_slice()].concat()).write(out),
            None => Entry::Delete(&[*key]).write(out),
        }
    }
}

pub(super) fn apply(changes: &[Change], model: &mut Model) {
    for (key, value) in changes {
        match value {
            Some(value) => model.insert(*key, value.clone()),
            None => model.remove(key),
        };
    }
}

/// All that the file says.
pub(super) fn contents(file: &File) -> Result<Model, OpenError> {
    let mut model = Model::new();
    let mut each = |blob: super::super::Blob| {
        for entry in blob.entries() {
            match entry {
                Entry::Put(bytes) => model.insert(bytes[0], bytes[1..].to_vec()),
                Entry::Delete(key) => model.remove(&key[0]),
            };
        }
    };
    file.read(&mut each, &mut |done, of| assert!(done <= of))?;
    Ok(model)
}

/// The writer. It forgets everything but the model when the file is opened anew.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) model: Model,
    /// Whether only changes are written.
    pub(super) journal_only: bool,
    /// The first key that the snapshot does not have, while one is being written.
    snapshot: Option<u16>,
}

impl Script {
    /// Writes changes, and perhaps a step of a snapshot; says what the file is if that succeeds, and what became of it.
    pub(super) fn commit(&mut self, file: &mut File, random: &mut Random) -> (Model, Result<(), WriteError>) {
        let changes = random_changes(random);
        let mut entries = Vec::new();
        write_changes(&changes, &mut entries);
        let mut after = self.model.clone();
        apply(&changes, &mut after);

        let mut part = Vec::new();
        let (step, next) = match (self.snapshot, random.below(12)) {
            (None, 0..6) => (None, None),
            (None, _) if self.journal_only => (None, None),
            (None, _) => (Some(SnapshotStep::Begin), Some(0)),
            // The one that is being written is given up.
            (Some(_), 0) => (Some(SnapshotStep::Begin), Some(0)),
            (Some(256), _) => (Some(SnapshotStep::Finish), None),
            (Some(from), _) => {
                // It sees the table, which has the changes that are about to be written.
                let until = (from + 100).min(256);
                let keys = after.iter().filter(|(key, _)| (from..until).contains(&u16::from(**key)));
                write_changes(&keys.map(|(key, value)| (*key, Some(value.clone()))).collect::<Vec<_>>(), &mut part);
                (Some(SnapshotStep::Part(&part)), Some(until))
            }
        };
        let result = file.commit(&Commit { entries: &entries, clock: CLOCK, snapshot: step }).map(drop);
        if result.is_ok() {
            self.model.clone_from(&after);
            self.snapshot = next;
        }
        (after, result)
    }

    pub(super) fn of_changes_only() -> Self {
        Self { journal_only: true, ..Self::default() }
    }

    pub(super) fn reopened(model: Model) -> Self {
        Self { model, ..Self::default() }
    }
}

/// None, few, or many; small ones, and sometimes one that needs pages of its own.
fn random_changes(random: &mut Random) -> Vec<Change> {
    let many = [0, 1, 1, 2, 5, 40][random.below(6)];
    let change = |random: &mut Random| {
        let key = u8::try_from(random.below(256)).unwrap();
        let size = if random.below(20) == 0 { random.below(9000) } else { random.below(200) };
        let value = (random.below(4) > 0).then(|| (0..size).map(|_| random.next().to_le_bytes()[3]).collect());
        (key, value)
    };
    (0..many).map(|_| change(random)).collect()
}
