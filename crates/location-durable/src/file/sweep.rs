//! Deleting what does not count any more.

use std::ops::RangeBounds;

use redb::{Key, ReadableTable, Table, Value, WriteTransaction};

use super::commit::Draft;
use super::error::Fault;
use super::state::STATE;
use super::{JOURNAL, SNAPSHOT};

/// How much one commit deletes, so that it does not take long: in bytes of blobs.
const SLICE_BYTES: usize = 4 << 20;
/// What deleting costs besides, in the same unit: so it is a few hundred blobs at most.
const EACH_BYTES: usize = 16 << 10;

/// Deletes some of it, and says whether nothing is left.
pub(super) fn sweep(
    transaction: &WriteTransaction,
    meta: &mut Table<'_, u32, &'static [u8]>,
    draft: &Draft,
) -> Result<bool, Fault> {
    let state = &draft.state;
    let budget = &mut { SLICE_BYTES };
    let journal = &mut transaction.open_table(JOURNAL)?;
    let snapshot = &mut transaction.open_table(SNAPSHOT)?;
    let counts = (state.generation, 0)..(state.generation, state.parts);
    let written = draft.writing.as_ref().map_or(u32::MAX, |writing| writing.generation);
    Ok(delete(journal, ..state.from, budget)?
        && delete(snapshot, ..counts.start, budget)?
        && delete(snapshot, counts.end..(written, 0), budget)?
        && delete(meta, STATE + 1..state.first_run, budget)?)
}

/// Deletes keys in a range until there is none or the budget is spent; says whether there is none.
fn delete<K>(
    table: &mut Table<'_, K, &'static [u8]>,
    range: impl RangeBounds<K> + Clone,
    budget: &mut usize,
) -> Result<bool, Fault>
where
    K: Key + for<'a> Value<SelfType<'a> = K> + Clone + 'static,
{
    loop {
        let Some((key, bytes)) =
            table.range::<K>(range.clone())?.next().transpose()?.map(|(key, value)| (key.value(), value.value().len()))
        else {
            return Ok(true);
        };
        if *budget == 0 {
            return Ok(false);
        }
        table.remove(key)?;
        *budget = budget.saturating_sub(bytes + EACH_BYTES);
    }
}
