//! A copy of the whole table, made bit by bit beside everything else, so that the journal before it is needed no more.

use sip_registrar::Record;
use sip_registrar::location::{Journal, Table};

use crate::file::{Entry, SnapshotStep};

/// The journal may grow to this size before a snapshot is made, and to that of the last snapshot if it is greater: so
/// every byte of changes is written twice in the long run.
pub(crate) const LEAST_JOURNAL: u64 = 32 << 20;
/// How much of a snapshot is written at one time, beside a group that others wait for.
const STEP_BYTES: usize = 256 << 10;

/// How far a snapshot is.
///
/// While it is made the table goes on changing, so it is of no single moment. That does no harm: the journal from its
/// beginning on is applied over it when it is loaded, and the last entry of each address is the whole record.
///
/// A part may show changes that were noted, but are not on disk yet. They are all on disk with the next group. So the
/// snapshot is finished in the same write as that group: if it fails, the snapshot does not count.
#[derive(Debug)]
pub(crate) enum Snapshot {
    /// None is made.
    Idle,
    /// It is made from the table's parts; the next one is this, after what is left of the last one.
    Running { part: usize, rest: Vec<Record>, bytes: Vec<u8> },
}

/// What is written of a snapshot beside a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    None,
    Begin,
    Part,
    Finish,
}

impl Snapshot {
    /// Whether there is something to do, also if nothing is changed.
    pub(crate) fn is_running(&self) -> bool {
        !matches!(self, Self::Idle)
    }

    /// Does the next step.
    pub(crate) fn step<J: Journal>(&mut self, table: &Table<J>, is_due: bool) -> Step {
        match self {
            Self::Idle if is_due => {
                *self = Self::Running { part: 0, rest: Vec::new(), bytes: Vec::new() };
                Step::Begin
            }
            Self::Idle => Step::None,
            Self::Running { part, rest, bytes } => {
                bytes.clear();
                while bytes.len() < STEP_BYTES {
                    let Some(record) = rest.pop() else {
                        if *part == table.parts() {
                            break;
                        }
                        *rest = table.part(*part);
                        *part += 1;
                        continue;
                    };
                    Entry::Put(record.as_bytes()).write(bytes);
                }
                // If nothing is left, all that was seen in the table is in this group or in earlier ones.
                if bytes.is_empty() { Step::Finish } else { Step::Part }
            }
        }
    }

    /// The step as it is written.
    pub(crate) fn written(&self, step: Step) -> Option<SnapshotStep<'_>> {
        match (step, self) {
            (Step::None, _) => None,
            (Step::Begin, _) => Some(SnapshotStep::Begin),
            (Step::Part, Self::Running { bytes, .. }) => Some(SnapshotStep::Part(bytes)),
            (Step::Part, Self::Idle) => None,
            (Step::Finish, _) => Some(SnapshotStep::Finish),
        }
    }
}
