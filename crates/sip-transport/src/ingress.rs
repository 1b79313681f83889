//! What a worker drives.

use std::time::Duration;

use crate::{Now, Outbox, Peer};

/// One whole message, still in the worker's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Inbound<'a> {
    /// A datagram, or one framed message of a stream. On a stream whose framing is broken it is the head that could
    /// be read; the worker closes that connection after the answer.
    pub bytes: &'a [u8],
    /// Where it came from.
    pub peer: Peer,
    /// When.
    pub now: Now,
}

/// Whether a tick left work behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// All that was due is done.
    Done,
    /// The budget ran out: tick again as soon as what has arrived meanwhile was served.
    More,
}

/// What has become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlowEvent {
    /// It may bring messages from now on.
    Opened,
    /// It has ended; its [`Flow`](crate::Flow) will not come again.
    Closed,
    /// How long the way to the peer and back took just now.
    RoundTrip(Duration),
}

/// The layer above the transport: one instance for each worker, called from that worker's thread only.
///
/// Answers leave through the [`Outbox`] that comes in. What has to wait for somebody else is returned as a future;
/// the worker polls it beside its sockets and hands its result back through [`resume`](Ingress::resume).
pub trait Ingress {
    /// Work that waits.
    type Pending: Future<Output = Self::Resume> + 'static;
    /// What that work ends with.
    type Resume: 'static;

    /// Datagrams that have arrived together: those that are messages are handed up next, one by one. A chance to ask
    /// memory for what they will need, all at once instead of one after the other. Nothing depends on it.
    fn prepare(&mut self, datagrams: &[&[u8]]) {
        let _ = datagrams;
    }

    /// A message arrived.
    fn on_message(&mut self, rx: Inbound<'_>, out: &mut Outbox) -> Option<Self::Pending>;
    /// A pending future is ready.
    fn resume(&mut self, done: Self::Resume, now: Now, out: &mut Outbox) -> Option<Self::Pending>;
    /// Something has become of a connection, of which `peer` names the [`Flow`](crate::Flow).
    fn on_flow(&mut self, peer: &Peer, event: FlowEvent, now: Now, out: &mut Outbox);
    /// Called about every 100 ms.
    fn on_tick(&mut self, now: Now, out: &mut Outbox) -> Tick;
}
