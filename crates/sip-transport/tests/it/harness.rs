//! A server in a thread, and the layer above it.

use std::future::{Future, poll_fn};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::num::NonZeroU16;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use sip_transport::{
    CloseCause, Control, Counters, CountersHandle, Destination, DrainSummary, Flow, FlowEvent, Inbound, Ingress,
    LegSpec, Now, Outbox, Peer, RunError, Server, ServerConfig, Shutdown, Tick, Transport, WorkerId,
};
use tokio::sync::oneshot;

/// How long a test waits for what must come; only a failing test waits that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What the layer above has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A message, and by which worker.
    Message(WorkerId, Peer),
    /// A connection has ended.
    Closed(Flow),
    /// A ping was answered.
    RoundTrip(Flow),
}

/// Does what stands in the Request-URI, after `sip:`, and answers with the bytes of the request:
///
/// * `later`: after a future; `twice`: after two; `never`: not at all; `broken`: after a future that panics
/// * `together-N`: when N of them are there, made ready by another thread; `breaks-N` is one of them and panics then; a number may
///   follow
/// * `big-N`: with N bytes
/// * `panic`: panics
/// * `promised`: in the next tick, as was promised
/// * `announced`: how many were announced together with it that have not come up before it, itself included
/// * `stray`: to connections that do not exist
/// * `more`: and has more to do at every tick from now on; `bad-tick`: and panics in the next
/// * anything else: at once
pub(crate) struct Echo {
    worker: WorkerId,
    events: mpsc::Sender<Event>,
    announced: usize,
    more: bool,
    bad_tick: bool,
    together: Arc<Mutex<Together>>,
    promised: Vec<(Flow, Vec<u8>)>,
}

type Reply = (Peer, Vec<u8>, u32);
type Pending = Pin<Box<dyn Future<Output = Reply>>>;

impl Ingress for Echo {
    type Pending = Pending;
    type Resume = Reply;

    fn prepare(&mut self, datagrams: &[&[u8]]) {
        self.announced = datagrams.len();
    }

    fn on_message(&mut self, rx: Inbound<'_>, out: &mut Outbox) -> Option<Pending> {
        let announced = self.announced;
        self.announced = announced.saturating_sub(1);
        let _ = self.events.send(Event::Message(self.worker, rx.peer));
        let text = String::from_utf8_lossy(rx.bytes);
        let command = text.split_once("sip:").and_then(|(_, rest)| rest.split(' ').next()).unwrap_or_default();
        let reply = (rx.peer, rx.bytes.to_vec());
        match command.split_once('-').unwrap_or((command, "")) {
            ("later", _) => return Some(after_a_while(reply, 0)),
            ("twice", _) => return Some(after_a_while(reply, 1)),
            ("never", _) => return Some(Box::pin(std::future::pending())),
            ("together", size) => return Some(self.together(reply, size, false)),
            ("breaks", size) => return Some(self.together(reply, size, true)),
            ("broken", _) => return Some(Box::pin(async { panic!("a future that panics, as the test wants") })),
            ("panic", _) => {
                out.begin().buffer().extend_from_slice(b"half an answer");
                panic!("a message that panics, as the test wants")
            }
            ("big", size) => {
                let size: usize = size.parse().unwrap();
                out.send(destination(rx.peer), &vec![b'x'; size]);
                return None;
            }
            ("promised", _) => {
                let flow = rx.peer.flow.unwrap();
                out.promise(flow);
                self.promised.push((flow, rx.bytes.to_vec()));
                return None;
            }
            ("announced", _) => {
                out.send(destination(rx.peer), announced.to_string().as_bytes());
                return None;
            }
            ("stray", _) => {
                let flow = Flow { worker: 0, slot: 0, generation: 0 };
                for flow in [flow, Flow { worker: 77, ..flow }, Flow { slot: u32::MAX, ..flow }] {
                    out.send(Destination::Stream(flow), b"nobody reads this");
                }
            }
            ("more", _) => self.more = true,
            ("bad", "tick") => self.bad_tick = true,
            _ => {}
        }
        out.send(destination(rx.peer), rx.bytes);
        None
    }

