//! The generator's ends of the wire: non-blocking, many messages in a system call.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::AsRawFd;

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg, setsockopt, sockopt};

/// Messages in one system call at most.
const BATCH: usize = 64;

/// Room for an answer; those to REGISTERs with one contact are below 600 bytes.
const ANSWER: usize = 2048;

/// Room for the answers to all that is outstanding, when they come together; the kernel may give less.
const RECEIVE_BUFFER: usize = 1 << 20;

/// One socket or connection to the server.
pub(crate) enum Wire {
    Udp(UdpSocket),
    Tcp {
        stream: TcpStream,
        /// What came and is not yet a whole answer.
        waiting: Vec<u8>,
    },
}

/// Requests that leave together.
#[derive(Default)]
pub(crate) struct Outgoing {
    /// One behind the other.
    bytes: Vec<u8>,
    lengths: Vec<usize>,
}

impl Outgoing {
    pub(crate) fn push(&mut self, request: &[u8]) {
        self.bytes.extend_from_slice(request);
        self.lengths.push(request.len());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.lengths.clear();
    }
}

/// Buffers that the wires of one generator share.
pub(crate) struct Buffers {
    received: Vec<u8>,
    receive: MultiHeaders<SockaddrIn>,
    send: MultiHeaders<SockaddrIn>,
}

impl Buffers {
    pub(crate) fn new() -> Self {
        Self {
            received: vec![0; BATCH * ANSWER],
            receive: MultiHeaders::preallocate(BATCH, None),
            send: MultiHeaders::preallocate(BATCH, None),
        }
    }
}

impl Wire {
    pub(crate) fn udp(port: u16) -> Result<Self> {
        let socket = UdpSocket::bind(("127.0.0.1", 0))?;
        socket.connect(("127.0.0.1", port))?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER)?;
        Ok(Self::Udp(socket))
    }

    pub(crate) fn tcp(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self::Tcp { stream, waiting: Vec::new() })
    }

    /// Sends requests. What is outstanding is far less than a socket's buffer, so it never has to wait.
    pub(crate) fn send(&mut self, requests: &Outgoing, buffers: &mut Buffers) -> Result<()> {
        match self {
            Self::Udp(socket) => {
                let mut rest = requests.bytes.as_slice();
                for lengths in requests.lengths.chunks(BATCH) {
                    let mut slices = Vec::with_capacity(lengths.len());
                    for &length in lengths {
                        let (request, more) = rest.split_at_checked(length).context("requests without their bytes")?;
                        slices.push([IoSlice::new(request)]);
                        rest = more;
                    }
                    let nowhere = vec![None; slices.len()];
                    let sent =
                        sendmmsg(socket.as_raw_fd(), &mut buffers.send, &slices, nowhere, [], MsgFlags::MSG_DONTWAIT)?
                            .count();
                    ensure!(sent == slices.len(), "the generator's socket took {sent} of {}", slices.len());
                }
                Ok(())
            }
            Self::Tcp { stream, .. } => stream.write_all(&requests.bytes).context("cannot send to the server"),
        }
    }

    /// Gives every answer that has come, without waiting.
    pub(crate) fn receive(&mut self, buffers: &mut Buffers, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match self {
            Self::Udp(socket) => receive_datagrams(socket, buffers, &mut each),
            Self::Tcp { stream, waiting } => receive_stream(stream, waiting, &mut buffers.received, &mut each),
        }
    }
}

fn receive_datagrams(
    socket: &UdpSocket,
    buffers: &mut Buffers,
    each: &mut impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    loop {
        let Buffers { received, receive, .. } = &mut *buffers;
        let mut slots: Vec<_> = received.chunks_exact_mut(ANSWER).map(|slot| [IoSliceMut::new(slot)]).collect();
        let lengths: Vec<usize> =
            match recvmmsg(socket.as_raw_fd(), receive, slots.iter_mut(), MsgFlags::MSG_DONTWAIT, None) {
                Ok(answers) => answers.map(|answer| answer.bytes).collect(),
                Err(Errno::EAGAIN) => return Ok(()),
                Err(error) => return Err(error).context("cannot receive from the server"),
            };
        for (slot, &length) in received.chunks_exact(ANSWER).zip(&lengths) {
            each(slot.get(..length).unwrap_or_default())?;
        }
        if lengths.len() < BATCH {
            return Ok(());
        }
    }
}

fn receive_stream(
    stream: &mut TcpStream,
    waiting: &mut Vec<u8>,
    buffer: &mut [u8],
    each: &mut impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    match stream.read(buffer) {
        Ok(0) => bail!("the server closed the connection"),
        Ok(length) => {
            waiting.extend_from_slice(buffer.get(..length).unwrap_or_default());
            divide(waiting, each)
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error).context("cannot receive from the server"),
    }
}

/// Takes whole answers off the front. Answers to REGISTER have no body.
fn divide(waiting: &mut Vec<u8>, each: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    const END: &[u8] = b"\r\n\r\n";
    let mut rest = waiting.as_slice();
    while let Some(end) = rest.windows(END.len()).position(|four| four == END) {
        let (answer, more) = rest.split_at(end + END.len());
        each(answer)?;
        rest = more;
    }
    let taken = waiting.len() - rest.len();
    waiting.drain(..taken);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_found_in_a_stream_however_they_come() {
        let stream = b"SIP/2.0 200 OK\r\nA: b\r\n\r\nSIP/2.0 423 No\r\n\r\nSIP/2.0";
        let mut waiting = Vec::new();
        let mut answers = Vec::new();
        for byte in stream {
            waiting.push(*byte);
            let mut each = |answer: &[u8]| {
                answers.push(answer.len());
                Ok(())
            };
            divide(&mut waiting, &mut each).unwrap();
        }
        assert_eq!(answers, [24, 18]);
        assert_eq!(waiting, b"SIP/2.0");
    }
}
