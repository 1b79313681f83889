//! `[location]`: where bindings are kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use location_durable::Mode;

use super::section::Section;

/// Where bindings are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocationSettings {
    pub(crate) keep: Keep,
    /// `None`: the one that this account has for such things.
    pub(crate) directory: Option<PathBuf>,
}

/// How bindings are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    OnDisk(Mode),
    InMemory,
}

/// What may be lost in mode delayed if nothing else is said.
const INTERVAL: Duration = Duration::from_secs(1);

impl Keep {
    /// What may be lost in mode delayed, whichever mode it is now.
    pub(super) fn interval(self) -> Duration {
        match self {
            Self::OnDisk(Mode::Delayed { interval }) => interval,
            Self::OnDisk(Mode::Synced) | Self::InMemory => INTERVAL,
        }
    }
}

impl Default for LocationSettings {
    fn default() -> Self {
        Self { keep: Keep::OnDisk(Mode::Synced), directory: None }
    }
}

/// The word for each way of keeping them, as it stands in the file and on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LocationMode {
    /// On disk before it is answered.
    Synced,
    /// Answered at once, on disk soon after.
    Delayed,
    /// In memory alone.
    Memory,
}

impl LocationMode {
    pub(super) fn keep(self, interval: Duration) -> Keep {
        match self {
            Self::Synced => Keep::OnDisk(Mode::Synced),
            Self::Delayed => Keep::OnDisk(Mode::Delayed { interval }),
            Self::Memory => Keep::InMemory,
        }
    }
}

/// A directory that is named is meant from `folder`.
pub(super) fn read(section: &mut Section<'_, '_>, folder: &Path, location: &mut LocationSettings) {
    const MODES: [(&str, LocationMode); 3] =
        [("synced", LocationMode::Synced), ("delayed", LocationMode::Delayed), ("memory", LocationMode::Memory)];
    let has_mode = section.has("mode");
    let mode = section.choice("mode", &MODES);
    let interval = section.number("interval", 100..=60_000);
    let directory = section.text("directory");
    // A mode that is none says nothing about what was meant.
    let known = mode.or((!has_mode).then_some(LocationMode::Synced));
    if let Some((_, at)) = interval.as_ref().filter(|_| known.is_some_and(|mode| mode != LocationMode::Delayed)) {
        let help = "it says how much a crash may lose: write mode = \"delayed\", or leave interval out";
        section.problems.add(at.clone(), "[location] interval without mode = \"delayed\"", Some(help.to_owned()));
    }
    let interval = interval.map_or(INTERVAL, |(millis, _)| Duration::from_millis(millis));
    if let Some(mode) = known {
        location.keep = mode.keep(interval);
    }
    let Some((directory, at)) = directory else { return };
    let path = folder.join(directory);
    if directory.is_empty() {
        section.problems.add(at, "[location] directory is empty: name one, or leave it out", None);
    } else if known == Some(LocationMode::Memory) {
        let help = "leave directory out, or write mode = \"synced\"";
        let what = "[location] directory with mode = \"memory\", which writes nothing";
        section.problems.add(at, what, Some(help.to_owned()));
    } else if let Some(what) = no_directory(&path) {
        section.problems.add(at, format!("[location] directory: {what}"), None);
    } else {
        location.directory = Some(path);
    }
}

/// What is wrong with a name of a directory; one that is not there yet is made.
pub(super) fn no_directory(path: &Path) -> Option<String> {
    path.metadata()
        .is_ok_and(|found| !found.is_dir())
        .then(|| format!("{} is a file: name a directory, in which the file of the table is made", path.display()))
}
