//! One datagram in each system call, as every system can.

use std::io;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::sys::socket::{MsgFlags, SockaddrStorage, recvfrom, sendto};

use super::{Batch, NOWHERE, Received};

/// Receives until the batch is full or the socket empty.
pub(super) fn receive(socket: BorrowedFd<'_>, batch: &mut Batch) -> io::Result<Received> {
    for slot in batch.bytes.chunks_exact_mut(batch.slot) {
        match recvfrom::<SockaddrStorage>(socket.as_raw_fd(), slot).map_err(io::Error::from) {
            Ok((length, source)) => batch.received.push((source.map_or(NOWHERE, address), length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Received::Drained),
            // What came before it is served; the error, if it lasts, comes again.
            Err(_) if !batch.received.is_empty() => return Ok(Received::More),
            Err(error) => return Err(error),
        }
    }
    Ok(Received::More)
}

/// Sends until all is sent or one cannot be. An error is that of the first.
pub(super) fn send(socket: BorrowedFd<'_>, batch: &[(SocketAddr, &[u8])]) -> io::Result<usize> {
    let mut sent = 0;
    for (remote, bytes) in batch {
        match sendto(socket.as_raw_fd(), bytes, &SockaddrStorage::from(*remote), MsgFlags::MSG_DONTWAIT) {
            Ok(_) => sent += 1,
            Err(error) if sent == 0 => return Err(error.into()),
            Err(_) => break,
        }
    }
    Ok(sent)
}

fn address(source: SockaddrStorage) -> SocketAddr {
    let v4 = source.as_sockaddr_in().map(|addr| SocketAddrV4::from(*addr).into());
    let v6 = || source.as_sockaddr_in6().map(|addr| SocketAddrV6::from(*addr).into());
    v4.or_else(v6).unwrap_or(NOWHERE)
}
