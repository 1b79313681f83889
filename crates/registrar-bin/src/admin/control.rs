//! What the API tells of the program, and has it do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use registrar_admin::{Control, Measured};
use registrar_api::{Effective, Listener, LocationStatus, Problem, Reloaded, State, Status};
use sip_transport::{Leg, LegId, Shutdown};

use super::Running;
use crate::config::Keep;
use crate::counts::Counts;
use crate::location::{self, Location};
use crate::reload::Reloader;
use crate::time;

/// The program, as the API sees it.
pub(super) struct Program {
    started: u64,
    workers: u16,
    connections: sip_transport::Control,
    reloader: Arc<Reloader>,
    mode: &'static str,
    directory: Option<String>,
    location: Arc<Location>,
    counts: Arc<Counts>,
    shutdown: Shutdown,
    pulses: Mutex<Pulses>,
}

/// How far each worker's ticks were, and when it was looked at.
struct Pulses {
    at: Instant,
    counted: Vec<u64>,
    stuck: usize,
}

/// Workers tick ten times in a second.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

impl Program {
    pub(super) fn new(running: &Running<'_>) -> Self {
        let settings = running.settings;
        let mode = match settings.location.keep {
            Keep::InMemory => "memory",
            Keep::OnDisk(location_durable::Mode::Synced) => "synced",
            Keep::OnDisk(location_durable::Mode::Delayed { .. }) => "delayed",
        };
        let directory = location::directory(&settings.location).ok().flatten();
        Self {
            started: wall(),
            workers: running.workers,
            connections: running.connections.clone(),
            reloader: Arc::clone(running.reloader),
            mode,
            directory: directory.map(|directory| directory.display().to_string()),
            location: Arc::clone(running.location),
            counts: Arc::clone(running.counts),
            shutdown: running.shutdown.clone(),
            pulses: Mutex::new(Pulses { at: Instant::now(), counted: running.counts.pulses(), stuck: 0 }),
        }
    }
}

impl Control for Program {
    fn status(&self) -> Status {
        let location = LocationStatus {
            mode: self.mode.to_owned(),
            directory: self.directory.clone(),
            bindings: self.location.bindings(),
            memory: self.location.memory(),
            max_bindings: self.reloader.max_bindings(),
            failure: self
                .location
                .durable()
                .filter(|disk| disk.stats().is_failing)
                .and_then(|disk| disk.last_failure()),
        };
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at: time::rfc3339(self.started),
            uptime: wall().saturating_sub(self.started) / 1000,
            state: if self.shutdown.is_stopping() { State::Draining } else { State::Serving },
            workers: self.workers,
            listeners: self.connections.legs().iter().map(listener).collect(),
            domains: self.reloader.domains(),
            location,
            backends: self.counts.backend_status(),
            // Known to the API itself.
            webhooks: Vec::new(),
            certificates: self.counts.certificates(),
            counters: self.counts.all().map(|(name, n)| (name.to_owned(), n)).collect(),
        }
    }

    fn measured(&self) -> Measured {
        self.counts.measured()
    }

    fn stuck_workers(&self) -> usize {
        let mut pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
        if pulses.at.elapsed() >= BETWEEN_LOOKS {
            let counted = self.counts.pulses();
            pulses.stuck = pulses.counted.iter().zip(&counted).filter(|(before, now)| before == now).count();
            (pulses.at, pulses.counted) = (Instant::now(), counted);
        }
        pulses.stuck
    }

    fn reload(&self) -> Result<Reloaded, Vec<Problem>> {
        self.reloader.reload().map_err(|wrong| wrong.problems())
    }

    fn effective(&self) -> Effective {
        self.reloader.effective()
    }

    fn drain(&self) {
        self.shutdown.drain();
    }
}

fn listener((id, leg): &(LegId, Leg)) -> Listener {
    Listener { id: id.0, leg: leg.spec.to_string(), advertise: leg.advertised.as_ref().map(ToString::to_string) }
}

fn wall() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
