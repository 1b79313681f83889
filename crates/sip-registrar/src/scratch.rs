//! Buffers that are kept for the next request.

use std::cell::Cell;

#[derive(Default)]
pub(crate) struct Scratch {
    /// An address of record.
    pub(crate) aor: Vec<u8>,
    /// The texts of a plan.
    pub(crate) text: Vec<u8>,
    /// A domain, canonical.
    pub(crate) domain: Vec<u8>,
    /// A user's name, decoded.
    pub(crate) name: Vec<u8>,
}

thread_local! {
    /// Taken while in use, so that whoever comes in between has one of his own.
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

pub(crate) fn with_scratch<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
    let mut scratch = SCRATCH.take().unwrap_or_default();
    let result = work(&mut scratch);
    SCRATCH.set(Some(scratch));
    result
}
