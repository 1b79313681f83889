//! What the workers count.

use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that one thread raises and any thread reads.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`. Only the worker's own thread does, so no locked instruction is needed.
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// Adds 1.
    pub(crate) fn up(&self) {
        self.add(1);
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What has happened since the start, of one worker or of all together.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
            closed: [u64; CloseCause::ALL.len()],
        }

        /// The same, while it is being counted.
        #[derive(Debug, Default)]
        pub(crate) struct WorkerCounters {
            $(pub(crate) $name: Counter,)*
            /// Not among what is counted: it says nothing but that the worker lives.
            pub(crate) pulse: Counter,
            closed: [Counter; CloseCause::ALL.len()],
        }

        impl WorkerCounters {
            pub(crate) fn snapshot(&self) -> Counters {
                Counters {
                    $($name: self.$name.0.load(Relaxed),)*
                    closed: std::array::from_fn(|at| self.closed.get(at).map_or(0, |n| n.0.load(Relaxed))),
                }
            }
        }

        impl Counters {
            /// Every counter by its name, except those of [`Counters::closed`].
            pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }

        impl AddAssign for Counters {
            fn add_assign(&mut self, other: Self) {
                $(self.$name = self.$name.wrapping_add(other.$name);)*
                self.closed.iter_mut().zip(other.closed).for_each(|(sum, more)| *sum = sum.wrapping_add(more));
            }
        }
    };
}

counters! {
    /// Datagrams that were received, of any kind.
    datagrams_received,
    /// Datagrams that the kernel took from us.
    datagrams_sent,
    /// Datagrams dropped because the socket's send buffer was full.
    datagrams_dropped,
    /// Datagrams that the kernel refused: no route, no such port, too long.
    datagrams_failed,
    /// Datagrams longer than allowed, and dropped.
    datagrams_truncated,
    /// Times that receiving from a UDP socket failed.
    datagram_errors,
    /// Keepalives: CRLF over UDP (not answered), double CRLF on a connection (answered).
    keepalives,
    /// Peers that were asked whether they are there.
    pings_sent,
    /// Those that answered as it is meant.
    pings_answered,
    /// STUN Binding requests that were answered.
    stun_answered,
    /// Datagrams that begin like STUN and got no answer.
    stun_ignored,
    /// Messages handed to the layer above.
    messages,
    /// Messages from that layer for a connection that has ended, belongs to another worker, or is closing.
    messages_without_flow,
    /// Connections accepted.
    connections_accepted,
    /// Connections refused because there are too many in all.
    connections_refused,
    /// Connections refused because there are too many from that source.
    connections_refused_by_source,
    /// Connections refused: they came from nobody who may stand in front of that leg.
    connections_refused_untrusted,
    /// Times that accepting failed, as without file descriptors.
    accept_errors,
    /// Messages that were not whole when their connection ended.
    messages_incomplete,
    /// Streams that could not be divided into messages.
    framing_errors,
    /// TLS connections that were agreed upon.
    tls_handshakes,
    /// TLS connections that were not.
    tls_handshakes_failed,
    /// Panics in the layer above. Each cost one message, tick or piece of pending work.
    panics,
    /// Milliseconds by which workers came too late to look after their timers: so long what arrived meanwhile waited.
    tick_lateness_ms,
    /// Pending work that the layer above handed over.
    pending_started,
    /// Pending work dropped because there was too much of it.
    pending_dropped,
}

impl Counters {
    /// Connections that ended by `cause`.
    #[must_use]
    pub fn closed(&self, cause: CloseCause) -> u64 {
        self.closed.get(cause as usize).copied().unwrap_or_default()
    }
}

impl WorkerCounters {
    pub(crate) fn close(&self, cause: CloseCause) {
        if let Some(counter) = self.closed.get(cause as usize) {
            counter.up();
        }
    }
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseCause {
    /// The peer closed it.
    Peer,
    /// It broke: a reset, or any other error of the socket.
    Broken,
    /// Nothing came after it was opened.
    FirstByte,
    /// A message was begun and not finished in time, or none was ever completed.
    Message,
    /// Nothing was heard for too long.
    Idle,
    /// What we sent was not taken in time.
    WriteStalled,
    /// More waits to be sent than may wait.
    WriteOverflow,
    /// The stream could not be divided into messages.
    Framing,
    /// The layer above panicked.
    Panic,
    /// It made room for a new one before it had brought a message.
    Evicted,
    /// The server stops.
    Drain,
    /// TLS was not agreed upon, or not in time.
    Handshake,
    /// It did not become a WebSocket, or not in time.
    Upgrade,
    /// The peer broke the rules of WebSocket.
    WebSocket,
    /// Pings of ours were not answered.
    PingTimeout,
    /// It did not begin with a header of the PROXY protocol as it should, or not in time.
    ProxyHeader,
    /// There are too many from the source that its proxy has named.
    Source,
    /// Somebody asked for it ([`Control::close`](crate::Control::close)).
    Asked,
}

impl CloseCause {
    /// All causes, in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::Peer,
        Self::Broken,
        Self::FirstByte,
        Self::Message,
        Self::Idle,
        Self::WriteStalled,
        Self::WriteOverflow,
        Self::Framing,
        Self::Panic,
        Self::Evicted,
        Self::Drain,
        Self::Handshake,
        Self::Upgrade,
        Self::WebSocket,
        Self::PingTimeout,
        Self::ProxyHeader,
        Self::Source,
        Self::Asked,
    ];

    /// A stable name for logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Broken => "broken",
            Self::FirstByte => "first_byte",
            Self::Message => "message",
            Self::Idle => "idle",
            Self::WriteStalled => "write_stalled",
            Self::WriteOverflow => "write_overflow",
            Self::Framing => "framing",
            Self::Panic => "panic",
            Self::Evicted => "evicted",
            Self::Drain => "drain",
            Self::Handshake => "handshake",
            Self::Upgrade => "upgrade",
            Self::WebSocket => "websocket",
            Self::PingTimeout => "ping_timeout",
            Self::ProxyHeader => "proxy_header",
            Self::Source => "source",
            Self::Asked => "asked",
        }
    }
}

/// Reads the counters of a server from any thread.
#[derive(Clone, Debug)]
pub struct CountersHandle {
    workers: Arc<[Arc<WorkerCounters>]>,
}

impl CountersHandle {
    pub(crate) fn new(workers: usize) -> Self {
        Self { workers: (0..workers).map(|_| Arc::default()).collect() }
    }

    pub(crate) fn worker(&self, at: usize) -> Arc<WorkerCounters> {
        self.workers.get(at).cloned().unwrap_or_default()
    }

    /// The sum over all workers.
    #[must_use]
    pub fn snapshot(&self) -> Counters {
        let mut sum = Counters::default();
        self.per_worker().for_each(|counters| sum += counters);
        sum
    }

    /// How often each worker has looked after its timers: many times a second while it lives. One whose number stands
    /// still is stuck, has ended, or has not begun.
    pub fn pulses(&self) -> impl Iterator<Item = u64> {
        self.workers.iter().map(|worker| worker.pulse.0.load(Relaxed))
    }

    /// Each worker's own.
    pub fn per_worker(&self) -> impl Iterator<Item = Counters> {
        self.workers.iter().map(|worker| worker.snapshot())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_the_sum_over_all_workers() {
        let handle = CountersHandle::new(2);
        handle.worker(0).datagrams_sent.add(2);
        handle.worker(1).datagrams_sent.up();
        handle.worker(1).close(CloseCause::Drain);
        let sum = handle.snapshot();
        assert_eq!((sum.datagrams_sent, sum.closed(CloseCause::Drain), sum.closed(CloseCause::Peer)), (3, 1, 0));
        assert!(sum.named().any(|named| named == ("datagrams_sent", 3)));
        assert_eq!(handle.per_worker().count(), 2);
    }

    #[test]
    fn each_cause_stands_at_its_own_number() {
        for (at, cause) in CloseCause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, at, "{}", cause.name());
        }
    }
}
