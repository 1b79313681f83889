//! The HTTP API, wired to the program. Without `[admin]` there is nothing of it.

mod control;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;

use registrar_admin::{
    Admin, AdminConfig, BindError, EventLog, Handles, History, HistoryConfig, Listen, Meters, Serving,
};
use sip_dispatch::Outcome;
use sip_registrar::Observer;
use sip_transport::{Clock, Shutdown};

use crate::Failure;
use crate::config::{LocationSettings, Settings};
use crate::counts::Counts;
use crate::location::{Location, directory};
use crate::reload::Reloader;
use control::Program;

/// The socket's name in the directory of the table.
pub(crate) const SOCKET: &str = "admin.sock";

/// What workers tell.
#[derive(Clone)]
pub(crate) struct Told {
    history: Arc<History>,
    events: Arc<EventLog>,
    meters: Arc<Meters>,
}

/// The API: bound. So far it says only that the table is being loaded.
pub(crate) struct Api {
    admin: Admin,
    told: Told,
}

/// What of the running program the API shows.
pub(crate) struct Running<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) reloader: &'a Arc<Reloader>,
    pub(crate) location: &'a Arc<Location>,
    pub(crate) clock: Clock,
    pub(crate) workers: u16,
    pub(crate) counts: &'a Arc<Counts>,
    pub(crate) shutdown: &'a Shutdown,
    pub(crate) connections: sip_transport::Control,
}

impl Api {
    /// Binds its listeners, if the settings want it. Until it is [served](Api::serve), it says that the table is being loaded.
    ///
    /// # Errors
    /// One of them cannot be bound.
    pub(crate) fn open(settings: &Settings) -> Result<Option<Self>, Failure> {
        let Some(mut config) = settings.admin.clone() else { return Ok(None) };
        if config.listen.is_empty() {
            config.listen.push(Listen::Unix(socket(&settings.location)?));
        }
        let failed = |error| {
            let help = match &error {
                BindError::InUse { .. } => {
                    "\nhelp: stop that program (is it a registrar on the same directory?), or name another socket"
                }
                _ => "",
            };
            Failure::Machine(format!("error: [admin] listen: {error}{help}"))
        };
        let mut admin = bind(config).map_err(failed)?;
        admin.say_loading().map_err(|error| Failure::Machine(format!("error: a thread for the API: {error}")))?;
        let told = Told {
            history: Arc::new(History::new(HistoryConfig::default())),
            events: Arc::new(EventLog::new()),
            meters: Arc::new(Meters::new()),
        };
        Ok(Some(Self { admin, told }))
    }

    /// Who is told of changes.
    pub(crate) fn observers(&self) -> [Arc<dyn Observer>; 3] {
        let Told { history, events, meters } = &self.told;
        [Arc::<EventLog>::clone(events), Arc::<History>::clone(history), meters.observer()]
    }

    /// Who is told how requests end.
    pub(crate) fn told(&self) -> Told {
        self.told.clone()
    }

    /// Where it listens, in a line for the operator.
    pub(crate) fn says(&self) -> String {
        self.admin.listening().join("  ")
    }

    /// Serves until what it gives is dropped.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(crate) fn serve(self, running: &Running<'_>) -> std::io::Result<Serving> {
        // Nothing changes before anybody is served.
        self.told.meters.seed(&*running.location.service());
        let reloader = Arc::clone(running.reloader);
        let (events, clock) = (Arc::clone(&self.told.events), running.clock);
        let handles = Handles {
            registrar: Arc::new(move || reloader.registrar()),
            location: running.location.service(),
            history: self.told.history,
            events: self.told.events,
            meters: self.told.meters,
            control: Arc::new(Program::new(running)),
            connections: running.connections.clone(),
            clock: running.clock,
        };
        let serving = self.admin.serve(handles)?;
        // Webhooks have their place by now, and are told of what is down from the start.
        running.counts.watched(&events, clock);
        Ok(serving)
    }
}

impl Told {
    /// How a request ended.
    pub(crate) fn outcome(&self, outcome: &Outcome<'_>) {
        self.meters.outcome(outcome);
        self.history.outcome(outcome);
        self.events.outcome(outcome);
    }
}

/// The socket in the directory of the table; if that is in memory alone, in the one that the account would have for it.
///
/// # Errors
/// None is named, and this account has none for such things.
pub(crate) fn socket(settings: &LocationSettings) -> Result<std::path::PathBuf, Failure> {
    let directory = match directory(settings)? {
        Some(directory) => directory,
        None => directory::own()?,
    };
    Ok(directory.join(SOCKET))
}

fn bind(config: AdminConfig) -> Result<Admin, BindError> {
    for listen in &config.listen {
        if let Listen::Unix(path) = listen
            && let Some(folder) = path.parent()
        {
            // What is wrong with it binding says. It may be that of the table, which is nobody else's.
            drop(DirBuilder::new().recursive(true).mode(0o700).create(folder));
        }
    }
    Admin::bind(config)
}
