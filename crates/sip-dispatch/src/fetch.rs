//! Memory that is asked for before it is needed.

use prefetch_index::prefetch_index;

/// What the processor fetches at once.
const LINE: usize = 64;

/// Asks for so many bytes, from there on.
pub(crate) fn fetch_bytes(bytes: &[u8], from: usize, length: usize) {
    (0..length).step_by(LINE).for_each(|at| prefetch_index(bytes, from + at));
}
