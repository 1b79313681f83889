//! Connections: accepting them, taking turns at serving them, and ending them.

mod accept;
mod connection;
mod content;
mod limits;
mod ping;
mod table;
#[cfg(feature = "ws")]
mod web;
mod wire;

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use sip_message::frame::Frame;
use tokio::time::sleep;

pub(crate) use accept::{StreamLeg, accept, accept_waiting};
use connection::ReadOutcome;
pub(crate) use connection::{Connection, Phase};
pub(crate) use content::Content;
#[cfg(feature = "ws")]
pub(crate) use content::Web;
pub(crate) use limits::ConnectionLimits;
pub(crate) use table::Table;
#[cfg(feature = "tls")]
use wire::Opened;
pub(crate) use wire::Wire;

use crate::clock::millis;
use crate::worker::{Core, Service, Worker};
use crate::{CloseCause, Destination, Flow, FlowEvent, Inbound, Ingress, Now};

/// How many messages and line ends one connection may have served before others get their turn.
const FRAMES_PER_TURN: usize = 32;
/// How many bytes are read at once; one buffer for all connections of a worker.
pub(crate) const READ_BUFFER: usize = 64 << 10;

/// What a connection waits for after its turn.
enum Turn {
    /// There is more to do at once.
    Again,
    /// An event of its socket, a nudge, or its deadline.
    Wait(tokio::time::Instant),
    /// Its end.
    Close(CloseCause),
    /// It has been ended by somebody else.
    Gone,
}

/// Serves one connection to its end.
pub(crate) async fn serve_connection<I: Ingress + 'static>(worker: Rc<Worker<I>>, flow: Flow) {
    let mut alarm = pin!(sleep(worker.streams.first_byte));
    loop {
        match worker.turn(flow) {
            Turn::Again => tokio::task::yield_now().await,
            Turn::Wait(deadline) => {
                // A deadline that has moved away is looked up when the alarm goes off: most alarms are never set anew.
                if alarm.is_elapsed() || deadline < alarm.deadline() {
                    alarm.as_mut().reset(deadline);
                }
                poll_fn(|cx| if worker.poll_connection(flow, cx) { Poll::Ready(()) } else { alarm.as_mut().poll(cx) })
                    .await;
            }
            Turn::Close(cause) => return worker.close(flow, cause),
            Turn::Gone => return,
        }
    }
}

