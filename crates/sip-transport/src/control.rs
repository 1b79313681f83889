//! What a running server is asked to do from outside.

use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::stream::Phase;
use crate::worker::Worker;
use crate::{CloseCause, Flow, Ingress};

/// How many orders wait for one worker at most; whoever has one more waits for room.
const QUEUE: usize = 64;

/// Asks a running server for things, from any thread.
///
/// Had from [`Server::control`](crate::Server::control). Workers that are not asked pay nothing for it.
#[derive(Clone, Debug)]
pub struct Control {
    /// One for each worker.
    orders: Arc<[mpsc::Sender<Order>]>,
}

/// Ends the connection, and says whether there was one.
#[derive(Debug)]
struct Order {
    close: Flow,
    done: oneshot::Sender<bool>,
}

/// One worker's end of a [`Control`].
#[derive(Debug)]
pub(crate) struct Orders(mpsc::Receiver<Order>);

impl Control {
    /// One for so many workers, and their ends of it.
    pub(crate) fn new(workers: usize) -> (Self, Vec<Orders>) {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..workers).map(|_| mpsc::channel(QUEUE)).unzip();
        (Self { orders: senders.into() }, receivers.into_iter().map(Orders).collect())
    }

    /// Ends a connection: nothing more is read from it, the answers that are due still leave, and then it is closed,
    /// by [`CloseCause::Asked`]. Needs no runtime of its own.
    ///
    /// Says whether there was such a connection. There is none after it has ended, though another may have its place,
    /// and none at all once the server has stopped. Before [`Server::run`](crate::Server::run) it waits.
    pub async fn close(&self, flow: Flow) -> bool {
        let Some(orders) = self.orders.get(usize::from(flow.worker)) else { return false };
        let (done, answer) = oneshot::channel();
        // An error means that the worker has ended, and its connections with it.
        orders.send(Order { close: flow, done }).await.is_ok() && answer.await.unwrap_or(false)
    }
}

/// Does what is asked of a worker, for ever.
pub(crate) async fn obey<I: Ingress + 'static>(worker: Rc<Worker<I>>, mut orders: Orders) {
    while let Some(Order { close, done }) = orders.0.recv().await {
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
