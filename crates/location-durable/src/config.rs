//! The settings of a table on disk.

use std::path::PathBuf;
use std::time::Duration;

use sip_registrar::location::TableConfig;

/// The file in the data directory.
pub(crate) const FILE_NAME: &str = "location.redb";

/// Where a table is kept, and how.
#[derive(Clone, Debug)]
pub struct DurableConfig {
    /// The data directory. It is made if it is not there; one process at a time can use it.
    pub directory: PathBuf,
    /// What an answer promises.
    pub mode: Mode,
    /// The table in memory.
    pub table: TableConfig,
    /// How long after a restart clients have for coming back whose connections ended with the last process: until then
    /// their bindings are suspect, and then they go. `None` leaves everything as it is in the file, for whoever looks
    /// into a table or changes it without serving from it.
    pub restart_grace: Option<Duration>,
}

impl DurableConfig {
    /// The file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.directory.join(FILE_NAME)
    }
}

/// A minute: long enough for clients that notice only with their next keepalive.
pub const RESTART_GRACE: Duration = Duration::from_secs(60);

/// What an answer promises of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is on disk, and survives the loss of power.
    #[default]
    Synced,
    /// It will be on disk within this time. The end of the process, or of the power, loses no more than that.
    Delayed {
        /// From the answer to the disk.
        interval: Duration,
    },
}

/// How long changes gather before they are written, if others were written just before: a hundred writes in a second
/// cost a few hundredths of a core, whatever the load, and nobody waits for long.
const GROUP: Duration = Duration::from_millis(10);

impl Mode {
    /// How long after the end of one write the next one begins at the earliest.
    pub(crate) fn pace(self) -> Duration {
        match self {
            Self::Synced => GROUP,
            // The rest is for writing, twice: a change may come when a write has just begun.
            Self::Delayed { interval } => interval / 3,
        }
    }

    pub(crate) fn answers_at_once(self) -> bool {
        self != Self::Synced
    }
}
