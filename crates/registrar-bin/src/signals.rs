//! What the program does beside serving: it listens to signals, and says now and then what it has counted.

use std::sync::Arc;
use std::time::Duration;

use sip_transport::Shutdown;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use crate::counts::Counts;
use crate::location::Disk;
use crate::reload::Reloader;
use crate::service::{Heart, Manager};

/// How often the counters are logged, if they have changed.
const EVERY: Duration = Duration::from_secs(60);
/// How often the disk is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// SIGTERM and SIGINT drain; a second one cuts the drain short. SIGHUP has the configuration
/// read again. The service manager hears
/// of the drain, and from the heart.
///
/// `disk`: the table on disk, if there is one.
pub(crate) fn watch(
    shutdown: Shutdown,
    counts: Arc<Counts>,
    reloader: Arc<Reloader>,
    disk: Option<Disk>,
    (manager, mut heart): (Arc<Manager>, Heart),
) -> std::io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
    let beats = manager.beat_every();
    let (mut term, mut int, mut hup, mut minute, mut second, mut beat) = {
        let _context = runtime.enter();
        let first = tokio::time::Instant::now() + EVERY;
        (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
            tokio::time::interval_at(first, EVERY),
            tokio::time::interval(LOOK),
            tokio::time::interval(beats.unwrap_or(EVERY)),
        )
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async move {
            let mut said = String::new();
            loop {
                tokio::select! {
                    Some(()) = term.recv() => stop(&shutdown, &manager),
                    Some(()) = int.recv() => stop(&shutdown, &manager),
                    _ = beat.tick(), if beats.is_some() => heart.beat(&manager),
                    Some(()) = hup.recv() => {
                        tracing::info!("SIGHUP: the configuration is read again");
                        reloader.reload_and_log();
                    }
                    _ = second.tick(), if disk.is_some() => {
                        if let Some(disk) = &disk {
                            disk.look();
                        }
                    }
                    _ = minute.tick() => {
                        let counted = counts.text();
                        if counted != said {
                            tracing::info!(counted, "so far");
                            said = counted;
                        }
                    }
                }
            }
        });
    })?;
    Ok(())
}

fn stop(shutdown: &Shutdown, manager: &Manager) {
    if shutdown.is_stopping() {
        shutdown.cut();
    } else {
        tracing::info!("draining: what has arrived is answered, then it stops");
        manager.stopping();
        shutdown.drain();
    }
}
