//! What pending work costs a worker: messages are answered when another thread says so, in groups, as a store does that
//! writes many changes with one commit.
//!
//! `cargo run --release -p sip-transport --features tokio --example pending -- --group 100 --repeat 100000`
#![expect(clippy::print_stdout, reason = "a program with a user")]

use std::error::Error;
use std::fs;
use std::future::poll_fn;
use std::net::UdpSocket;
use std::num::NonZeroU16;
use std::pin::Pin;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use sip_transport::{
    Destination, FlowEvent, Inbound, Ingress, Leg, LegSpec, Now, Outbox, Peer, Server, ServerConfig, Shutdown, Tick,
};

/// Of a REGISTER.
const MESSAGE: [u8; 600] = [b'x'; 600];

/// A group of messages that are answered together.
#[derive(Default)]
struct Group(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: Vec<Waker>,
    is_settled: bool,
}

impl Group {
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn settled(self: Arc<Self>) {
        poll_fn(|cx| {
            self.with(|state| {
                if state.is_settled {
                    return Poll::Ready(());
                }
                state.waiting.push(cx.waker().clone());
                Poll::Pending
            })
        })
        .await;
    }

    fn settle(&self) {
        let waiting = self.with(|state| {
            state.is_settled = true;
            std::mem::take(&mut state.waiting)
        });
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// Answers every message with itself when its group is settled.
struct Later {
    size: usize,
    group: Arc<Group>,
    members: usize,
    full: mpsc::Sender<Arc<Group>>,
}

impl Ingress for Later {
    type Pending = Pin<Box<dyn Future<Output = Self::Resume>>>;
    type Resume = (Peer, Box<[u8]>);

    fn on_message(&mut self, rx: Inbound<'_>, _: &mut Outbox) -> Option<Self::Pending> {
        let (peer, bytes, group) = (rx.peer, rx.bytes.into(), Arc::clone(&self.group));
        self.members += 1;
        if self.members == self.size {
            self.members = 0;
            // Without its thread nothing is settled, which whoever waits for the answers will notice.
            let _ = self.full.send(std::mem::take(&mut self.group));
        }
        Some(Box::pin(async move {
            group.settled().await;
            (peer, bytes)
        }))
    }

    fn resume(&mut self, (peer, bytes): Self::Resume, _: Now, out: &mut Outbox) -> Option<Self::Pending> {
        out.send(Destination::Datagram { leg: peer.leg, remote: peer.remote }, &bytes);
        None
    }

    fn on_flow(&mut self, _: &Peer, _: FlowEvent, _: Now, _: &mut Outbox) {}

    fn on_tick(&mut self, _: Now, _: &mut Outbox) -> Tick {
        Tick::Done
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (group, repeat) = arguments()?;
    let legs = vec![Leg::from("udp:127.0.0.1:0".parse::<LegSpec>()?)];
    let server = Server::bind(ServerConfig { legs, workers: NonZeroU16::new(1), ..ServerConfig::default() })?;
    let to = server.local_addrs().first().copied().ok_or("no leg")?;

    let (full, groups) = mpsc::channel::<Arc<Group>>();
    std::thread::spawn(move || groups.into_iter().for_each(|group| group.settle()));
    let shutdown = Shutdown::new();
    let stop = shutdown.clone();
    let make = move |_| Later { size: group, group: Arc::default(), members: 0, full: full.clone() };
    let worker = std::thread::spawn(move || server.run(make, &stop));

    let client = UdpSocket::bind("127.0.0.1:0")?;
    socket2::SockRef::from(&client).set_recv_buffer_size(4 << 20)?;
    client.set_read_timeout(Some(Duration::from_secs(20)))?;
    client.connect(to)?;
    let begun = Instant::now();
    for _ in 0..repeat / group {
        for _ in 0..group {
            client.send(&MESSAGE)?;
        }
        for _ in 0..group {
            client.recv(&mut [0; MESSAGE.len()])?;
        }
    }
    let took = begun.elapsed();
    let messages = (repeat / group * group).max(1);
    println!("{messages} messages in groups of {group}: {:.0} ns each", took.as_nanos() as f64 / messages as f64);
    if let Some(cpu) = worker_cpu() {
        println!("of which the worker computes {:.0} ns", cpu as f64 / messages as f64);
    }
    shutdown.drain();
    worker.join().map_err(|_| "the server panicked")??;
    Ok(())
}

/// `--group N --repeat N`, both optional.
fn arguments() -> Result<(usize, usize), Box<dyn Error>> {
    let (mut group, mut repeat) = (100, 10_000);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let number = arguments.next().ok_or("usage: [--group N] [--repeat N]")?.parse()?;
        match name.as_str() {
            "--group" => group = number,
            "--repeat" => repeat = number,
            _ => return Err("usage: [--group N] [--repeat N]".into()),
        }
    }
    Ok((group.max(1), repeat))
}

/// Nanoseconds that the worker has computed, where the system says so.
fn worker_cpu() -> Option<u64> {
    fs::read_dir("/proc/self/task").ok()?.flatten().find_map(|task| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        let times = fs::read_to_string(task.path().join("schedstat")).ok()?;
        if name.starts_with("sip-") { times.split(' ').next()?.parse().ok() } else { None }
    })
}
