//! One connection: what it holds, and how long it may last.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::content::Content;
use super::limits::Permit;
use super::ping::{Move, Pings};
use super::wire::Wire;
#[cfg(feature = "tls")]
use super::wire::{self, Opened};
use crate::clock::millis;
use crate::counters::WorkerCounters;
use crate::proxy_protocol::{self, Addresses};
use crate::{CloseCause, Peer, StreamConfig, Timestamp};

/// A connection between its accept and its close. Idle, it holds no bytes.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    pub(crate) peer: Peer,
    /// Whether it has yet to begin with a header of the PROXY protocol.
    awaits_header: bool,
    wire: Wire,
    pub(crate) content: Content,
    /// Whether the layer above has been told of it.
    pub(crate) opened: bool,
    /// The beginning of a message that is not whole, or whole ones that wait for their turn.
    pub(crate) unread: Vec<u8>,
    /// Whether `unread` may hold whole messages.
    pub(crate) has_backlog: bool,
    /// What the kernel has not taken yet.
    unsent: VecDeque<u8>,
    pub(crate) phase: Phase,
    /// Futures of the layer above that came from here.
    pub(crate) pending: u32,
    /// Its number in the order of accepting, as long as it has brought no message.
    pub(crate) unproven: Option<u64>,
    accepted: Timestamp,
    /// When bytes came last; `None` before the first.
    heard: Option<Timestamp>,
    /// When the message began that is not whole.
    begun: Option<Timestamp>,
    /// Since when `unsent` has not become shorter.
    stalled: Timestamp,
    pub(crate) pings: Pings,
    waker: Option<Waker>,
    /// Somebody else changed something: take a turn.
    nudged: bool,
    permit: Permit,
}

/// How far a connection is from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Messages are read.
    Open,
    /// Nothing more is read; pending answers and unsent bytes still leave.
    Finishing(CloseCause),
    /// All is sent; what comes is thrown away until the peer closes or the time is up.
    Lingering(CloseCause, Timestamp),
    /// To be closed at once.
    Doomed(CloseCause),
}

/// What a reading brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadOutcome {
    Bytes(usize),
    Nothing,
    End,
}

impl Connection {
    pub(crate) fn new(
        stream: TcpStream,
        peer: Peer,
        order: u64,
        permit: Permit,
        (wire, content): (Wire, Content),
        pings: Pings,
        now: Timestamp,
    ) -> Self {
        Self {
            stream,
            peer,
            awaits_header: false,
            wire,
            content,
            opened: false,
            unread: Vec::new(),
            has_backlog: false,
            unsent: VecDeque::new(),
            phase: Phase::Open,
            pending: 0,
            unproven: Some(order),
            accepted: now,
            heard: None,
            begun: None,
            stalled: now,
            pings,
            waker: None,
            nudged: false,
            permit,
        }
    }

    /// The same; if `so`, it begins with a header of the PROXY protocol.
    pub(crate) fn behind_proxies(self, so: bool) -> Self {
        Self { awaits_header: so, ..self }
    }

    /// Whether messages are read just now. A peer that does not take its answers is not asked for more.
    pub(crate) fn wants_messages(&self) -> bool {
        self.phase == Phase::Open && self.unsent.is_empty()
    }

    /// Whether messages can pass: TLS is agreed upon, and HTTP lies behind it.
    pub(crate) fn is_ready(&self) -> bool {
        !self.awaits_header && self.wire.is_ready() && self.content.is_ready()
    }

    /// Whether it has yet to begin with a header of the PROXY protocol.
    pub(crate) fn awaits_header(&self) -> bool {
        self.awaits_header
    }

    /// Reads the header of the PROXY protocol at the beginning of what came, and leaves in `fresh`, whose first `read` bytes
    /// are new, what stands behind it; gives how much that is. It goes to its end if there is something wrong.
    pub(crate) fn read_header(&mut self, fresh: &mut [u8], read: usize) -> usize {
        self.unread.extend_from_slice(fresh.get(..read).unwrap_or_default());
        let (consumed, addresses) = match proxy_protocol::read(&self.unread) {
            Ok(proxy_protocol::Read::NeedMore) => return 0,
            Ok(proxy_protocol::Read::Header { consumed, addresses }) => (consumed, addresses),
            Err(_) => {
                self.doom(CloseCause::ProxyHeader);
                return 0;
            }
        };
        self.awaits_header = false;
        if let Some(Addresses { source, destination }) = addresses {
            (self.peer.remote, self.peer.local) = (source, destination);
        }
        if self.permit.is_from(self.peer.remote.ip()).is_err() {
            self.doom(CloseCause::Source);
            return 0;
        }
        // No more than was read just now: before that there was a part of the header.
        let unread = std::mem::take(&mut self.unread);
        let rest = unread.get(consumed..).unwrap_or_default();
        match fresh.get_mut(..rest.len()) {
            Some(place) => place.copy_from_slice(rest),
            None => self.doom(CloseCause::ProxyHeader),
        }
        rest.len()
    }

