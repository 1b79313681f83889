//! `registrar serve`.

use std::io::Write;
use std::sync::Arc;

use registrar_admin::Tracer;
use sip_dispatch::{Dispatcher, Share};
use sip_transport::{BindError, RunError, Server, Shutdown, WorkerId};

use crate::access::Access;
use crate::admin::{Api, Running, Told};
use crate::certificates::Certificates;
use crate::cli::ServeArgs;
use crate::config::Wrong;
use crate::counts::Counts;
use crate::journal::{self, OutcomeLog};
use crate::location::{self, Disk, Location};
use crate::message_log::MessageLog;
use crate::reload::{Reloader, Start};
use crate::service::{Heart, Manager};
use crate::users::Users;
use crate::{Failure, assemble, banner, config, signals};

/// Serves until it is told to stop.
pub(crate) fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let settings = config::from_args(args).map_err(Wrong::into_failure)?;
    let journal =
        journal::start(&settings.log).map_err(|error| Failure::Machine(format!("error: the log: {error}")))?;
    let users = assemble::users(&settings)?;
    for warning in users.iter().flat_map(Users::warnings) {
        tracing::warn!("{warning}");
    }
    let says = location::says(&settings.location)?;
    let certificates = Certificates::open(&settings)?;
    for warning in certificates.warnings() {
        tracing::warn!("{warning}");
    }
    let server_config = assemble::server_config(&settings, &certificates);
    // It says that the table is being loaded.
    let api = Api::open(&settings)?;
    // Before anybody can ask for what is not loaded yet.
    let clock = server_config.clock;
    let location = Arc::new(Location::open(&settings, clock)?);
    let observers = api.iter().flat_map(Api::observers);
    let registrar = assemble::registrar(&settings, location.service(), observers).map_err(Failure::Settings)?;

    if let Some(warning) = assemble::too_few_descriptors(&settings, server_config.streams.connections) {
        tracing::warn!("{warning}");
    }
    let server = Server::bind(server_config).map_err(|error| cannot_bind(&error))?;
    let workers = server.workers();
    let shutdown = Shutdown::new();
    let disk = location.durable().map(Disk::new);
    let mut banner = banner::started(&settings, users.as_ref(), &certificates, &says, server.legs());
    let access = users.map(|users| Access::new(&settings, users, None)).transpose()?;
    let store = access.as_ref().and_then(Access::store);
    let threads = |error| Failure::Machine(format!("error: threads and signals: {error}"));
    let tracer = settings.traces.as_ref().map(Tracer::start).transpose().map_err(threads)?.map(Arc::new);
    let traced = tracer.as_ref().map(|tracer| tracer.counts()).unwrap_or_default();
    let counts = Arc::new(Counts::new(server.counters(), store, disk.clone(), certificates.handles(), traced));
    let certificates = certificates.watch().transpose().map_err(threads)?;
    let messages = Arc::new(MessageLog::new(&settings.log.messages));
    let reloader = Arc::new(Reloader::new(Start {
        messages: Arc::clone(&messages),
        args: args.clone(),
        settings: settings.clone(),
        access,
        certificates,
        registrar,
        level: journal.level(),
        control: server.control(),
        counts: Arc::clone(&counts),
        location: Arc::clone(&location),
    }));
    let manager = Arc::new(Manager::of_environment());
    let life = (Arc::clone(&manager), Heart::new(server.counters()));
    signals::watch(shutdown.clone(), Arc::clone(&counts), Arc::clone(&reloader), disk, life).map_err(threads)?;
    let told: Option<Told> = api.as_ref().map(Api::told);
    if let Some(api) = &api {
        banner.push_str(&format!("  api        {}\n", api.says()));
    }
    let running = Running {
        settings: &settings,
        reloader: &reloader,
        location: &location,
        clock,
        workers: u16::try_from(workers).unwrap_or(u16::MAX),
        counts: &counts,
        shutdown: &shutdown,
        connections: server.control(),
    };
    let _api = api.map(|api| api.serve(&running)).transpose().map_err(threads)?;
    // A closed standard output is no reason not to serve.
    drop(std::io::stdout().write_all(banner.as_bytes()));
    drop(std::io::stdout().flush());
    tracing::info!(workers, version = env!("CARGO_PKG_VERSION"), "serving");
    manager.ready();

    let log = Arc::new(OutcomeLog::default());
    let make = |worker: WorkerId| {
        let share = Share { index: usize::from(worker.0), of: workers };
        let (log, messages) = (Arc::clone(&log), Arc::clone(&messages));
        let dispatcher = Dispatcher::following(reloader.rules(), share);
        counts.add(dispatcher.counters());
        let (told, tracer) = (told.clone(), tracer.clone());
        dispatcher.on_outcome(move |outcome| {
            log.write(outcome);
            messages.write(outcome);
            if let Some(told) = &told {
                told.outcome(outcome);
            }
            if let Some(tracer) = &tracer {
                tracer.outcome(outcome);
            }
        })
    };
    let ended = server.run(make, &shutdown).map_err(|error| ended(&error, &says));
    // Whoever has told it to.
    manager.stopping();
    let closed = location.close();
    let left = ended?;
    tracing::info!(counted = counts.text(), "stopped");
    if !left.is_clean() {
        tracing::warn!(?left, "not everything could be finished in time");
    }
    closed
}

/// What is wrong, and what an operator does about it.
pub(crate) fn cannot_bind(error: &BindError) -> Failure {
    let help = match error {
        BindError::AddressInUse(leg) => {
            let (flag, port) = (if leg.transport().is_stream() { 't' } else { 'u' }, leg.addr().port());
            format!(
                "\nhelp: ss -ln{flag}p 'sport = :{port}' shows who has it; --listen, or listen in the file, chooses \
                 another"
            )
        }
        BindError::AddressNotAvailable(_) => "\nhelp: ip address shows those that it has".to_owned(),
        _ => String::new(),
    };
    Failure::Machine(format!("error: {error}{help}"))
}

/// Why it ended though nobody told it to. `location` says what becomes of the bindings.
fn ended(error: &RunError, location: &str) -> Failure {
    match error {
        RunError::Panicked(_) => Failure::Fault(format!(
            "error: {error}\nhelp: this is a fault in the program, and what it printed above says where: report it; \
             start it again; bindings are kept {location}"
        )),
        _ => Failure::Machine(format!("error: {error}")),
    }
}
