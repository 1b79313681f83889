//! What a running server is asked to do from outside.

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::bind::{bind_all, check};
use crate::legs::{LegOrder, NewLegs};
use crate::stream::{ConnectionLimits, Phase};
use crate::worker::Worker;
use crate::{BindError, CloseCause, Flow, Ingress, Leg, LegId, LegSpec, ServerConfig, UdpConfig};

/// How many connections wait to be ended by one worker at most; whoever has one more waits for room.
const QUEUE: usize = 64;

/// Asks a running server for things, from any thread.
///
/// Had from [`Server::control`](crate::Server::control). Workers that are not asked pay nothing for it.
#[derive(Clone, Debug)]
pub struct Control(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    workers: Vec<Orderer>,
    legs: Mutex<KnownLegs>,
    limits: Arc<ConnectionLimits>,
    udp: UdpConfig,
}

/// A worker, from outside.
#[derive(Debug)]
struct Orderer {
    close: mpsc::Sender<Order>,
    /// Without bounds: there is one for each [`LegChange`], and each has sockets.
    legs: mpsc::UnboundedSender<LegOrder>,
    runtime: Handle,
}

#[derive(Debug)]
struct KnownLegs {
    all: Vec<KnownLeg>,
    next: u16,
}

#[derive(Clone, Debug)]
struct KnownLeg {
    id: LegId,
    /// As it was asked for, perhaps without a port.
    wanted: LegSpec,
    /// As it is.
    leg: Leg,
}

/// Ends the connection, and says whether there was one.
#[derive(Debug)]
pub(crate) struct Order {
    close: Flow,
    done: oneshot::Sender<bool>,
}

/// One worker's end of a [`Control`].
#[derive(Debug)]
pub(crate) struct Orders {
    pub(crate) close: mpsc::Receiver<Order>,
    pub(crate) legs: mpsc::UnboundedReceiver<LegOrder>,
}

impl Control {
    /// One for the workers with these event loops, and their ends of it.
    pub(crate) fn new(
        config: &ServerConfig,
        legs: &[(LegId, Leg)],
        runtimes: Vec<Handle>,
        limits: Arc<ConnectionLimits>,
    ) -> (Self, Vec<Orders>) {
        let known = legs.iter().zip(&config.legs).map(|((id, leg), wanted)| KnownLeg {
            id: *id,
            wanted: wanted.spec,
            leg: leg.clone(),
        });
        let known = KnownLegs { all: known.collect(), next: u16::try_from(legs.len()).unwrap_or(u16::MAX) };
        let (workers, orders) = runtimes
            .into_iter()
            .map(|runtime| {
                let ((close, closes), (legs, changes)) = (mpsc::channel(QUEUE), mpsc::unbounded_channel());
                (Orderer { close, legs, runtime }, Orders { close: closes, legs: changes })
            })
            .unzip();
        (Self(Arc::new(Shared { workers, legs: Mutex::new(known), limits, udp: config.udp.clone() })), orders)
    }

    pub(crate) fn limits(&self) -> &Arc<ConnectionLimits> {
        &self.0.limits
    }

    /// Ends a connection: nothing more is read from it, the answers that are due still leave, and then it is closed,
    /// by [`CloseCause::Asked`]. Needs no runtime of its own.
    ///
    /// Says whether there was such a connection. There is none after it has ended, though another may have its place,
    /// and none at all once the server has stopped. Before [`Server::run`](crate::Server::run) it waits.
    pub async fn close(&self, flow: Flow) -> bool {
        let Some(worker) = self.0.workers.get(usize::from(flow.worker)) else { return false };
        let (done, answer) = oneshot::channel();
        // An error means that the worker has ended, and its connections with it.
        worker.close.send(Order { close: flow, done }).await.is_ok() && answer.await.unwrap_or(false)
    }

    /// The legs that there are, each with the port that it has.
    #[must_use]
    pub fn legs(&self) -> Vec<(LegId, Leg)> {
        self.known().all.iter().map(|known| (known.id, known.leg.clone())).collect()
    }

    /// How many connections there may be from now on, in all and from one source
    /// ([`StreamConfig`](crate::StreamConfig)). None is ended for it.
    pub fn limit_connections(&self, in_all: usize, per_source: usize) {
        self.0.limits.in_all.store(in_all, Ordering::Relaxed);
        self.0.limits.per_source.store(per_source, Ordering::Relaxed);
    }