    fn resume(&mut self, (peer, bytes, more): Reply, _: Now, out: &mut Outbox) -> Option<Pending> {
        if more > 0 {
            return Some(after_a_while((peer, bytes), more - 1));
        }
        out.send(destination(peer), &bytes);
        None
    }

    fn on_flow(&mut self, peer: &Peer, event: FlowEvent, _: Now, _: &mut Outbox) {
        let flow = peer.flow.unwrap();
        let _ = match event {
            FlowEvent::Closed => self.events.send(Event::Closed(flow)),
            FlowEvent::RoundTrip(_) => self.events.send(Event::RoundTrip(flow)),
            _ => Ok(()),
        };
    }

    fn on_tick(&mut self, _: Now, out: &mut Outbox) -> Tick {
        for (flow, bytes) in self.promised.drain(..) {
            out.keep_promise(flow);
            out.send(Destination::Stream(flow), &bytes);
        }
        assert!(!std::mem::take(&mut self.bad_tick), "a tick that panics, as the test wants");
        if self.more { Tick::More } else { Tick::Done }
    }
}

impl Echo {
    fn together(&mut self, (peer, bytes): (Peer, Vec<u8>), size: &str, breaks: bool) -> Pending {
        let (ready, mut wait) = oneshot::channel();
        let size: usize = size.split('-').next().unwrap_or_default().parse().unwrap();
        let group = Arc::clone(&self.together);
        let mut waiting = group.lock().unwrap();
        waiting.ready.push(ready);
        if waiting.ready.len() == size {
            self.together = Arc::default();
        }
        drop(waiting);
        Box::pin(async move {
            let mut polled = false;
            let told = poll_fn(|cx| {
                let told = Pin::new(&mut wait).poll(cx);
                if std::mem::replace(&mut polled, true) {
                    return told;
                }
                // All are waiting now, the last of them too: so they are woken in their order, and none is ready before.
                let ready = group.lock().unwrap().polled(size);
                if !ready.is_empty() {
                    std::thread::spawn(move || ready.into_iter().for_each(|ready| ready.send(()).unwrap()));
                }
                Poll::Pending
            });
            told.await.unwrap();
            assert!(!breaks, "a future that panics, as the test wants");
            (peer, bytes, 0)
        })
    }
}

/// Those that wait for each other.
#[derive(Default)]
struct Together {
    ready: Vec<oneshot::Sender<()>>,
    polled: usize,
}

impl Together {
    /// One more was polled: if it was the last of so many, all may be told.
    fn polled(&mut self, size: usize) -> Vec<oneshot::Sender<()>> {
        self.polled += 1;
        if self.polled == size { std::mem::take(&mut self.ready) } else { Vec::new() }
    }
}

fn after_a_while((peer, bytes): (Peer, Vec<u8>), more: u32) -> Pending {
    Box::pin(async move {
        tokio::task::yield_now().await;
        (peer, bytes, more)
    })
}

fn destination(peer: Peer) -> Destination {
    match (peer.transport, peer.flow) {
        (Transport::Udp, _) => Destination::Datagram { leg: peer.leg, remote: peer.remote },
        (_, Some(flow)) => Destination::Stream(flow),
        (_, None) => panic!("a stream without a flow"),
    }
}

