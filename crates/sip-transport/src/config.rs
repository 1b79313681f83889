//! The settings of a server.

use std::num::NonZeroU16;
use std::time::Duration;

use sip_message::frame::FrameLimits;

use crate::{Clock, Leg};

/// All that a server can be told. `ServerConfig::default()` has no legs; the rest is meant to be left alone.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The listeners. Their order gives each its [`LegId`](crate::LegId).
    pub legs: Vec<Leg>,
    /// How many workers, each a thread. `None`: one for each core.
    pub workers: Option<NonZeroU16>,
    /// Datagrams.
    pub udp: UdpConfig,
    /// Connections.
    pub streams: StreamConfig,
    /// How many futures of the layer above one worker polls at the same time. One more is dropped and counted, so that
    /// layer should refuse work before.
    pub pending: usize,
    /// How long a drain may take.
    pub drain: Duration,
    /// Where the workers read the time; hand the same to whatever else compares [`Timestamp`](crate::Timestamp)s.
    pub clock: Clock,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            legs: Vec::new(),
            workers: None,
            udp: UdpConfig::default(),
            streams: StreamConfig::default(),
            pending: 10_000,
            drain: Duration::from_secs(5),
            clock: Clock::start(),
        }
    }
}

/// Settings of UDP.
#[derive(Clone, Debug)]
pub struct UdpConfig {
    /// How many bytes of receive buffer, and as many of send buffer, to ask the kernel for, for each socket. The kernel
    /// gives no more than its own limit (`net.core.rmem_max`, `net.core.wmem_max`).
    pub socket_buffer: usize,
    /// The longest datagram, in bytes; longer ones are dropped and counted.
    pub max_datagram: usize,
    /// How datagrams pass between us and the kernel.
    pub batching: Batching,
    /// How long a worker sleeps when it has read a socket empty and several datagrams come in each millisecond, so that
    /// more of them gather. Everything on that worker waits for so long. Zero: never; then each datagram wakes its worker,
    /// which takes more CPU at some thousand datagrams a second than serving them does.
    pub gather: Duration,
}

impl Default for UdpConfig {
    /// 4 MB hold some thousands of REGISTERs while a worker is busy elsewhere.
    fn default() -> Self {
        Self {
            socket_buffer: 4 << 20,
            max_datagram: usize::from(u16::MAX),
            batching: Batching::Best,
            gather: Duration::from_millis(1),
        }
    }
}

/// How datagrams pass between us and the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Batching {
    /// Many in one system call, where there is such a call.
    #[default]
    Best,
    /// One in each system call, as everywhere else.
    Single,
}

/// Settings of connections.
#[derive(Clone, Debug)]
pub struct StreamConfig {
    /// The longest head and message.
    pub frame: FrameLimits,
    /// How long a new connection may be silent. 10 s: a first segment that is lost three times (1, 2 and 4 s apart,
    /// RFC 6298) still arrives in time.
    pub first_byte: Duration,
    /// How long a connection may take to agree upon TLS.
    pub handshake: Duration,
    /// How long it may take after that to become a WebSocket.
    pub upgrade: Duration,
    /// How long a message may take from its first byte to its last, and a new connection from its first byte to its
    /// first message.
    pub message: Duration,
    /// How long a connection that has brought a message may be silent. 15 min: seven keepalives of RFC 5626 (every
    /// 95 to 120 s, §4.4.1) may be lost. Without keepalives a registration outlives its connection if it is refreshed
    /// less often than this.
    pub idle: Duration,
    /// After how long a silence the kernel asks whether the peer is still there. If that is not answered it asks again, after
    /// as long or [`KEEPALIVE_INTERVAL`](Self::KEEPALIVE_INTERVAL), whatever is shorter, and after
    /// [`KEEPALIVE_PROBES`](Self::KEEPALIVE_PROBES) in vain the connection has ended. So one that is cut without a word is
    /// noticed. 2 min: no phone is woken more often than by its own keepalives (RFC 5626 §4.4.1). `None`: never.
    pub keepalive: Option<Duration>,
    /// How often a peer that is silent is asked by us whether it is there: by a ping of WebSocket, and by CRLF CRLF over TCP and
    /// TLS (RFC 5626 §4.4.1), which whoever does not know it passes over (RFC 3261 §7.5). Each connection has moments of its
    /// own, and is not asked where something was heard since the last. `None`: the kernel asks alone.
    pub ping: Option<Duration>,
    /// After how many pings in vain a WebSocket has ended, which must answer them (RFC 6455 §5.5.3). Others need not; with
    /// pings, they have ended when one was not even acknowledged for as many intervals (`TCP_USER_TIMEOUT`).
    pub ping_failures: u32,
    /// How long the peer may leave what we sent untaken.
    pub write: Duration,
    /// How many bytes may wait for a peer that does not read.
    pub write_queue: usize,
    /// How many connections, over all workers. When a worker has to refuse one it first closes the oldest of its own
    /// that has not yet brought a message.
    pub connections: usize,
    /// How many of them from one source: an IPv4 address, or an IPv6 network of 64 bits.
    pub connections_per_source: usize,
    /// How long to go on reading after the answer to a stream that cannot be divided, lest the answer be lost with the
    /// connection's reset.
    pub linger: Duration,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            frame: FrameLimits::default(),
            first_byte: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            upgrade: Duration::from_secs(10),
            message: Duration::from_secs(10),
            idle: Duration::from_secs(15 * 60),
            keepalive: Some(Duration::from_secs(120)),
            ping: None,
            ping_failures: 2,
            write: Duration::from_secs(10),
            write_queue: 256 << 10,
            connections: 50_000,
            connections_per_source: 1000,
            linger: Duration::from_secs(1),
        }
    }
}

impl StreamConfig {
    /// The longest time from one question of the kernel to the next.
    pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
    /// How many of them may be lost.
    pub const KEEPALIVE_PROBES: u32 = 3;
}
