//! Many datagrams in one system call: recvmmsg(2) and sendmmsg(2).

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, MultiHeaders, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike,
    SockaddrStorage, getsockopt, recvmmsg, sendmmsg, sendmsg, socket, sockopt,
};
use smallvec::SmallVec;

use super::{BATCH, Batch, NOWHERE, Received, UdpLeg, is_full, segments};

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
pub(super) struct SendHeaders {
    headers: MultiHeaders<SockaddrStorage>,
    /// Whether datagrams leave as one where they can.
    segments: bool,
}

impl SendHeaders {
    pub(super) fn new() -> Self {
        Self { headers: MultiHeaders::preallocate(BATCH, None), segments: kernel_cuts_segments() }
    }

    /// Puts those together that can leave as one.
    pub(super) fn arrange(&self, batch: &mut [(SocketAddr, &[u8])]) {
        if self.segments {
            segments::arrange(batch);
        }
    }

    /// Sends at most [`BATCH`] and returns how many were. An error is that of the first.
    pub(super) fn send(&mut self, socket: BorrowedFd<'_>, mut batch: &[(SocketAddr, &[u8])]) -> io::Result<usize> {
        if self.segments {
            let run = segments::run(batch);
            let alone = if run > 1 { run } else { segments::alone(batch) };
            batch = batch.get(..alone).unwrap_or_default();
            if run > 1 {
                match send_as_one(socket, batch).map_err(io::Error::from) {
                    Ok(()) => return Ok(run),
                    Err(error) if is_full(&error) || error.kind() == io::ErrorKind::Interrupted => return Err(error),
                    // Whatever it is, each by itself may pass, or else each has its own error.
                    Err(error) => self.segments = error.raw_os_error() != Some(nix::libc::EIO),
                }
            }
        }
        let mut messages = batch.iter();
        let buffers: [[IoSlice<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSlice::new(messages.next().map_or(&[], |(_, bytes)| bytes))]);
        let mut remotes = batch.iter();
        let addresses: [Option<SockaddrStorage>; BATCH] =
            std::array::from_fn(|_| remotes.next().map(|(remote, _)| SockaddrStorage::from(*remote)));
        let buffers = buffers.iter().take(batch.len());
        let sent = sendmmsg(socket.as_raw_fd(), &mut self.headers, buffers, addresses, [], MsgFlags::MSG_DONTWAIT)?;
        Ok(sent.count())
    }
}

/// Sends a run in one piece, all of it or nothing. An interface that cannot cut it (EIO) never can.
fn send_as_one(socket: BorrowedFd<'_>, run: &[(SocketAddr, &[u8])]) -> nix::Result<()> {
    let Some((remote, first)) = run.first() else { return Ok(()) };
    let length = u16::try_from(first.len()).map_err(|_| Errno::EMSGSIZE)?;
    let slices: SmallVec<[IoSlice<'_>; BATCH]> = run.iter().map(|(_, bytes)| IoSlice::new(bytes)).collect();
    let cut = [ControlMessage::UdpGsoSegments(&length)];
    let to = SockaddrStorage::from(*remote);
    sendmsg(socket.as_raw_fd(), &slices, &cut, MsgFlags::MSG_DONTWAIT, Some(&to)).map(drop)
}

/// A kernel that does not know of segments would send them uncut, as one datagram.
fn kernel_cuts_segments() -> bool {
    let Ok(probe) = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None) else { return false };
    getsockopt(&probe, sockopt::UdpGsoSegment).is_ok()
}
