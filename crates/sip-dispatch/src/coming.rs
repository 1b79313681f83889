//! Messages that were not read yet.

use std::cell::OnceCell;

use sip_message::glance::{self, Address};
use smallvec::SmallVec;

/// Messages whose turn comes soon, at a glance.
#[derive(Debug)]
pub struct Coming<'a> {
    messages: &'a [&'a [u8]],
    addresses: OnceCell<SmallVec<[Address<'a>; Coming::MANY]>>,
}

impl<'a> Coming<'a> {
    /// As many as come at once as a rule: whoever keeps something for each needs no heap for so many.
    pub const MANY: usize = 32;

    /// These.
    #[must_use]
    pub fn new(messages: &'a [&'a [u8]]) -> Self {
        Self { messages, addresses: OnceCell::new() }
    }

    /// The addresses that To seems to name in them: guesses, and none where nothing can be guessed.
    pub fn addresses(&self) -> &[Address<'a>] {
        self.addresses.get_or_init(|| self.messages.iter().filter_map(|message| glance::to(message)).collect())
    }
}