/// A request that means `command` to [`Echo`].
pub(crate) fn message(command: &str) -> Vec<u8> {
    format!("OPTIONS sip:{command} SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

/// A server that runs until it is dropped or stopped.
pub(crate) struct Running {
    pub(crate) addrs: Vec<SocketAddr>,
    pub(crate) shutdown: Shutdown,
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) control: Control,
    counters: CountersHandle,
    thread: Option<JoinHandle<Result<DrainSummary, RunError>>>,
}

/// A configuration with these legs and two workers.
pub(crate) fn config(legs: &[&str]) -> ServerConfig {
    ServerConfig {
        legs: legs.iter().map(|leg| leg.parse::<LegSpec>().unwrap().into()).collect(),
        workers: NonZeroU16::new(2),
        ..ServerConfig::default()
    }
}

/// The same with one worker.
pub(crate) fn alone(legs: &[&str]) -> ServerConfig {
    ServerConfig { workers: NonZeroU16::new(1), ..config(legs) }
}

pub(crate) fn start(config: ServerConfig) -> Running {
    let server = Server::bind(config).expect("the tests need 127.0.0.1 and, for IPv6, ::1 on the loopback interface");
    run(server, Shutdown::new())
}

pub(crate) fn run(server: Server, shutdown: Shutdown) -> Running {
    let (send, events) = mpsc::channel();
    let (addrs, counters, control) = (server.local_addrs(), server.counters(), server.control());
    let stop = shutdown.clone();
    let make = move |worker| Echo {
        worker,
        events: send.clone(),
        announced: 0,
        more: false,
        bad_tick: false,
        together: Arc::default(),
        promised: Vec::new(),
    };
    let thread = std::thread::spawn(move || server.run(make, &stop));
    Running { addrs, shutdown, events, control, counters, thread: Some(thread) }
}

impl Running {
    pub(crate) fn udp(&self, leg: usize) -> UdpSocket {
        let addr = self.addrs[leg];
        let socket = UdpSocket::bind((addr.ip(), 0)).unwrap();
        socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20).unwrap();
        socket.connect(addr).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    pub(crate) fn tcp(&self, leg: usize) -> TcpStream {
        let stream = TcpStream::connect(self.addrs[leg]).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters.snapshot()
    }

    pub(crate) fn pulses(&self) -> Vec<u64> {
        self.counters.pulses().collect()
    }

    /// Waits until a connection has ended, and looks that it did so by `cause`.
    pub(crate) fn closed_by(&self, cause: CloseCause) -> Flow {
        let flow = self.next_closed();
        assert_eq!(self.counters().closed(cause), 1, "{:?}", self.counters());
        flow
    }

    /// Waits until `n` connections of which the layer above was never told have ended by `cause`.
    pub(crate) fn ended_by(&self, cause: CloseCause, n: u64) {
        let deadline = std::time::Instant::now() + PATIENCE;
        while self.counters().closed(cause) < n && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert_eq!(self.counters().closed(cause), n, "{:?}", self.counters());
    }

    /// The same with the end of a connection.
    pub(crate) fn next_closed(&self) -> Flow {
        loop {
            if let Event::Closed(flow) = self.events.recv_timeout(PATIENCE).expect("a connection was to end") {
                return flow;
            }
        }
    }

    /// Waits until a ping has been answered.
    pub(crate) fn next_round_trip(&self) -> Flow {
        loop {
            if let Event::RoundTrip(flow) = self.events.recv_timeout(PATIENCE).expect("a ping was to be answered") {
                return flow;
            }
        }
    }

    /// Takes the next message that the layer above has seen, and throws away what else it saw before.
    pub(crate) fn next_message(&self) -> (WorkerId, Peer) {
        loop {
            if let Event::Message(worker, peer) = self.events.recv_timeout(PATIENCE).expect("a message was to come") {
                return (worker, peer);
            }
        }
    }

    /// Waits for the end of the server and returns what it says, with all events not yet taken.
    pub(crate) fn end(mut self) -> (Result<DrainSummary, RunError>, Vec<Event>, Counters) {
        let result = self.thread.take().unwrap().join().unwrap();
        (result, self.events.try_iter().collect(), self.counters())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cut();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join().unwrap();
            assert!(ended.is_ok() || std::thread::panicking(), "{ended:?}");
        }
    }
}

/// Sends `request` and returns the answer.
pub(crate) fn ask_udp(socket: &UdpSocket, request: &[u8]) -> Vec<u8> {
    socket.send(request).unwrap();
    let mut buffer = vec![0; 65_535];
    let length = socket.recv(&mut buffer).unwrap();
    buffer.truncate(length);
    buffer
}

/// Sends `request` and returns an answer of the same length.
pub(crate) fn ask_tcp(stream: &mut TcpStream, request: &[u8]) -> Vec<u8> {
    stream.write_all(request).unwrap();
    read_exactly(stream, request.len())
}

pub(crate) fn read_exactly(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut buffer = vec![0; length];
    stream.read_exact(&mut buffer).unwrap();
    buffer
}

/// Reads to the end of a connection that is closed in good order.
pub(crate) fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut buffer = Vec::new();
    stream.read_to_end(&mut buffer).unwrap();
    buffer
}
