//! Where a table writes down what it changes.

use super::StoreError;
use crate::{Aor, Record};

/// Is shown every change that a request or the operator makes to a [`Table`](super::Table), in the order in which the
/// changes of each address happen, so that it can make the table once more.
///
/// What has expired leaves the table unnoted: it is known of every record when it expires. So does what becomes of a
/// record when a connection ends: none of them outlives the process.
pub trait Journal: Send + Sync {
    /// Names a change, for whoever waits until it is kept.
    type Entry;

    /// The record of `aor` is `before` and will be `after`. If this fails, nothing is changed.
    ///
    /// A part of the table is locked meanwhile, so it must be quick, must not wait and must not ask the table.
    ///
    /// # Errors
    /// Why nothing can be written down.
    fn note(&self, aor: &Aor<'_>, before: Option<&Record>, after: Option<&Record>) -> Result<Self::Entry, StoreError>;
}

impl<J: Journal + ?Sized> Journal for std::sync::Arc<J> {
    type Entry = J::Entry;

    fn note(&self, aor: &Aor<'_>, before: Option<&Record>, after: Option<&Record>) -> Result<Self::Entry, StoreError> {
        (**self).note(aor, before, after)
    }
}

/// Nothing is written down.
impl Journal for () {
    type Entry = ();

    fn note(&self, _aor: &Aor<'_>, _before: Option<&Record>, _after: Option<&Record>) -> Result<(), StoreError> {
        Ok(())
    }
}
