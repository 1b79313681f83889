//! The threads.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::ops::AddAssign;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{JoinError, JoinSet, LocalSet};

use crate::bind::{bind_all, check};
use crate::control::{Control, Orders, obey};
use crate::counters::{CountersHandle, WorkerCounters};
use crate::legs::{Legs, NewLegs};
use crate::pending::serve_pending;
use crate::shutdown::Stage;
use crate::stream::ConnectionLimits;
use crate::worker::{Worker, tick};
use crate::{BindError, Ingress, Leg, LegId, ServerConfig, Shutdown};

/// The number of a worker, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u16);

/// Every socket bound, nothing served yet.
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    legs: Vec<Leg>,
    workers: Vec<(WorkerId, NewLegs, Runtime, Orders)>,
    counters: CountersHandle,
    control: Control,
}

impl Server {
    /// Binds all legs for all workers.
    ///
    /// From here on the kernel queues what arrives; [`Server::run`] serves it.
    ///
    /// # Errors
    /// [`BindError`] names the leg and the cause. Nothing stays bound.
    pub fn bind(config: ServerConfig) -> Result<Self, BindError> {
        let workers = config.workers.unwrap_or_else(cores).get();
        check(&config.legs)?;
        let (legs, sockets) = bind_all((0..).map(LegId).zip(&config.legs), workers, &config.udp)?;
        let runtimes = (0..workers).map(|_| Builder::new_current_thread().enable_all().build());
        let runtimes = runtimes.collect::<io::Result<Vec<_>>>().map_err(BindError::Worker)?;
        let handles: Vec<Handle> = runtimes.iter().map(|runtime| runtime.handle().clone()).collect();
        let parts = NewLegs::all(sockets, &legs, &handles)?;
        let limits = ConnectionLimits::new(&config.streams);
        let (control, orders) = Control::new(&config, &legs, handles, limits);
        let workers = (0..).map(WorkerId).zip(parts).zip(runtimes).zip(orders);
        let workers: Vec<_> = workers.map(|(((id, legs), runtime), orders)| (id, legs, runtime, orders)).collect();
        let legs = legs.into_iter().map(|(_, leg)| leg).collect();
        let counters = CountersHandle::new(workers.len());
        Ok(Self { config, legs, workers, counters, control })
    }

    /// The legs in the order of the configuration, each with the port that it has.
    #[must_use]
    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }

    /// The address of each leg, in the same order.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.legs.iter().map(|leg| leg.spec.addr()).collect()
    }

    /// How many workers there will be.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    /// Where to read the counters, now and while it runs.
    #[must_use]
    pub fn counters(&self) -> CountersHandle {
        self.counters.clone()
    }

    /// By which to ask things of it while it runs.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Serves until `shutdown` says otherwise, and returns what a drain had to cut off.
    ///
    /// Each worker is a thread with an `Ingress` of its own, which `make` makes there. A drain accepts nothing more,
    /// serves what the sockets hold, waits for pending work, sends what is queued and closes, all within
    /// [`ServerConfig::drain`].
    ///
    /// # Errors
    /// [`RunError`] if a thread cannot be started, or if `make` or a worker panics; the others are drained then. A panic
    /// in a call of the `Ingress` is no such thing: it costs one message.
    pub fn run<I, F>(self, make: F, shutdown: &Shutdown) -> Result<DrainSummary, RunError>
    where
        I: Ingress + 'static,
        F: Fn(WorkerId) -> I + Send + Sync,
    {
        let Self { config, workers, counters, control, .. } = self;
        let (config, make) = (&config, &make);
        let limits = control.limits();
        thread::scope(|scope| {
            let mut threads = Vec::with_capacity(workers.len());
            let mut result = Ok(DrainSummary::default());
            for (id, legs, runtime, orders) in workers {
                let (counters, limits) = (counters.worker(usize::from(id.0)), Arc::clone(limits));
                let body = move || {
                    let _guard = DrainOthers(shutdown);
                    let local = LocalSet::new();
                    let worker = run_worker(id, make, config, (legs, orders), limits, counters, shutdown);
                    runtime.block_on(local.run_until(worker))
                };
                match thread::Builder::new().name(format!("sip-{}", id.0)).spawn_scoped(scope, body) {
                    Ok(thread) => threads.push((id, thread)),
                    Err(error) => {
                        shutdown.drain();
                        result = Err(RunError::Thread(error));
                        break;
                    }
                }
            }
            for (id, thread) in threads {
                match (thread.join(), &mut result) {
                    (Ok(worker), Ok(sum)) => *sum += worker,
                    (Err(_), Ok(_)) => result = Err(RunError::Panicked(id)),
                    (_, Err(_)) => {}
                }
            }
            result
        })
    }
}