    /// Whether the bytes that come are not those of messages.
    pub(crate) fn is_sealed(&self) -> bool {
        self.wire.is_sealed()
    }

    /// Whether there is still somebody to answer to.
    pub(crate) fn takes_answers(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Finishing(_))
    }

    /// Bytes that the kernel has not taken.
    pub(crate) fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// When it must end unless something happens, and by what cause.
    pub(crate) fn deadline(&self, limits: &StreamConfig) -> (Timestamp, CloseCause) {
        let after = |start: Timestamp, limit: Duration| start.plus_millis(millis(limit));
        match (self.phase, self.heard, self.begun) {
            (Phase::Doomed(cause), ..) => (Timestamp(0), cause),
            (Phase::Lingering(cause, until), ..) => (until, cause),
            _ if !self.unsent.is_empty() => (after(self.stalled, limits.write), CloseCause::WriteStalled),
            (_, None, _) => (after(self.accepted, limits.first_byte), CloseCause::FirstByte),
            _ if self.awaits_header => {
                (after(self.accepted, limits.first_byte + limits.message), CloseCause::ProxyHeader)
            }
            _ if !self.wire.is_ready() => (after(self.accepted, limits.handshake), CloseCause::Handshake),
            _ if !self.content.is_ready() => {
                (after(self.accepted, limits.handshake + limits.upgrade), CloseCause::Upgrade)
            }
            // Keepalives do not count here, or they would hold a connection that is never put to use.
            _ if self.unproven.is_some() => {
                (after(self.accepted, limits.first_byte + limits.message), CloseCause::Message)
            }
            (Phase::Open, _, Some(begun)) => (after(begun, limits.message), CloseCause::Message),
            (_, Some(heard), _) => (after(heard, limits.idle), CloseCause::Idle),
        }
    }

    /// Reads once. With `force` the socket is asked even if no event has announced anything.
    pub(crate) fn read(&mut self, buffer: &mut [u8], now: Timestamp, force: bool) -> io::Result<ReadOutcome> {
        let mut outcome = None;
        let mut read = || {
            let result = (&*SockRef::from(&self.stream)).read(buffer);
            let may_have_more = match &result {
                Ok(n) => *n == buffer.len(),
                Err(error) => error.kind() == io::ErrorKind::Interrupted,
            };
            outcome = Some(result);
            // A short read has emptied the socket: told so, tokio waits for the next event without one more read.
            if may_have_more { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
        };
        // The result stands in `outcome`.
        let _ = if force { read() } else { self.stream.try_io(Interest::READABLE, read) };
        match outcome {
            Some(Ok(0)) => Ok(ReadOutcome::End),
            Some(Ok(n)) => {
                self.heard = Some(now);
                Ok(ReadOutcome::Bytes(n))
            }
            Some(Err(error)) if !is_passing(&error) => Err(error),
            _ => Ok(ReadOutcome::Nothing),
        }
    }

    /// Takes the protection off `sealed`; what is in it comes to stand in `plain`. What TLS wants to say is sent.
    #[cfg(feature = "tls")]
    pub(crate) fn open(&mut self, sealed: &[u8], plain: &mut Vec<u8>, limit: usize, now: Timestamp) -> Opened {
        let Wire::Tls(tls) = &mut self.wire else { return Opened::Broken };
        let mut out = Vec::new();
        let opened = wire::open(tls, sealed, plain, &mut out);
        if !out.is_empty() {
            self.send_raw(&out, limit, now);
        }
        opened
    }

    /// Keeps what is left after framing: `whole` if there may be messages in it, `moved` if anything was taken from its
    /// beginning.
    pub(crate) fn keep(&mut self, rest: Vec<u8>, whole: bool, moved: bool, now: Timestamp) {
        self.begun = match self.begun {
            _ if rest.is_empty() && !self.content.is_within_message() => None,
            Some(begun) if !moved => Some(begun),
            _ => Some(now),
        };
        self.has_backlog = whole && !rest.is_empty();
        self.unread = rest;
    }

    /// Sends `bytes`, protected if need be, after all that waits, or lets them wait as well. Beyond `limit` waiting bytes
    /// the peer is given up.
    pub(crate) fn send(&mut self, bytes: &[u8], limit: usize, now: Timestamp) {
        match &mut self.wire {
            Wire::Plain => self.send_raw(bytes, limit, now),
            #[cfg(feature = "tls")]
            Wire::Tls(tls) => {
                let mut sealed = Vec::with_capacity(bytes.len() + 64);
                wire::seal(tls, bytes, &mut sealed);
                self.send_raw(&sealed, limit, now);
            }
        }
    }

    /// Asks the peer whether it is there, if it is time to; `false`: it is not.
    pub(crate) fn ping(&mut self, limits: &StreamConfig, counters: &WorkerCounters, now: Timestamp) -> bool {
        let (Some(interval), Some(heard)) = (limits.ping, self.heard) else { return true };
        let is_quiet = self.phase == Phase::Open && self.opened && self.unproven.is_none() && self.unsent.is_empty();
        if self.pings.due() > now {
            return true;
        }
        // Without WebSocket nobody has to answer: the kernel tells if nothing arrives.
        let most = if self.content.must_answer_pings() { limits.ping_failures } else { u32::MAX };
        match self.pings.next(heard, now, interval, most) {
            Move::Ping if is_quiet => {
                counters.pings_sent.up();
                let ping = self.content.ping(now);
                self.send(&ping, limits.write_queue, now);
            }
            Move::GiveUp => return false,
            Move::Ping | Move::Nothing => {}
        }
        true
    }

    /// Says as far as the kernel takes it that nothing follows: a Close of WebSocket (RFC 6455 §7.1.2) where one is due,
    /// and TLS's own (RFC 8446 §6.1).
    #[cfg_attr(
        not(any(feature = "tls", feature = "ws")),
        expect(unused_variables, clippy::needless_return, reason = "plain streams just end")
    )]
    pub(crate) fn say_end(&mut self, cause: CloseCause, now: Timestamp) {
        let is_over = matches!(self.phase, Phase::Lingering(..)) || !self.unsent.is_empty();
        if is_over || self.awaits_header || matches!(cause, CloseCause::Broken | CloseCause::WriteOverflow) {
            return;
        }
        #[cfg(feature = "ws")]
        if self.content.is_framed() && self.is_ready() && !matches!(cause, CloseCause::Peer | CloseCause::WebSocket) {
            /// RFC 6455 §7.4.1: going away, as a server does that ends.
            const GOING_AWAY: u16 = 1001;
            let mut close = Vec::new();
            crate::websocket::write_close(GOING_AWAY, &mut close);
            self.send(&close, usize::MAX, now);
        }
        #[cfg(feature = "tls")]
        if let Wire::Tls(tls) = &mut self.wire {
            let mut out = Vec::new();
            tls.send_close_notify();
            wire::drain(tls, &mut out);
            self.send_raw(&out, usize::MAX, now);
        }
    }

    fn send_raw(&mut self, bytes: &[u8], limit: usize, now: Timestamp) {
        let mut rest = bytes;
        if self.unsent.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(n) => rest = bytes.get(n..).unwrap_or_default(),
                Err(error) if is_passing(&error) => {}
                Err(_) => return self.doom(CloseCause::Broken),
            }
            self.stalled = now;
        }
        if rest.is_empty() {
            return;
        }
        if self.unsent.len() + rest.len() > limit {
            return self.doom(CloseCause::WriteOverflow);
        }
        self.unsent.extend(rest);
        self.nudge();
    }

    /// Sends what waits, as far as the kernel takes it.
    pub(crate) fn send_waiting(&mut self, now: Timestamp) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.try_write(self.unsent.as_slices().0) {
                Ok(n) => {
                    self.unsent.drain(..n);
                    self.stalled = now;
                }
                Err(error) if is_passing(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
            if self.unsent.is_empty() {
                self.unsent = VecDeque::new();
                // While nothing was read a message could not become whole.
                self.begun = self.begun.map(|_| now);
            }
        }
        Ok(())
    }

    /// One of its pieces of pending work has ended. Only a connection that waits for the last of them has anything to do.
    pub(crate) fn pending_ended(&mut self) {
        self.pending = self.pending.saturating_sub(1);
        if self.pending == 0 && self.phase != Phase::Open {
            self.nudge();
        }
    }

    /// Sends FIN; reading goes on.
    pub(crate) fn end_writing(&self) {
        // An error means that the connection is gone already.
        let _ = SockRef::from(&self.stream).shutdown(std::net::Shutdown::Write);
    }

    /// Reads nothing more, and is closed when all is answered.
    pub(crate) fn finish(&mut self, cause: CloseCause) {
        if self.phase == Phase::Open {
            self.phase = Phase::Finishing(cause);
        }
    }

    /// To be closed at its next turn.
    pub(crate) fn doom(&mut self, cause: CloseCause) {
        self.phase = Phase::Doomed(cause);
        self.nudge();
    }

    /// Has it take a turn.
    pub(crate) fn nudge(&mut self) {
        self.nudged = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Ready when there is something to do.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.nudged) {
            return Poll::Ready(());
        }
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
        let reads = self.wants_messages() || matches!(self.phase, Phase::Lingering(..));
        if reads && self.stream.poll_read_ready(cx).is_ready() {
            return Poll::Ready(());
        }
        if !self.unsent.is_empty() && self.stream.poll_write_ready(cx).is_ready() {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
