//! Where answers are written.

use std::net::SocketAddr;
use std::ops::Range;

use crate::{Flow, LegId};

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// By a UDP leg.
    Datagram {
        /// The leg whose socket sends it.
        leg: LegId,
        /// To whom.
        remote: SocketAddr,
    },
    /// By a connection; dropped if that has ended.
    Stream(Flow),
}

/// The messages of one batch, written one behind the other into a buffer that is used again for the next.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    messages: Vec<(Destination, Range<usize>)>,
    promises: Vec<Promise>,
}

/// What a connection has to wait for before it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    Made(Flow),
    Kept(Flow),
}

impl Outbox {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a message. Nothing of it leaves unless [`OutMessage::send`] is called.
    pub fn begin(&mut self) -> OutMessage<'_> {
        let start = self.bytes.len();
        OutMessage { outbox: self, start }
    }

    /// Queues a copy of bytes that are complete.
    pub fn send(&mut self, to: Destination, bytes: &[u8]) {
        let mut message = self.begin();
        message.buffer().extend_from_slice(bytes);
        message.send(to);
    }

    /// Says that one more message will be sent by a connection, or none after all, without being asked for: it stays
    /// until [`keep_promise`](Outbox::keep_promise), even if its peer sends nothing more.
    pub fn promise(&mut self, flow: Flow) {
        self.promises.push(Promise::Made(flow));
    }

    /// Says that what was promised has been sent, or will not be.
    pub fn keep_promise(&mut self, flow: Flow) {
        self.promises.push(Promise::Kept(flow));
    }

    /// Promises that were made and kept since this was asked last.
    #[cfg(feature = "tokio")]
    pub(crate) fn take_promises(&mut self) -> std::vec::Drain<'_, Promise> {
        self.promises.drain(..)
    }

    /// Takes the message that was sent last back, and appends it to `into`. Gives where it would have gone.
    pub fn withdraw(&mut self, into: &mut Vec<u8>) -> Option<Destination> {
        let (to, range) = self.messages.pop()?;
        into.extend_from_slice(self.bytes.get(range.clone()).unwrap_or_default());
        self.bytes.truncate(range.start);
        Some(to)
    }

    /// Takes back all messages but the first `len`.
    pub fn truncate(&mut self, len: usize) {
        if let Some((_, range)) = self.messages.get(len) {
            self.bytes.truncate(range.start);
            self.messages.truncate(len);
        }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// How many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Bytes that wait.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The messages in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = (Destination, &[u8])> {
        self.messages.iter().map(|(to, range)| (*to, self.bytes.get(range.clone()).unwrap_or_default()))
    }

    /// The messages for connections, those that follow each other on one connection as one piece of bytes, with their
    /// number: so they leave in one system call.
    #[cfg(feature = "tokio")]
    pub(crate) fn stream_runs(&self) -> impl Iterator<Item = StreamRun<'_>> {
        let same_flow = |(a, _): &(Destination, _), (b, _): &(Destination, _)| a == b;
        self.messages.chunk_by(same_flow).filter_map(|run| match run {
            [(Destination::Stream(flow), _), ..] => Some(StreamRun { flow: *flow, bytes: &self.bytes, messages: run }),
            _ => None,
        })
    }

    /// The message that was written last.
    #[must_use]
    pub fn last(&self) -> Option<(Destination, &[u8])> {
        self.messages.last().map(|(to, range)| (*to, self.bytes.get(range.clone()).unwrap_or_default()))
    }

    /// Forgets everything and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.messages.clear();
        self.promises.clear();
    }
}

/// Messages that follow each other on one connection.
#[cfg(feature = "tokio")]
pub(crate) struct StreamRun<'o> {
    pub(crate) flow: Flow,
    bytes: &'o [u8],
    messages: &'o [(Destination, Range<usize>)],
}

#[cfg(feature = "tokio")]
impl<'o> StreamRun<'o> {
    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.messages.iter().map(|_| 1).sum()
    }

    /// All of them as one piece.
    pub(crate) fn joined(&self) -> &'o [u8] {
        let start = self.messages.first().map_or(0, |(_, first)| first.start);
        let end = self.messages.last().map_or(0, |(_, last)| last.end);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Each of them.
    #[cfg(feature = "ws")]
    pub(crate) fn each(&self) -> impl Iterator<Item = &'o [u8]> {
        self.messages.iter().map(|(_, range)| self.bytes.get(range.clone()).unwrap_or_default())
    }
}

/// A message being written at the end of an [`Outbox`]; dropped unsent, it leaves no trace.
#[derive(Debug)]
pub struct OutMessage<'o> {
    outbox: &'o mut Outbox,
    start: usize,
}

impl OutMessage<'_> {
    /// Where to append; what stands before belongs to earlier messages.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.outbox.bytes
    }

    /// What has been written of this message.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.outbox.bytes.get(self.start..).unwrap_or_default()
    }

    /// Queues it.
    pub fn send(mut self, to: Destination) {
        let end = self.outbox.bytes.len();
        self.outbox.messages.push((to, self.start..end));
        self.start = end;
    }
}

impl Drop for OutMessage<'_> {
    fn drop(&mut self) {
        self.outbox.bytes.truncate(self.start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO: Destination = Destination::Stream(Flow { worker: 0, slot: 1, generation: 2 });

    #[test]
    fn a_message_that_is_dropped_unsent_leaves_no_trace() {
        let mut outbox = Outbox::new();
        outbox.send(TO, b"first");
        let mut half = outbox.begin();
        half.buffer().extend_from_slice(b"half");
        assert_eq!(half.written(), b"half");
        drop(half);
        outbox.send(TO, b"second");
        let sent: Vec<_> = outbox.iter().map(|(_, bytes)| bytes).collect();
        assert_eq!(sent, [b"first".as_slice(), b"second"]);
        assert_eq!(outbox.size(), 11);
    }

    #[test]
    fn messages_can_be_taken_back_as_long_as_they_have_not_left() {
        let (mut outbox, mut taken) = (Outbox::new(), b"and ".to_vec());
        for bytes in ["first", "second", "third", "fourth"] {
            outbox.send(TO, bytes.as_bytes());
        }
        assert_eq!((outbox.withdraw(&mut taken), taken.as_slice()), (Some(TO), b"and fourth".as_slice()));
        outbox.truncate(1);
        outbox.truncate(1);
        assert_eq!((outbox.last(), outbox.size()), (Some((TO, b"first".as_slice())), 5));
        outbox.truncate(0);
        assert_eq!((outbox.withdraw(&mut taken), outbox.is_empty(), outbox.size()), (None, true, 0));
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn messages_that_follow_each_other_on_a_connection_leave_as_one() {
        let other = Flow { worker: 0, slot: 1, generation: 3 };
        let datagram = Destination::Datagram { leg: LegId(0), remote: "192.0.2.1:5060".parse().unwrap() };
        let mut outbox = Outbox::new();
        for (to, bytes) in [
            (TO, "a"),
            (TO, "b"),
            (Destination::Stream(other), "c"),
            (TO, "d"),
            (datagram, "e"),
            (datagram, "f"),
            (TO, "g"),
        ] {
            outbox.send(to, bytes.as_bytes());
        }
        let Destination::Stream(flow) = TO else { unreachable!() };
        let runs: Vec<_> = outbox.stream_runs().map(|run| (run.flow, run.joined(), run.len())).collect();
        assert_eq!(runs, [(flow, b"ab".as_slice(), 2), (other, b"c", 1), (flow, b"d", 1), (flow, b"g", 1)]);
    }
}
