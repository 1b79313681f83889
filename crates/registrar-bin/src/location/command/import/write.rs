//! From what was gathered to the table.

use std::collections::VecDeque;

use sip_dispatch::{Answer, BoxFuture};
use sip_registrar::{LocationService, Record, RecordBuilder, StoreError};

use super::collected::{ByAor, Collected};
use crate::Failure;
use crate::location::command::target::OpenTable;
use crate::location::command::{runtime, wait};
use crate::location::progress::Bar;

/// How many records may be on their way to the disk.
const AHEAD: usize = 16_384;

/// What was done.
#[derive(Default)]
pub(super) struct Written {
    pub(super) addresses: usize,
    pub(super) bindings: usize,
    /// Addresses of which there were bindings.
    pub(super) left_alone: usize,
}

/// Puts all records into the table and waits until they are on disk.
///
/// # Errors
/// The disk does not keep them, or there are more than the table may hold. A part of them may be in the table.
pub(super) fn write(collected: Collected, table: &OpenTable, replace: bool) -> Result<Written, Failure> {
    let runtime = runtime()?;
    let now = collected.now;
    let bar = Bar::things("writing addresses", collected.records.len());
    let (mut written, mut kept) = (Written::default(), 0);
    let mut on_the_way: VecDeque<BoxFuture<'static, Result<(), StoreError>>> = VecDeque::new();
    let failed = |error: StoreError, kept: usize| {
        let again = "what was imported until now is there; import once more when the cause is mended";
        Failure::Machine(format!("error: after {kept} addresses: {error}\nhelp: {again}"))
    };
    for ByAor(record) in collected.records {
        let before = wait(table.location.lookup(&record.aor(), now), &runtime).map_err(|error| failed(error, kept))?;
        let record = match before {
            Some(_) if !replace => {
                written.left_alone += 1;
                bar.add(1);
                continue;
            }
            Some(before) => later_version(record, before.version()).map_err(|error| failed(error, kept))?,
            None => record,
        };
        written.addresses += 1;
        written.bindings += record.len();
        match table.location.put(record, now) {
            Answer::Now(put) => put.map_err(|error| failed(error, kept))?,
            waits => on_the_way.push_back(waits.told()),
        }
        if on_the_way.len() >= AHEAD
            && let Some(first) = on_the_way.pop_front()
        {
            runtime.block_on(first).map_err(|error| failed(error, kept))?;
        }
        kept = written.addresses - on_the_way.len();
        bar.add(1);
    }
    for future in on_the_way {
        runtime.block_on(future).map_err(|error| failed(error, kept))?;
        kept += 1;
    }
    Ok(written)
}

/// The record as the next version of the one whose place it takes.
fn later_version(record: Record, before: u64) -> Result<Record, StoreError> {
    let mut scratch = Vec::new();
    let mut builder = RecordBuilder::new(&mut scratch, &record.aor(), before + 1);
    for binding in record.bindings() {
        builder.push(&binding);
    }
    builder.finish().map_err(|_| StoreError::Damaged)
}
