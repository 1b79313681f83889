//! Clients that mean no good.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use socket2::SockRef;

use crate::honest::{frame, upgrade};
use crate::server::{PATIENCE, Running};

pub(crate) const DRIPS: usize = 300;
pub(crate) const ENDLESS: usize = 20;
pub(crate) const HALF_OPEN: usize = 200;
pub(crate) const UPGRADES: usize = 60;
pub(crate) const FRAMES: usize = 60;
pub(crate) const NON_READERS: usize = 20;
const RESETS: usize = 200;
const GIGABYTES: usize = 50;

/// One kind of attack, which ends when the server has ended all of it.
#[derive(Clone, Copy)]
pub(crate) enum Attack {
    /// So many connections that never say anything.
    Idle(usize),
    /// A byte now and then.
    Drips,
    /// Headers without end.
    Endless,
    /// A body that is announced and never comes.
    Gigabytes,
    /// Half a message, and then a reset.
    Resets,
    /// Answers that are never read.
    NonReaders,
    /// TLS that is begun, or was none.
    HalfOpen,
    /// HTTP that becomes no WebSocket.
    Upgrades,
    /// Frames that RFC 6455 forbids.
    Frames,
}

impl Attack {
    pub(crate) fn all(idle: usize) -> Vec<Self> {
        use Attack::{Drips, Endless, Frames, Gigabytes, HalfOpen, Idle, NonReaders, Resets, Upgrades};
        vec![Idle(idle), Drips, Endless, Gigabytes, Resets, NonReaders, HalfOpen, Upgrades, Frames]
    }

    pub(crate) fn run(self, server: &Running) {
        match self {
            // On every leg.
            Self::Idle(count) => wait_for_ends((0..count).map(|n| server.connect(n % 4)).collect()),
            Self::Drips => drip((0..DRIPS).map(|_| server.connect(0)).collect()),
            Self::Endless => flood((0..ENDLESS).map(|_| server.connect(0)).collect(), b"X-Header: and another one\r\n"),
            Self::Gigabytes => {
                let head = b"OPTIONS sip:a SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 4000000000\r\n\r\n";
                wait_for_ends(each(server, 0, GIGABYTES, |stream, _| stream.write_all(head)));
            }
            Self::Resets => {
                for stream in each(server, 0, RESETS, |stream, _| stream.write_all(b"OPTIONS sip:a SIP/2.0\r\nCal")) {
                    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
                }
            }
            Self::NonReaders => {
                let much = b"MUCH sip:a SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n";
                flood((0..NON_READERS).map(|_| server.connect(0)).collect(), much);
            }
            Self::HalfOpen => wait_for_ends(each(server, 1, HALF_OPEN, |stream, n| {
                let name = ServerName::try_from("localhost").unwrap();
                let mut client = ClientConnection::new(server.client.clone(), name).unwrap();
                match n % 3 {
                    0 => client.write_tls(stream).map(drop),
                    1 => stream.write_all(&[0x16, 3, 1, 0x40, 0]),
                    _ => stream.write_all(b"OPTIONS sip:a SIP/2.0\r\n\r\n"),
                }
            })),
            Self::Upgrades => wait_for_ends(each(server, 2, UPGRADES, |stream, n| {
                stream.write_all(match n % 4 {
                    0 => b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".as_slice(),
                    1 => b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n",
                    2 => b"\0\x01\x02\xff not even HTTP\r\n\r\n",
                    _ => b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n",
                })
            })),
            Self::Frames => wait_for_ends(each(server, 2, FRAMES, |stream, n| {
                upgrade(stream);
                stream.write_all(&match n % 6 {
                    // Unmasked; a reserved bit; a control frame in fragments.
                    0 => b"\x81\x02hi".to_vec(),
                    1 => frame(0xc1, b"reserved"),
                    2 => frame(0x09, b"a fragment"),
                    // Announced only; a fragment of nothing; a message in too many fragments.
                    3 => b"\x82\xff\0\0\x01\0\0\0\0\0\0\0\0\0".to_vec(),
                    4 => frame(0x80, b"continues nothing"),
                    _ => {
                        let more = frame(0x00, &[b'x'; 125]).repeat(600);
                        [frame(0x01, &[b'x'; 125]), more].concat()
                    }
                })
            })),
        }
    }
}

/// So many connections to a leg on which something was done. One that the server has ended already is one that it has ended.
fn each(
    server: &Running,
    leg: usize,
    count: usize,
    act: impl Fn(&mut TcpStream, usize) -> std::io::Result<()>,
) -> Vec<TcpStream> {
    let open = |n| {
        let mut stream = server.connect(leg);
        let _ = act(&mut stream, n);
        stream
    };
    (0..count).map(open).collect()
}

/// Waits until the server has ended each of them.
fn wait_for_ends(streams: Vec<TcpStream>) {
    for mut stream in streams {
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => assert!(Instant::now() < deadline, "it goes on"),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    panic!("it was left open")
                }
                Err(_) => break,
            }
        }
    }
}

/// Sends a byte of a message on each, turn by turn, until the server has ended them all.
fn drip(mut streams: Vec<TcpStream>) {
    let deadline = Instant::now() + PATIENCE;
    let mut bytes = b"OPTIONS sip:a SIP/2.0\r\nSubject: ".iter().chain(std::iter::repeat(&b'x'));
    while !streams.is_empty() {
        assert!(Instant::now() < deadline, "{} drip on", streams.len());
        let byte = bytes.next().unwrap();
        streams.retain_mut(|stream| stream.write_all(&[*byte]).is_ok());
        // This is what makes it a drip.
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Sends this over and over on each and reads nothing, until the server has ended them all.
fn flood(mut streams: Vec<TcpStream>, bytes: &[u8]) {
    let deadline = Instant::now() + PATIENCE;
    let many = bytes.repeat(100);
    streams.iter().for_each(|stream| stream.set_nonblocking(true).unwrap());
    while !streams.is_empty() {
        assert!(Instant::now() < deadline, "{} are taken for ever", streams.len());
        // One that takes no more, since we take nothing, is there still.
        streams.retain_mut(|stream| match stream.write(&many) {
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        });
        std::thread::yield_now();
    }
}
