//! The table that a command is about.

use std::path::Path;

use location_durable::{DurableConfig, DurableLocation, Mode};
use sip_transport::Clock;

use crate::Failure;
use crate::cli::TableArgs;
use crate::config::{self, Keep, Settings};
use crate::location::progress::Bar;
use crate::location::{directory, store};
use crate::say::wrong;

/// A table on disk, and the settings with which it is served.
pub(super) struct Target {
    pub(super) settings: Settings,
    config: DurableConfig,
}

/// A table that nobody else uses meanwhile.
pub(super) struct OpenTable {
    pub(super) location: DurableLocation,
    pub(super) clock: Clock,
}

impl Target {
    pub(super) fn of(args: &TableArgs) -> Result<Self, Failure> {
        let mut settings = match &args.config {
            Some(file) => config::from_file(file)?,
            None => Settings::default(),
        };
        if args.data_dir.is_some() {
            settings.location.directory.clone_from(&args.data_dir);
            settings.location.keep = Keep::OnDisk(Mode::Synced);
        }
        let help = "with location mode memory there is no table on disk\nhelp: --data-dir DIR names another";
        let directory = directory(&settings.location)?.ok_or_else(|| wrong(help))?;
        // Whatever is said of it shall be true.
        let config =
            DurableConfig { directory, mode: Mode::Synced, table: store::table(&settings), restart_grace: None };
        Ok(Self { settings, config })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.config.directory
    }

    /// # Errors
    /// There is no table.
    pub(super) fn must_exist(&self) -> Result<(), Failure> {
        let (file, directory) = (self.config.file(), self.config.directory.display());
        match file.metadata() {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Failure::Machine(format!(
                "error: there is no location table in {directory}\nhelp: --data-dir DIR or --config FILE says where it is"
            ))),
            Err(error) => Err(Failure::Machine(format!("error: {}: {error}", file.display()))),
        }
    }

    /// Loads it, or makes it if there is none.
    pub(super) fn open(&self, clock: Clock) -> Result<OpenTable, Failure> {
        let bar = Bar::bytes("loading", Some(0));
        let opened = DurableLocation::open(&self.config, move || clock.now(), &mut |progress| bar.set(progress));
        let (location, _) = opened.map_err(store::failed)?;
        Ok(OpenTable { location, clock })
    }
}

impl OpenTable {
    /// # Errors
    /// The disk does not keep what was put in.
    pub(super) fn close(self) -> Result<(), Failure> {
        self.location.close().map_err(|error| Failure::Machine(format!("error: {error}")))
    }
}
