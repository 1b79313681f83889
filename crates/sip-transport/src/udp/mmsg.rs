//! Many datagrams in one system call: recvmmsg(2) and sendmmsg(2).

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use smallvec::SmallVec;

use super::segments::{self, Segments};
use super::{ANSWERS, BATCH, Batch, NOWHERE, Received, UdpLeg, is_full};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, MultiHeaders, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike,
    SockaddrStorage, getsockopt, recvmmsg, sendmmsg, socket, sockopt,
};

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

type Addresses = SmallVec<[Option<SockaddrStorage>; ANSWERS]>;

/// What the kernel reads from.
pub(super) struct SendHeaders {
    each: MultiHeaders<SockaddrStorage>,
    /// For those that it cuts apart; `None` where it cannot.
    cut: Option<MultiHeaders<SockaddrStorage>>,
}

impl SendHeaders {
    pub(super) fn new() -> Self {
        let cut = || MultiHeaders::preallocate(ANSWERS, Some(cmsg_space!(u16)));
        Self { each: MultiHeaders::preallocate(ANSWERS, None), cut: kernel_cuts_segments().then(cut) }
    }

    /// Puts those together that can leave as one.
    pub(super) fn arrange(&self, batch: &mut [(SocketAddr, &[u8])]) {
        if self.cut.is_some() {
            segments::arrange(batch);
        }
    }

    /// Sends at most [`ANSWERS`] and returns how many were. An error is that of the first.
    pub(super) fn send(&mut self, socket: BorrowedFd<'_>, batch: &[(SocketAddr, &[u8])]) -> io::Result<usize> {
        let Some(headers) = &mut self.cut else { return send_each(socket, &mut self.each, batch) };
        let Segments { runs, piece } = segments::first(batch);
        let Some(piece) = piece else {
            return send_each(socket, &mut self.each, batch.get(..runs.len()).unwrap_or_default());
        };
        match send_runs(socket, headers, batch, &runs, piece).map_err(io::Error::from) {
            Ok(sent) => Ok(runs.iter().take(sent).sum()),
            Err(error) if is_full(&error) || error.kind() == io::ErrorKind::Interrupted => Err(error),
            // Whatever it is, each by itself may pass, or else each has its own error.
            Err(error) => {
                if error.raw_os_error() == Some(nix::libc::EIO) {
                    // An interface that cannot cut them never can.
                    self.cut = None;
                }
                let run = runs.first().copied().unwrap_or_default();
                send_each(socket, &mut self.each, batch.get(..run).unwrap_or_default())
            }
        }
    }
}

/// Sends each datagram by itself.
fn send_each(
    socket: BorrowedFd<'_>,
    headers: &mut MultiHeaders<SockaddrStorage>,
    batch: &[(SocketAddr, &[u8])],
) -> io::Result<usize> {
    let mut buffers = [[IoSlice::new(&[])]; ANSWERS];
    for ([buffer], (_, bytes)) in buffers.iter_mut().zip(batch) {
        *buffer = IoSlice::new(bytes);
    }
    let addresses: Addresses = batch.iter().map(|(remote, _)| Some((*remote).into())).collect();
    let buffers = buffers.iter().take(batch.len());
    Ok(sendmmsg(socket.as_raw_fd(), headers, buffers, addresses, [], MsgFlags::MSG_DONTWAIT)?.count())
}

/// Sends each run as one, which is cut into pieces, all of it or nothing, and returns how many runs were sent.
fn send_runs(
    socket: BorrowedFd<'_>,
    headers: &mut MultiHeaders<SockaddrStorage>,
    batch: &[(SocketAddr, &[u8])],
    runs: &[usize],
    piece: u16,
) -> nix::Result<usize> {
    let mut slices = [IoSlice::new(&[]); ANSWERS];
    for (slice, (_, bytes)) in slices.iter_mut().zip(batch) {
        *slice = IoSlice::new(bytes);
    }
    let mut messages: [&[IoSlice<'_>]; ANSWERS] = [&[]; ANSWERS];
    let mut addresses = Addresses::new();
    let mut at = 0;
    for (&run, message) in runs.iter().zip(&mut messages) {
        *message = slices.get(at..at + run).unwrap_or_default();
        addresses.push(batch.get(at).map(|(remote, _)| (*remote).into()));
        at += run;
    }
    let messages = messages.iter().take(runs.len());
    let cut = [ControlMessage::UdpGsoSegments(&piece)];
    Ok(sendmmsg(socket.as_raw_fd(), headers, messages, addresses, cut, MsgFlags::MSG_DONTWAIT)?.count())
}

/// A kernel that does not know of segments would send them uncut, as one datagram.
fn kernel_cuts_segments() -> bool {
    let Ok(probe) = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None) else { return false };
    getsockopt(&probe, sockopt::UdpGsoSegment).is_ok()
}
