//! A worker's legs: those it begins with, and those that come and go while it serves.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinError, JoinSet};

use crate::bind::WorkerSockets;
use crate::stream::{StreamLeg, accept, accept_waiting};
use crate::udp::{Received, UdpLeg};
use crate::worker::{Worker, serve_udp};
use crate::{BindError, Ingress, Leg, LegId};

/// When a leg ends, how many batches of datagrams are read from its socket at most: as many as the largest buffer holds.
/// A flood must not outlast the answers to what came before it.
const LAST_BATCHES: usize = 1024;

/// One worker's sockets of some legs, known to its event loop and not served yet.
#[derive(Debug)]
pub(crate) struct NewLegs {
    udp: Vec<(LegId, SocketAddr, UdpSocket)>,
    streams: Vec<(LegId, TcpListener, Leg)>,
}

/// What becomes of the legs of a worker.
#[derive(Debug)]
pub(crate) struct LegOrder {
    pub(crate) add: NewLegs,
    /// Those that ask other things of connections from now on.
    pub(crate) change: Vec<(LegId, Leg)>,
    pub(crate) remove: Vec<LegId>,
}

impl NewLegs {
    /// Makes the sockets of each worker known to its event loop.
    pub(crate) fn all(
        sockets: Vec<WorkerSockets>,
        legs: &[(LegId, Leg)],
        runtimes: &[Handle],
    ) -> Result<Vec<Self>, BindError> {
        let all = sockets.into_iter().zip(runtimes);
        all.map(|(sockets, runtime)| Self::of_one(sockets, legs, runtime).map_err(BindError::Worker)).collect()
    }

    fn of_one(sockets: WorkerSockets, legs: &[(LegId, Leg)], runtime: &Handle) -> io::Result<Self> {
        let _context = runtime.enter();
        let udp = sockets.udp.into_iter();
        let udp = udp.map(|(id, local, socket)| Ok((id, local, UdpSocket::from_std(socket)?)));
        let leg_of = |id| legs.iter().find(|(of, _)| *of == id).map(|(_, leg)| leg.clone());
        let streams = sockets.tcp.into_iter().filter_map(|(id, listener)| Some((id, listener, leg_of(id)?)));
        let streams = streams.map(|(id, listener, leg)| Ok((id, TcpListener::from_std(listener)?, leg)));
        Ok(Self { udp: udp.collect::<io::Result<_>>()?, streams: streams.collect::<io::Result<_>>()? })
    }
}

/// The legs of a worker, each with a task that waits for what comes.
pub(crate) struct Legs<I: Ingress> {
    worker: Rc<Worker<I>>,
    udp: Vec<Rc<UdpLeg>>,
    streams: Vec<Rc<StreamLeg>>,
    tasks: JoinSet<()>,
    running: Vec<(LegId, AbortHandle)>,
}

impl<I: Ingress + 'static> Legs<I> {
    pub(crate) fn new(worker: Rc<Worker<I>>) -> Self {
        Self { worker, udp: Vec::new(), streams: Vec::new(), tasks: JoinSet::new(), running: Vec::new() }
    }

    /// Serves these, too.
    pub(crate) fn add(&mut self, new: NewLegs) {
        for (id, local, socket) in new.udp {
            let leg = Rc::new(UdpLeg { id, local, socket });
            self.worker.answer_by(&leg);
            let task = self.tasks.spawn_local(serve_udp(Rc::clone(&self.worker), Rc::clone(&leg)));
            self.running.push((id, task));
            self.udp.push(leg);
        }
        for (id, listener, leg) in new.streams {
            let leg = Rc::new(StreamLeg::new(id, listener, leg, &self.worker.streams));
            let task = self.tasks.spawn_local(accept(Rc::clone(&self.worker), Rc::clone(&leg)));
            self.running.push((id, task));
            self.streams.push(leg);
        }
    }

    /// Does as it is told. What has arrived by a leg that ends is served; connections stay.
    pub(crate) async fn change(&mut self, order: LegOrder) {
        self.add(order.add);
        for (id, to) in order.change {
            if let Some(leg) = self.streams.iter().find(|leg| leg.id == id) {
                leg.set(to, &self.worker.streams);
            }
        }
        for id in order.remove {
            for (_, task) in self.running.extract_if(.., |(of, _)| *of == id) {
                task.abort();
            }
            for leg in self.streams.extract_if(.., |leg| leg.id == id).collect::<Vec<_>>() {
                accept_waiting(&self.worker, &leg).await;
            }
            for leg in self.udp.extract_if(.., |leg| leg.id == id).collect::<Vec<_>>() {
                self.worker.read_last(&leg).await;
                self.worker.retire(id);
            }
        }
    }

    /// Waits for ever, unless a task panics.
    pub(crate) async fn fault(&mut self) -> JoinError {
        while let Some(ended) = self.tasks.join_next().await {
            if let Some(fault) = ended.err().filter(JoinError::is_panic) {
                return fault;
            }
        }
        std::future::pending().await
    }

    /// Waits for nothing any more; the sockets go on taking what comes.
    pub(crate) async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }

    /// Takes the connections that wait, and closes the listeners. Gives the legs of datagrams.
    pub(crate) async fn accept_last(self) -> Vec<Rc<UdpLeg>> {
        for leg in &self.streams {
            accept_waiting(&self.worker, leg).await;
        }
        self.udp
    }
}

impl<I: Ingress + 'static> Worker<I> {
    /// Serves what a leg's socket holds.
    pub(crate) async fn read_last(&self, leg: &UdpLeg) {
        for _ in 0..LAST_BATCHES {
            if self.serve_datagrams(leg).0 == Received::Drained {
                break;
            }
            tokio::task::yield_now().await;
        }
        self.core().service.flush(self.clock.now());
    }
}
