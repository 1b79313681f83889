//! How the last requests for one address ended.

use std::collections::VecDeque;

use super::kept::{Kept, Seen};

/// Outcomes that are kept.
const EACH: usize = 8;

/// The outcomes of one address; there is at least one. Most phones have one only, which stands here itself.
pub(super) struct Story {
    newest: Kept,
    /// The newer in front.
    older: VecDeque<Kept>,
}

impl Story {
    pub(super) fn of(seen: &Seen<'_>) -> Self {
        Self { newest: Kept::new(seen, None), older: VecDeque::new() }
    }

    /// Takes up one more. What ended like the one before is counted with it.
    pub(super) fn add(&mut self, seen: &Seen<'_>) {
        if self.newest.is_like(seen, None) {
            self.newest.again(seen, None);
            return;
        }
        if self.older.len() + 1 >= EACH {
            self.older.pop_back();
        }
        self.older.push_front(std::mem::replace(&mut self.newest, Kept::new(seen, None)));
    }

    /// Takes up a success: the challenge before it is part of it.
    pub(super) fn succeed(&mut self, seen: &Seen<'_>) {
        if self.newest.is_challenge_to(seen) {
            match self.older.pop_front() {
                Some(before) => self.newest = before,
                None => {
                    self.newest = Kept::new(seen, None);
                    return;
                }
            }
        }
        self.add(seen);
    }

    /// The newest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Kept> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}
