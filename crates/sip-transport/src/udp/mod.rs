//! Datagrams, many at a time.
//!
//! One [`Receiver`] and one [`Sender`] serve all UDP legs of a worker. Each has two engines behind the same door: many
//! datagrams in a system call, and one.

mod gather;
#[cfg(target_os = "linux")]
mod mmsg;
#[cfg(target_os = "linux")]
mod segments;
mod single;

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

pub(crate) use gather::Gather;
use smallvec::SmallVec;
use tokio::net::UdpSocket;

use crate::{Batching, LegId, UdpConfig};

/// How many datagrams are received at once, where more than one can be.
pub(crate) const BATCH: usize = 32;

/// How many are passed to be sent at once: more, so that more of them have one address.
pub(crate) const ANSWERS: usize = 128;

/// A place in the first-level cache is chosen by the place in a page.
const PAGE: usize = 4096;

/// By how much later in a page each datagram of a batch begins: if all began at the same place in their pages, the messages
/// of phones, which are shorter than this, would have an eighth of that cache, and drive each other out of it.
const SHIFT: usize = 640;

/// A worker's socket of one UDP leg.
pub(crate) struct UdpLeg {
    pub(crate) id: LegId,
    pub(crate) local: SocketAddr,
    pub(crate) socket: UdpSocket,
}

/// Where the datagrams of one batch are kept.
pub(crate) struct Receiver {
    engine: ReceiveEngine,
    batch: Batch,
    max_datagram: usize,
}

enum ReceiveEngine {
    #[cfg(target_os = "linux")]
    Mmsg(mmsg::ReceiveHeaders),
    Single,
}

/// Room for [`BATCH`] datagrams. Each has one byte more than is allowed, which tells what was truncated, and more, so that
/// [the next begins elsewhere in a page](SHIFT). The memory is reserved and not touched: it is taken page by page, as
/// datagrams come that need it.
struct Batch {
    bytes: Vec<u8>,
    slot: usize,
    received: Vec<(SocketAddr, usize)>,
}

/// One datagram of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Datagram<'a> {
    Whole(&'a [u8], SocketAddr),
    /// It was longer than allowed.
    Truncated,
}

impl<'a> Datagram<'a> {
    pub(crate) fn whole(self) -> Option<&'a [u8]> {
        match self {
            Self::Whole(bytes, _) => Some(bytes),
            Self::Truncated => None,
        }
    }
}

/// Whether there may be more to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// The batch is full.
    More,
    /// The socket has been read empty.
    Drained,
}

impl Receiver {
    pub(crate) fn new(config: &UdpConfig) -> Self {
        let engine = match config.batching {
            #[cfg(target_os = "linux")]
            Batching::Best => ReceiveEngine::Mmsg(mmsg::ReceiveHeaders::new()),
            _ => ReceiveEngine::Single,
        };
        let max_datagram = config.max_datagram.min(usize::from(u16::MAX));
        let slot = (max_datagram + 1).next_multiple_of(PAGE) + SHIFT;
        let batch = Batch { bytes: vec![0; slot * BATCH], slot, received: Vec::with_capacity(BATCH) };
        Self { engine, batch, max_datagram }
    }

    /// Receives up to [`BATCH`] datagrams without waiting; they replace those of the last time.
    pub(crate) fn receive(&mut self, leg: &UdpLeg) -> io::Result<Received> {
        self.batch.received.clear();
        match &mut self.engine {
            #[cfg(target_os = "linux")]
            ReceiveEngine::Mmsg(headers) => headers.receive(leg, &mut self.batch),
            ReceiveEngine::Single => single::receive(leg.socket.as_fd(), &mut self.batch),
        }
    }

    /// What was received last.
    pub(crate) fn datagrams(&self) -> impl ExactSizeIterator<Item = Datagram<'_>> {
        let slots = self.batch.bytes.chunks_exact(self.batch.slot);
        self.batch.received.iter().zip(slots).map(|(&(source, length), slot)| {
            let whole = slot.get(..length).filter(|bytes| bytes.len() <= self.max_datagram);
            whole.map_or(Datagram::Truncated, |bytes| Datagram::Whole(bytes, source))
        })
    }
}

/// Sends what an [`Outbox`](crate::Outbox) holds for UDP, without ever waiting.
pub(crate) struct Sender(SendEngine);

enum SendEngine {
    #[cfg(target_os = "linux")]
    Mmsg(mmsg::SendHeaders),
    Single,
}

/// What became of some datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Taken by the kernel.
    pub(crate) sent: u64,
    /// Given up because the socket's buffer was full.
    pub(crate) dropped: u64,
    /// Refused by the kernel.
    pub(crate) failed: u64,
}

impl Sender {
    pub(crate) fn new(config: &UdpConfig) -> Self {
        Self(match config.batching {
            #[cfg(target_os = "linux")]
            Batching::Best => SendEngine::Mmsg(mmsg::SendHeaders::new()),
            _ => SendEngine::Single,
        })
    }

    /// Sends datagrams, each by its leg's socket as `socket_of` gives it, in batches as long as the leg is the same. Those to one
    /// address keep their order.
    ///
    /// What it keeps on the stack is long, and no part of who calls it for nothing.
    #[inline(never)]
    pub(crate) fn send<'a>(
        &mut self,
        messages: impl Iterator<Item = (LegId, SocketAddr, &'a [u8])>,
        socket_of: impl Fn(LegId) -> Option<BorrowedFd<'a>>,
    ) -> Sent {
        let mut total = Sent::default();
        let mut batch: SmallVec<[(SocketAddr, &[u8]); ANSWERS]> = SmallVec::new();
        let mut leg_of_batch = LegId(0);
        let mut flush = |batch: &mut [(SocketAddr, &[u8])], leg| match socket_of(leg) {
            Some(socket) => {
                #[cfg(target_os = "linux")]
                if let SendEngine::Mmsg(headers) = &self.0 {
                    headers.arrange(batch);
                }
                total += self.send_batch(socket, batch);
            }
            // No such leg, or one of a stream.
            None => total.failed += count(batch.len()),
        };
        for (leg, remote, bytes) in messages {
            if batch.len() == ANSWERS || leg != leg_of_batch {
                flush(&mut batch, leg_of_batch);
                batch.clear();
                leg_of_batch = leg;
            }
            batch.push((remote, bytes));
        }
        flush(&mut batch, leg_of_batch);
        total
    }

    fn send_batch(&mut self, socket: BorrowedFd<'_>, mut batch: &[(SocketAddr, &[u8])]) -> Sent {
        let mut total = Sent::default();
        while !batch.is_empty() {
            let result = match &mut self.0 {
                #[cfg(target_os = "linux")]
                SendEngine::Mmsg(headers) => headers.send(socket, batch),
                SendEngine::Single => single::send(socket, batch),
            };
            // An error is that of the first datagram; those before it have been counted.
            match result {
                Ok(sent) => {
                    total.sent += count(sent);
                    batch = batch.get(sent.max(1)..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_full(&error) => {
                    total.dropped += count(batch.len());
                    batch = &[];
                }
                Err(_) => {
                    total.failed += 1;
                    batch = batch.get(1..).unwrap_or_default();
                }
            }
        }
        total
    }
}

impl std::ops::AddAssign for Sent {
    fn add_assign(&mut self, more: Self) {
        self.sent += more.sent;
        self.dropped += more.dropped;
        self.failed += more.failed;
    }
}

const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(nix::libc::ENOBUFS)
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
