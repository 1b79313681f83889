//! The floor under every server: a UDP socket, and the beginning of each datagram sent back as it came.

use std::net::UdpSocket;

use anyhow::Result;
use nix::sys::socket::{setsockopt, sockopt};

/// Room for all that is outstanding, as the servers ask for it; the kernel may give less.
const RECEIVE_BUFFER: usize = 4 << 20;

/// As long as the 200 to a REGISTER is.
const ANSWER: usize = 450;

/// Serves until it is ended by its parent.
pub(crate) fn serve(port: u16) -> Result<()> {
    let socket = UdpSocket::bind(("127.0.0.1", port))?;
    setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER)?;
    let mut buffer = [0; 65_535];
    loop {
        let (length, from) = socket.recv_from(&mut buffer)?;
        let datagram = buffer.get(..length.min(ANSWER)).unwrap_or_default();
        socket.send_to(datagram, from)?;
    }
}