impl<I: Ingress + 'static> Worker<I> {
    /// Whether a connection has something to do; if not, it will be woken.
    fn poll_connection(&self, flow: Flow, cx: &mut Context<'_>) -> bool {
        let mut core = self.core();
        core.service.connections.get_mut(flow).is_none_or(|connection| connection.poll_ready(cx).is_ready())
    }

    /// Does what can be done for a connection without waiting.
    fn turn(&self, flow: Flow) -> Turn {
        let now = self.clock.now();
        let mut core = self.core();
        let core = &mut *core;
        let Some(connection) = core.service.connections.get_mut(flow) else { return Turn::Gone };
        if connection.send_waiting(now.at).is_err() {
            return Turn::Close(CloseCause::Broken);
        }
        if connection.wants_messages() {
            match self.serve_messages(core, flow, now) {
                Ok(true) => return Turn::Again,
                Ok(false) => {}
                Err(_) => return Turn::Close(CloseCause::Broken),
            }
        }
        self.advance(core, flow, now)
    }

    /// Reads, and hands up what is whole. Returns whether there is more to do at once.
    fn serve_messages(&self, core: &mut Core<I>, flow: Flow, now: Now) -> io::Result<bool> {
        let draining = self.is_draining();
        let Some(connection) = core.service.connections.get_mut(flow) else { return Ok(false) };
        let mut read = 0;
        if !connection.has_backlog {
            match connection.read(&mut core.scratch, now.at, draining)? {
                ReadOutcome::Bytes(n) => read = n,
                ReadOutcome::End => connection.finish(CloseCause::Peer),
                ReadOutcome::Nothing if draining => connection.finish(CloseCause::Drain),
                ReadOutcome::Nothing => {}
            }
            if read == 0 {
                return Ok(false);
            }
        }
        if connection.awaits_header() {
            read = connection.read_header(&mut core.scratch, read);
            if read == 0 {
                self.tell_if_ready(core, flow, now);
                core.service.flush(now);
                return Ok(false);
            }
        }
        core.plain.clear();
        #[cfg(feature = "tls")]
        if connection.is_sealed() && read > 0 {
            let sealed = core.scratch.get(..read).unwrap_or_default();
            match connection.open(sealed, &mut core.plain, self.streams.write_queue, now.at) {
                Opened::More => {}
                Opened::End => connection.finish(CloseCause::Peer),
                // The alert that says why has been sent.
                Opened::Broken if connection.opened => connection.finish(CloseCause::Broken),
                Opened::Broken => {
                    self.counters.tls_handshakes_failed.up();
                    connection.finish(CloseCause::Handshake);
                    return Ok(false);
                }
            }
        }
        self.tell_if_ready(core, flow, now);
        let backlog = self.serve_content(core, flow, read, now);
        core.service.flush(now);
        Ok(backlog || read == READ_BUFFER || draining)
    }

    /// Tells the layer above of a connection as soon as messages can pass.
    fn tell_if_ready(&self, core: &mut Core<I>, flow: Flow, now: Now) {
        let service = &mut core.service;
        let Some(connection) = service.connections.get_mut(flow) else { return };
        if connection.opened || !connection.is_ready() {
            return;
        }
        connection.opened = true;
        let peer = connection.peer;
        if peer.transport.is_secure() {
            self.counters.tls_handshakes.up();
        }
        service.flow_event(&peer, FlowEvent::Opened, now);
    }

    /// Divides what came into messages, and serves them. Returns whether the budget ran out before the bytes did.
    fn serve_content(&self, core: &mut Core<I>, flow: Flow, read: usize, now: Now) -> bool {
        #[cfg(feature = "ws")]
        if core.service.connections.get_mut(flow).is_some_and(|connection| connection.content.is_framed()) {
            return self.serve_web(core, flow, read, now);
        }
        self.serve_frames(core, flow, read, now)
    }

    /// The same for SIP.
    fn serve_frames(&self, core: &mut Core<I>, flow: Flow, read: usize, now: Now) -> bool {
        let Core { service, scratch, plain, .. } = core;
        let Some(connection) = service.connections.get_mut(flow) else { return false };
        let peer = connection.peer;
        #[cfg_attr(
            not(feature = "ws"),
            expect(irrefutable_let_patterns, reason = "without WebSocket there is only SIP")
        )]
        let Content::Sip(mut framer) = connection.content else { return false };
        let mut held = std::mem::take(&mut connection.unread);
        let fresh = if connection.is_sealed() { plain } else { scratch.get(..read).unwrap_or_default() };
        let bytes = if held.is_empty() {
            fresh
        } else {
            held.extend_from_slice(fresh);
            &held
        };

        let mut rest = bytes;
        let mut end = None;
        let mut budget_ran_out = true;
        for _ in 0..FRAMES_PER_TURN {
            let (length, is_message) = match framer.next(rest) {
                Frame::NeedMore => {
                    budget_ran_out = false;
                    break;
                }
                Frame::Skip(n) => {
                    self.pong(service, flow, now);
                    (n, false)
                }
                Frame::Ping(n) => {
                    // Two answers to pings of ours look like one of the peer's, and that must be answered.
                    self.pong(service, flow, now);
                    self.counters.keepalives.up();
                    service.out.send(Destination::Stream(flow), b"\r\n");
                    (n, false)
                }
                Frame::Message(n) => {
                    service.connections.prove(flow);
                    (n, true)
                }
                // A whole head can still be answered; what follows it cannot even be found.
                Frame::Broken { readable, .. } => {
                    self.counters.framing_errors.up();
                    end = Some(CloseCause::Framing);
                    (readable, readable > 0)
                }
            };
            let (frame, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = after;
            if is_message && self.serve(service, Inbound { bytes: frame, peer, now }).is_err() {
                end = Some(CloseCause::Panic);
            }
            if end.is_some() {
                break;
            }
        }

        let left = rest.len();
        let moved = left < bytes.len();
        let rest = if held.is_empty() {
            rest.to_vec()
        } else {
            held.drain(..held.len() - left);
            held
        };
        let Some(connection) = service.connections.get_mut(flow) else { return false };
        connection.content = Content::Sip(framer);
        match end {
            Some(cause) => connection.finish(cause),
            None => connection.keep(rest, budget_ran_out, moved, now.at),
        }
        connection.has_backlog
    }

    /// A ping of ours may have been answered.
    fn pong(&self, service: &mut Service<I>, flow: Flow, now: Now) {
        let Some(connection) = service.connections.get_mut(flow) else { return };
        if let Some(took) = connection.pings.answered(now.at) {
            self.counters.pings_answered.up();
            let peer = connection.peer;
            service.flow_event(&peer, FlowEvent::RoundTrip(took), now);
        }
    }

    /// Brings a connection nearer to its end, where it is on the way there.
    fn advance(&self, core: &mut Core<I>, flow: Flow, now: Now) -> Turn {
        let Some(connection) = core.service.connections.get_mut(flow) else { return Turn::Gone };
        if let Phase::Finishing(cause) = connection.phase
            && connection.pending == 0
            && connection.unsent() == 0
        {
            if !matches!(
                cause,
                CloseCause::Framing
                    | CloseCause::Panic
                    | CloseCause::Upgrade
                    | CloseCause::WebSocket
                    | CloseCause::Handshake
                    | CloseCause::Asked
            ) {
                return Turn::Close(cause);
            }
            // Closed with bytes unread, a connection is reset, and the peer may lose the answer it has not read yet.
            if cause == CloseCause::Asked {
                connection.say_end(cause, now.at);
            }
            connection.end_writing();
            connection.phase = Phase::Lingering(cause, now.at.plus_millis(millis(self.streams.linger)));
        }
        let (due, cause) = connection.deadline(&self.streams);
        if due <= now.at {
            return Turn::Close(cause);
        }
        if !connection.ping(&self.streams, &self.counters, now.at) {
            return Turn::Close(CloseCause::PingTimeout);
        }
        let due = due.min(connection.pings.due());
        if let Phase::Lingering(cause, _) = connection.phase {
            match connection.read(&mut core.scratch, now.at, false) {
                Ok(ReadOutcome::Bytes(_)) => return Turn::Again,
                Ok(ReadOutcome::Nothing) => {}
                Ok(ReadOutcome::End) | Err(_) => return Turn::Close(cause),
            }
        }
        Turn::Wait(self.clock.instant(due))
    }

    /// Ends a connection and says so above; once for each.
    pub(crate) fn close(&self, flow: Flow, cause: CloseCause) {
        let now = self.clock.now();
        let mut core = self.core();
        let Some(mut connection) = core.service.connections.remove(flow) else { return };
        self.counters.close(cause);
        if !connection.unread.is_empty() {
            self.counters.messages_incomplete.up();
        }
        connection.nudge();
        connection.say_end(cause, now.at);
        let (peer, opened) = (connection.peer, connection.opened);
        drop(connection);
        if opened {
            core.service.flow_event(&peer, FlowEvent::Closed, now);
        }
        core.service.flush(now);
        drop(core);
        self.ended.notify_one();
    }
}
