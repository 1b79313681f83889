//! The table as the settings want it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use location_durable::{DurableConfig, DurableLocation, Loaded, Mode, OpenError, Progress};
use sip_registrar::location::TableConfig;
use sip_registrar::{LocationService, MemoryLocation};
use sip_transport::Clock;

use crate::Failure;
use crate::config::{Keep, Settings};

/// Where bindings are.
pub(crate) enum Location {
    Memory(Arc<MemoryLocation>),
    Disk(Arc<DurableLocation>),
}

impl Location {
    /// Loads what there is, and tells the log how that goes. `clock` is that of the server.
    ///
    /// # Errors
    /// What is on disk cannot be read, or is in use.
    pub(crate) fn open(settings: &Settings, clock: Clock) -> Result<Self, Failure> {
        let table = table(settings);
        let (Keep::OnDisk(mode), Some(directory)) = (settings.location.keep, super::directory(&settings.location)?)
        else {
            return Ok(Self::Memory(Arc::new(MemoryLocation::new(table))));
        };
        let began = Instant::now();
        let config = DurableConfig { directory, mode, table, restart_grace: Some(settings.flows.restart_grace) };
        let mut log = LoadingLog { next: began + EVERY };
        let (location, loaded) =
            DurableLocation::open(&config, move || clock.now(), &mut |progress| log.tell(progress)).map_err(failed)?;
        tell(&config, &loaded, began.elapsed());
        Ok(Self::Disk(Arc::new(location)))
    }

    pub(crate) fn service(&self) -> Arc<dyn LocationService> {
        match self {
            Self::Memory(location) => Arc::<MemoryLocation>::clone(location),
            Self::Disk(location) => Arc::<DurableLocation>::clone(location),
        }
    }

    /// The one on disk.
    pub(crate) fn durable(&self) -> Option<Arc<DurableLocation>> {
        match self {
            Self::Memory(_) => None,
            Self::Disk(location) => Some(Arc::clone(location)),
        }
    }

    /// How many bindings there are.
    pub(crate) fn bindings(&self) -> usize {
        match self {
            Self::Memory(location) => location.bindings(),
            Self::Disk(location) => location.bindings(),
        }
    }

    /// The memory that the table takes.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::Memory(location) => location.memory(),
            Self::Disk(location) => location.memory(),
        }
    }

    /// How many bindings there may be from now on.
    pub(crate) fn limit(&self, max_bindings: usize) {
        match self {
            Self::Memory(location) => location.limit(max_bindings),
            Self::Disk(location) => location.limit(max_bindings),
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// The disk does not keep it.
    pub(crate) fn close(&self) -> Result<(), Failure> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Disk(location) => location.close().map_err(|error| Failure::Machine(format!("error: {error}"))),
        }
    }
}

/// How the table is laid out.
pub(super) fn table(settings: &Settings) -> TableConfig {
    TableConfig { max_bindings: settings.registrar.max_bindings, ..TableConfig::default() }
}

/// What is wrong with what is on disk: who uses it, or what is damaged, and how to go on.
pub(super) fn failed(error: OpenError) -> Failure {
    let text = format!("error: {error}");
    match error {
        OpenError::NotOurs { .. } | OpenError::OtherFormat { .. } | OpenError::Damaged { .. } => Failure::Data(text),
        _ => Failure::Machine(text),
    }
}

/// How often a long loading is heard of.
const EVERY: Duration = Duration::from_secs(1);

struct LoadingLog {
    next: Instant,
}

impl LoadingLog {
    fn tell(&mut self, progress: Progress) {
        let now = Instant::now();
        if now >= self.next {
            self.next = now + EVERY;
            let percent = progress.done.saturating_mul(100).checked_div(progress.of).unwrap_or(100).min(100);
            tracing::info!(percent, "loading bindings");
        }
    }
}

fn tell(config: &DurableConfig, loaded: &Loaded, took: Duration) {
    let directory = config.directory.display();
    if loaded.is_new {
        tracing::info!(%directory, "bindings are kept here from now on");
    } else {
        let (bindings, expired) = (loaded.bindings, loaded.expired);
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(%directory, bindings, expired, millis, "loaded bindings");
    }
    if loaded.was_cut {
        let lost = match config.mode {
            Mode::Synced => "nothing that was acknowledged is missing",
            Mode::Delayed { .. } => "what was acknowledged within the interval may be missing",
        };
        tracing::warn!(%directory, "it was not closed: the registrar was killed, or the power was lost; {lost}");
    }
}
