//! A way to one registrar.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use sip_message::frame::{Frame, FrameLimits, Framer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::client::TlsStream;

use super::{Destination, Over, Roots};

/// A socket that is connected to one registrar and gets nothing from anybody else.
#[derive(Debug)]
pub struct Link {
    local: SocketAddr,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Udp(UdpSocket, Vec<u8>),
    Tcp(TcpStream, Stream),
    Tls(Box<TlsStream<TcpStream>>, Stream),
}

/// What has been read of a stream.
#[derive(Debug)]
struct Stream {
    bytes: Vec<u8>,
    framer: Framer,
}

impl Link {
    /// Connects to one of the addresses of a destination.
    ///
    /// # Errors
    /// What the system or TLS says.
    pub async fn open(to: &Destination, addr: SocketAddr, roots: Option<&Roots>) -> io::Result<Self> {
        let tcp = async || {
            let stream = TcpStream::connect(addr).await?;
            stream.set_nodelay(true)?;
            io::Result::Ok(stream)
        };
        let (local, way) = match (to.over, roots) {
            (Over::Udp, _) => {
                let any: IpAddr =
                    if addr.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
                let socket = UdpSocket::bind((any, 0)).await?;
                socket.connect(addr).await?;
                (socket.local_addr()?, Way::Udp(socket, vec![0; 65_535]))
            }
            (Over::Tcp, _) => {
                let stream = tcp().await?;
                (stream.local_addr()?, Way::Tcp(stream, Stream::new()))
            }
            (Over::Tls, Some(roots)) => {
                let stream = tcp().await?;
                let local = stream.local_addr()?;
                let stream = roots.connector().connect(Roots::name(&to.host)?, stream).await?;
                (local, Way::Tls(Box::new(stream), Stream::new()))
            }
            (Over::Tls, None) => return Err(io::Error::new(ErrorKind::InvalidInput, "TLS without authorities")),
        };
        Ok(Self { local, way })
    }

    /// Our address on it.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Whether it is a stream.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        !matches!(self.way, Way::Udp(..))
    }

    /// How it is encrypted, if it is.
    #[must_use]
    pub fn cipher(&self) -> Option<String> {
        let Way::Tls(stream, _) = &self.way else { return None };
        let (_, session) = stream.get_ref();
        Some(format!("{:?}, {:?}", session.protocol_version()?, session.negotiated_cipher_suite()?.suite()))
    }

    /// Sends one message.
    ///
    /// # Errors
    /// The connection is gone, or nobody listens there.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match &mut self.way {
            Way::Udp(socket, _) => socket.send(message).await.map(drop),
            Way::Tcp(stream, _) => stream.write_all(message).await,
            Way::Tls(stream, _) => {
                stream.write_all(message).await?;
                stream.flush().await
            }
        }
    }

    /// The next message. Nothing is lost if it is not waited for to the end.
    ///
    /// # Errors
    /// The connection is gone, or what comes over it is no SIP.
    pub async fn receive(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let (stream, framed) = match &mut self.way {
                Way::Udp(socket, buffer) => {
                    let n = socket.recv(buffer).await?;
                    return Ok(buffer.get(..n).unwrap_or_default().to_vec());
                }
                Way::Tcp(stream, framed) => (ReadHalf::Tcp(stream), framed),
                Way::Tls(stream, framed) => (ReadHalf::Tls(stream), framed),
            };
            if let Some(message) = framed.next()? {
                return Ok(message);
            }
            let n = match stream {
                ReadHalf::Tcp(stream) => stream.read_buf(&mut framed.bytes).await?,
                ReadHalf::Tls(stream) => stream.read_buf(&mut framed.bytes).await?,
            };
            if n == 0 {
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "the registrar has closed the connection"));
            }
        }
    }
}

enum ReadHalf<'a> {
    Tcp(&'a mut TcpStream),
    Tls(&'a mut TlsStream<TcpStream>),
}

impl Stream {
    fn new() -> Self {
        Self { bytes: Vec::new(), framer: Framer::new(FrameLimits::default()) }
    }

    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            match self.framer.next(&self.bytes) {
                Frame::NeedMore => return Ok(None),
                Frame::Skip(n) | Frame::Ping(n) => drop(self.bytes.drain(..n.min(self.bytes.len()))),
                Frame::Message(n) => return Ok(Some(self.bytes.drain(..n.min(self.bytes.len())).collect())),
                Frame::Broken { error, .. } => return Err(io::Error::new(ErrorKind::InvalidData, error.to_string())),
            }
        }
    }
}