    /// Prepares other legs than there are: those that are new are bound, and nothing else is done until
    /// [`LegChange::apply`].
    ///
    /// A leg at the address of one that is there (as it was asked for or as it is, where the port was left open) is the same leg, also
    /// where it asks something else of connections, or speaks another transport over TCP. Other changes of the legs wait
    /// until this one is applied or dropped.
    ///
    /// # Errors
    /// What [`Server::bind`](crate::Server::bind) would say of these legs. Nothing stays bound.
    pub fn change_legs(&self, wanted: &[Leg]) -> Result<LegChange<'_>, BindError> {
        check(wanted)?;
        let known = self.known();
        let (mut left, mut next) = (known.all.clone(), known.next);
        let (mut all, mut kept, mut new) = (Vec::new(), Vec::new(), Vec::new());
        for leg in wanted {
            match left.iter().position(|known| [known.wanted, known.leg.spec].iter().any(|at| is_same(*at, leg.spec))) {
                Some(at) => {
                    let KnownLeg { id, leg: before, .. } = left.remove(at);
                    let now = Leg { spec: leg.spec.at(before.spec.addr()), ..leg.clone() };
                    kept.push((id, now.clone()));
                    all.push(KnownLeg { id, wanted: leg.spec, leg: now });
                }
                None => {
                    let id = LegId(next);
                    next = next.checked_add(1).ok_or(BindError::TooManyLegs(leg.spec))?;
                    new.push((id, leg));
                    all.push(KnownLeg { id, wanted: leg.spec, leg: leg.clone() });
                }
            }
        }
        let workers = u16::try_from(self.0.workers.len()).unwrap_or(u16::MAX);
        let (bound, sockets) = bind_all(new, workers, &self.0.udp)?;
        let runtimes: Vec<_> = self.0.workers.iter().map(|worker| worker.runtime.clone()).collect();
        let parts = NewLegs::all(sockets, &bound, &runtimes)?;
        for (id, leg) in bound {
            if let Some(known) = all.iter_mut().find(|known| known.id == id) {
                known.leg = leg;
            }
        }
        let remove: Vec<_> = left.iter().map(|known| known.id).collect();
        let order = |add| LegOrder { add, change: kept.clone(), remove: remove.clone() };
        Ok(LegChange { workers: &self.0.workers, orders: parts.into_iter().map(order).collect(), known, all, next })
    }

    fn known(&self) -> MutexGuard<'_, KnownLegs> {
        self.0.legs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether these are one socket.
fn is_same(one: LegSpec, other: LegSpec) -> bool {
    one.addr() == other.addr() && one.transport().is_stream() == other.transport().is_stream()
}

/// Legs that are bound and not served yet, in place of those that are. Dropped, it changes nothing.
#[derive(Debug)]
#[must_use = "nothing changes unless it is applied"]
pub struct LegChange<'c> {
    workers: &'c [Orderer],
    /// One for each worker.
    orders: Vec<LegOrder>,
    known: MutexGuard<'c, KnownLegs>,
    all: Vec<KnownLeg>,
    next: u16,
}

impl LegChange<'_> {
    /// Has every worker serve the new legs and no others. What has arrived by those that end is served; connections that
    /// came by them stay until they end. It waits for nothing.
    pub fn apply(mut self) {
        for (worker, order) in self.workers.iter().zip(self.orders) {
            // An error means that the worker has ended.
            let _ = worker.legs.send(order);
        }
        (self.known.all, self.known.next) = (self.all, self.next);
    }
}

/// Does what is asked of a worker, for ever.
pub(crate) async fn obey<I: Ingress + 'static>(worker: Rc<Worker<I>>, mut orders: mpsc::Receiver<Order>) {
    while let Some(Order { close, done }) = orders.recv().await {
        // Whoever asked may have gone away meanwhile.
        let _ = done.send(worker.finish(close));
    }
    // Nobody can ask any more, which is no reason to end.
    std::future::pending().await
}

impl<I: Ingress + 'static> Worker<I> {
    /// Has a connection end once all is answered. Says whether it is there, and not ending already.
    fn finish(&self, flow: Flow) -> bool {
        let core = &mut *self.core();
        let connection = core.service.connections.get_mut(flow).filter(|connection| connection.phase == Phase::Open);
        connection.is_some_and(|connection| {
            connection.finish(CloseCause::Asked);
            connection.nudge();
            true
        })
    }
}