/// What a drain had to give up at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainSummary {
    /// Connections that had something left to do.
    pub connections: usize,
    /// Bytes that they had not taken.
    pub unsent_bytes: usize,
    /// Pieces of pending work.
    pub pending: usize,
}

impl DrainSummary {
    /// Whether nothing was given up.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for DrainSummary {
    fn add_assign(&mut self, more: Self) {
        self.connections += more.connections;
        self.unsent_bytes += more.unsent_bytes;
        self.pending += more.pending;
    }
}

/// Why a server ended that was not told to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The system refused a thread, or what its event loop needs.
    #[error("a worker could not be started: {0}")]
    Thread(io::Error),
    /// A fault in this program.
    #[error("worker {} panicked", .0.0)]
    Panicked(WorkerId),
}

/// A worker that ends takes the others with it: half a server is worse than one that is started again.
struct DrainOthers<'a>(&'a Shutdown);

impl Drop for DrainOthers<'_> {
    fn drop(&mut self) {
        self.0.drain();
    }
}

async fn run_worker<I: Ingress + 'static>(
    id: WorkerId,
    make: impl Fn(WorkerId) -> I,
    config: &ServerConfig,
    (new, orders): (NewLegs, Orders),
    limits: Arc<ConnectionLimits>,
    counters: Arc<WorkerCounters>,
    shutdown: &Shutdown,
) -> DrainSummary {
    let worker = Worker::new(id.0, make(id), config, limits, counters);
    let mut legs = Legs::new(Rc::clone(&worker));
    legs.add(new);
    let Orders { close, legs: mut changes } = orders;

    // These go on while it drains.
    let mut background = JoinSet::new();
    background.spawn_local(tick(Rc::clone(&worker)));
    background.spawn_local(serve_pending(Rc::clone(&worker)));
    background.spawn_local(obey(Rc::clone(&worker), close));
    loop {
        tokio::select! {
            () = shutdown.reached(Stage::Drain) => break,
            // None of these ends by itself: it panicked, which is a fault of ours.
            fault = legs.fault() => rethrow(fault),
            Some(Err(fault)) = background.join_next() => rethrow(fault),
            Some(change) = changes.recv() => legs.change(change).await,
        }
    }

    // The tasks end between two batches, so nothing is lost with them.
    legs.stop().await;
    tokio::select! {
        () = drain(&worker, legs) => {}
        () = tokio::time::sleep(config.drain) => {}
        () = shutdown.reached(Stage::Cut) => {}
    }
    worker.cut()
}

/// Serves what has arrived, and waits until nothing is left to do.
async fn drain<I: Ingress + 'static>(worker: &Rc<Worker<I>>, legs: Legs<I>) {
    let datagrams = legs.accept_last().await;
    worker.begin_drain();
    for leg in datagrams {
        worker.read_last(&leg).await;
    }
    worker.idle().await;
}

fn rethrow(fault: JoinError) {
    if let Ok(panic) = fault.try_into_panic() {
        std::panic::resume_unwind(panic);
    }
}

fn cores() -> NonZeroU16 {
    let cores = thread::available_parallelism().map_or(1, |n| n.get());
    u16::try_from(cores).ok().and_then(NonZeroU16::new).unwrap_or(NonZeroU16::MIN)
}
