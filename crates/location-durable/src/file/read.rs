//! Reading all that counts.

use redb::ReadableDatabase;

use super::blob::{Blob, Place};
use super::error::{Damage, Fault, OpenError, guarded};
use super::{File, JOURNAL, SNAPSHOT};

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) blobs: u64,
    pub(crate) bytes: u64,
}

impl File {
    /// Gives each blob that counts, in the order in which they are to be applied: the snapshot, and then the journal.
    /// `progress` is told how many bytes were read, and of how many.
    ///
    /// None may be missing, altered, or in another's place: else it fails, and what was given is not to be used.
    pub(crate) fn read(
        &self,
        each: &mut dyn FnMut(Blob),
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Summary, OpenError> {
        guarded(|| self.read_all(each, progress)).map_err(|fault| fault.of(&self.name))
    }

    fn read_all(&self, each: &mut dyn FnMut(Blob), progress: &mut dyn FnMut(u64, u64)) -> Result<Summary, Fault> {
        let state = &self.state;
        let all = state.snapshot_bytes + state.journal_bytes;
        let mut summary = Summary::default();
        let mut take = |place: Place, found: Option<&[u8]>| {
            let bytes = found.ok_or_else(|| Fault::Damage(Damage::Missing { place: place.to_string() }))?;
            let blob = Blob::check(place, bytes.into())
                .filter(|blob| self.runs.contains_key(&blob.run()))
                .ok_or_else(|| Fault::Damage(Damage::Altered { place: place.to_string() }))?;
            summary.blobs += 1;
            summary.bytes += bytes.len() as u64;
            each(blob);
            progress(summary.bytes, all);
            Ok::<_, Fault>(())
        };
        let transaction = self.database.begin_read()?;

        let snapshot = transaction.open_table(SNAPSHOT)?;
        let generation = state.generation;
        let mut rows = snapshot.range((generation, 0)..(generation, state.parts))?;
        for part in 0..state.parts {
            let row = rows.next().transpose()?;
            let found = row.as_ref().filter(|(key, _)| key.value() == (generation, part));
            take(Place::Snapshot { generation, part }, found.map(|(_, value)| value.value()))?;
        }

        let journal = transaction.open_table(JOURNAL)?;
        let mut rows = journal.range(state.from..=state.last)?;
        for sequence in state.from..=state.last {
            let row = rows.next().transpose()?;
            let found = row.as_ref().filter(|(key, _)| key.value() == sequence);
            take(Place::Journal(sequence), found.map(|(_, value)| value.value()))?;
        }
        Ok(summary)
    }
}
