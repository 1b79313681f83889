//! Buffers that are kept for the next request.

use std::cell::RefCell;

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

impl Scratch {
    const fn new() -> Self {
        Self { aor: Vec::new(), text: Vec::new(), domain: Vec::new(), name: Vec::new() }
    }
}

thread_local! {
    /// Taken while in use, so that whoever comes in between has one of his own.
    static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch::new()) };
}

pub(crate) fn with_scratch<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
    let mut scratch = SCRATCH.take();
    let result = work(&mut scratch);
    SCRATCH.replace(scratch);
    result
}
