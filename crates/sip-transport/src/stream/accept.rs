//! How connections come in.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use sip_message::frame::Framer;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};

#[cfg(feature = "ws")]
use super::Web;
use super::limits::{Full, Permit};
use super::ping::Pings;
use super::{Connection, Content, Wire, serve_connection};
use crate::bind::is_exhausted;
#[cfg(feature = "ws")]
use crate::websocket::{Rules, Session};
use crate::worker::Worker;
use crate::{CloseCause, Ingress, Leg, LegId, Peer, StreamConfig};

/// How long to wait when accepting fails, as without file descriptors: the connection stays in the queue, and would
/// wake us again at once.
const PAUSE: Duration = Duration::from_millis(100);
/// At the end, how many times how many connections are taken from the queue at most; no queue is longer.
const LAST_TURNS: usize = 128;
const LAST_ACCEPTS: usize = 32;

/// A worker's listener of one leg of connections.
pub(crate) struct StreamLeg {
    pub(crate) id: LegId,
    listener: TcpListener,
    asks: RefCell<Rc<Asks>>,
}

/// What a leg asks of new connections.
struct Asks {
    leg: Leg,
    #[cfg(feature = "ws")]
    rules: Rc<Rules>,
}

impl StreamLeg {
    pub(crate) fn new(id: LegId, listener: TcpListener, leg: Leg, streams: &StreamConfig) -> Self {
        Self { id, listener, asks: RefCell::new(Rc::new(Asks::new(leg, streams))) }
    }

    /// What is asked of new connections from now on.
    pub(crate) fn set(&self, leg: Leg, streams: &StreamConfig) {
        self.asks.replace(Rc::new(Asks::new(leg, streams)));
    }
}

impl Asks {
    fn new(leg: Leg, streams: &StreamConfig) -> Self {
        #[cfg(feature = "ws")]
        let rules = Rc::new(Rules { origins: leg.origins.clone(), max_message: streams.frame.message });
        #[cfg(not(feature = "ws"))]
        let _ = streams;
        Self {
            leg,
            #[cfg(feature = "ws")]
            rules,
        }
    }

    /// What lies between its sockets and messages; `None` if that cannot be set up.
    fn layers(&self, streams: &StreamConfig) -> Option<(Wire, Content)> {
        #[cfg(feature = "tls")]
        let wire = match self.leg.tls.as_ref().filter(|_| self.leg.spec.transport().is_secure()) {
            Some(tls) => Wire::Tls(Box::new(tls.begin().ok()?)),
            None => Wire::Plain,
        };
        #[cfg(not(feature = "tls"))]
        let wire = Wire::Plain;
        #[cfg(feature = "ws")]
        if self.leg.spec.transport().is_websocket() {
            let web = Web { session: Session::new(), rules: Rc::clone(&self.rules), is_open: false };
            return Some((wire, Content::Web(web)));
        }
        Some((wire, Content::Sip(Framer::new(streams.frame))))
    }
}

/// Accepts connections for ever.
pub(crate) async fn accept<I: Ingress + 'static>(worker: Rc<Worker<I>>, leg: Rc<StreamLeg>) {
    loop {
        let accepted = leg.listener.accept().await;
        if worker.accepted(accepted, &leg).is_err() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Accepts what waits in the queue.
pub(crate) async fn accept_waiting<I: Ingress + 'static>(worker: &Rc<Worker<I>>, leg: &StreamLeg) {
    for _ in 0..LAST_TURNS {
        // Has the runtime look at the sockets, so that what is not ready then is empty.
        tokio::task::yield_now().await;
        for _ in 0..LAST_ACCEPTS {
            let Poll::Ready(accepted) = poll_fn(|cx| Poll::Ready(leg.listener.poll_accept(cx))).await else { return };
            if worker.accepted(accepted, leg).is_err() {
                return;
            }
        }
    }
}

impl<I: Ingress + 'static> Worker<I> {
    /// Takes in a new connection. An error is one of the listener.
    fn accepted(self: &Rc<Self>, accepted: io::Result<(TcpStream, SocketAddr)>, leg: &StreamLeg) -> io::Result<()> {
        match accepted {
            Ok((stream, remote)) => {
                // A connection that is gone before it is set up concerns nobody.
                let _ = self.admit(stream, remote, leg);
                Ok(())
            }
            Err(error) if is_of_one_connection(&error) => Ok(()),
            Err(error) => {
                self.counters.accept_errors.up();
                if is_exhausted(&error) {
                    self.evict();
                }
                Err(error)
            }
        }
    }

    fn admit(self: &Rc<Self>, stream: TcpStream, remote: SocketAddr, leg: &StreamLeg) -> io::Result<()> {
        let asks = Rc::clone(&leg.asks.borrow());
        if !asks.leg.trusts(remote.ip()) {
            self.counters.connections_refused_untrusted.up();
            return Ok(());
        }
        let behind_proxies = asks.leg.is_behind_proxies();
        let Some(permit) = self.permit((!behind_proxies).then_some(remote.ip())) else { return Ok(()) };
        stream.set_nodelay(true)?;
        if let Some(silence) = self.streams.keepalive {
            let keepalive = TcpKeepalive::new()
                .with_time(silence)
                .with_interval(silence.min(StreamConfig::KEEPALIVE_INTERVAL))
                .with_retries(StreamConfig::KEEPALIVE_PROBES);
            SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        }
        if let Some(interval) = self.streams.ping {
            let patience = interval.saturating_mul(self.streams.ping_failures.max(1));
            SockRef::from(&stream).set_tcp_user_timeout(Some(patience))?;
        }
        let local = stream.local_addr()?;
        let now = self.clock.now();
        let Some(layers) = asks.layers(&self.streams) else { return Ok(()) };
        let mut peer = Peer { leg: leg.id, transport: asks.leg.spec.transport(), remote, local, flow: None };
        let core = &mut *self.core();
        let flow = core.service.connections.insert(|flow, order| {
            peer.flow = Some(flow);
            let pings = Pings::new(flow, now.at, self.streams.ping);
            Connection::new(stream, peer, order, permit, layers, pings, now.at).behind_proxies(behind_proxies)
        });
        if let Some(flow) = flow {
            self.counters.connections_accepted.up();
            self.tell_if_ready(core, flow, now);
            core.service.flush(now);
            tokio::task::spawn_local(serve_connection(Rc::clone(self), flow));
        }
        Ok(())
    }

    /// Room for a connection; where there is none in all, a connection that was never put to use gives way.
    fn permit(&self, source: Option<IpAddr>) -> Option<Permit> {
        let mut result = self.limits.admit(source);
        if result.as_ref().is_err_and(|full| *full == Full::InAll) && self.evict() {
            result = self.limits.admit(source);
        }
        match result {
            Ok(permit) => return Some(permit),
            Err(Full::InAll) => self.counters.connections_refused.up(),
            Err(Full::Source) => self.counters.connections_refused_by_source.up(),
        }
        None
    }

    /// Ends the oldest connection that has brought no message. Returns whether there was one.
    fn evict(&self) -> bool {
        let oldest = self.core().service.connections.oldest_unproven();
        oldest.is_some_and(|flow| {
            self.close(flow, CloseCause::Evicted);
            true
        })
    }
}

/// accept(2): what is an error of the connection in question, not of the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted, NetworkDown, NetworkUnreachable,
    };
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | HostUnreachable | Interrupted | NetworkDown | NetworkUnreachable
    )
}
