//! The location table of the program: in memory alone, or on disk as well.

mod bindings;
mod bytes;
mod command;
pub(crate) mod directory;
mod lines;
mod progress;
mod store;
mod watch;

pub(crate) use command::command;
pub(crate) use store::Location;
pub(crate) use watch::Disk;

use std::path::PathBuf;

use location_durable::Mode;

use crate::Failure;
use crate::config::{Keep, LocationSettings};

/// The directory in which bindings are kept; `None`: they are not.
///
/// # Errors
/// None is named, and this account has none for such things.
pub(crate) fn directory(settings: &LocationSettings) -> Result<Option<PathBuf>, Failure> {
    match (&settings.keep, &settings.directory) {
        (Keep::InMemory, _) => Ok(None),
        (Keep::OnDisk(_), Some(directory)) => Ok(Some(directory.clone())),
        (Keep::OnDisk(_), None) => directory::own().map(Some),
    }
}

/// Where bindings are kept and what may be lost, in a line for the operator.
///
/// # Errors
/// As [`directory()`].
pub(crate) fn says(settings: &LocationSettings) -> Result<String, Failure> {
    let place = directory(settings)?.unwrap_or_default();
    let place = place.display();
    Ok(match settings.keep {
        Keep::InMemory => "in memory, lost when it ends".to_owned(),
        Keep::OnDisk(Mode::Synced) => format!(
            "in {place}, on disk before it is answered: nothing acknowledged is lost, not by a power cut either"
        ),
        Keep::OnDisk(Mode::Delayed { interval }) => {
            let seconds = interval.as_secs_f64();
            format!(
                "in {place}, answered at once, on disk within {seconds} s: a crash or power cut loses that much at most"
            )
        }
    })
}
