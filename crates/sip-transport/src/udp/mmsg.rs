//! Many datagrams in one system call: recvmmsg(2) and sendmmsg(2).

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    MsgFlags, MultiHeaders, SockaddrIn, SockaddrIn6, SockaddrLike, SockaddrStorage, recvmmsg, sendmmsg,
};

use super::{BATCH, Batch, NOWHERE, Received, UdpLeg};

/// What the kernel fills in. The kernel writes back how long an address was and takes that as the room for the next, so
/// each family has headers of its own: the place of an IPv4 address is too short for IPv6.
pub(super) struct ReceiveHeaders {
    v4: MultiHeaders<SockaddrIn>,
    v6: MultiHeaders<SockaddrIn6>,
}

impl ReceiveHeaders {
    pub(super) fn new() -> Self {
        Self { v4: MultiHeaders::preallocate(BATCH, None), v6: MultiHeaders::preallocate(BATCH, None) }
    }

    pub(super) fn receive(&mut self, leg: &UdpLeg, batch: &mut Batch) -> io::Result<Received> {
        let socket = leg.socket.as_fd();
        if leg.local.is_ipv4() {
            receive_as(socket, &mut self.v4, batch, |addr| SocketAddrV4::from(addr).into())
        } else {
            receive_as(socket, &mut self.v6, batch, |addr| SocketAddrV6::from(addr).into())
        }
    }
}

fn receive_as<S: SockaddrLike + Copy>(
    socket: BorrowedFd<'_>,
    headers: &mut MultiHeaders<S>,
    batch: &mut Batch,
    address: impl Fn(S) -> SocketAddr,
) -> io::Result<Received> {
    let mut slots = batch.bytes.chunks_exact_mut(batch.slot);
    let mut buffers: [[IoSliceMut<'_>; 1]; BATCH] =
        std::array::from_fn(|_| [IoSliceMut::new(slots.next().unwrap_or_default())]);
    match recvmmsg(socket.as_raw_fd(), headers, buffers.iter_mut(), MsgFlags::MSG_DONTWAIT, None) {
        Ok(results) => {
            // The kernel always names the source of a datagram.
            let sources = results.map(|one| (one.address.map_or(NOWHERE, &address), one.bytes));
            batch.received.extend(sources);
            // Fewer than asked for: the socket was empty, and what comes now wakes us again.
            Ok(if batch.received.len() < BATCH { Received::Drained } else { Received::More })
        }
        Err(Errno::EAGAIN) => Ok(Received::Drained),
        Err(error) => Err(error.into()),
    }
}

/// What the kernel reads from.
pub(super) struct SendHeaders(MultiHeaders<SockaddrStorage>);

impl SendHeaders {
    pub(super) fn new() -> Self {
        Self(MultiHeaders::preallocate(BATCH, None))
    }

    /// Sends at most [`BATCH`] and returns how many were. An error is that of the first.
    pub(super) fn send(&mut self, socket: BorrowedFd<'_>, batch: &[(SocketAddr, &[u8])]) -> io::Result<usize> {
        let mut messages = batch.iter();
        let buffers: [[IoSlice<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSlice::new(messages.next().map_or(&[], |(_, bytes)| bytes))]);
        let mut remotes = batch.iter();
        let addresses: [Option<SockaddrStorage>; BATCH] =
            std::array::from_fn(|_| remotes.next().map(|(remote, _)| SockaddrStorage::from(*remote)));
        let buffers = buffers.iter().take(batch.len());
        let sent = sendmmsg(socket.as_raw_fd(), &mut self.0, buffers, addresses, [], MsgFlags::MSG_DONTWAIT)?;
        Ok(sent.count())
    }
}
