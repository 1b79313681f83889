//! A worker without sockets: it feeds a dispatcher, polls what waits, and collects the answers.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use sip_dispatch::links::{Fallback, Options, Sanity};
use sip_dispatch::{
    Answer, Config, CountersSnapshot, Dispatcher, Exchange, Link, Pending, ReceiveChain, Receiver, Share, Verdict,
};
use sip_message::{Framing, HeaderId, Index};
use sip_transport::{Destination, Flow, Inbound, Ingress, LegId, Now, Outbox, Peer, Tick, Transport};

/// Where the client of these tests sends from.
pub(crate) const CLIENT: &str = "192.0.2.4:40000";

/// The links that every server has.
pub(crate) fn usual_links() -> Vec<Link> {
    const ALLOW: &[&str] = &["OPTIONS", "REGISTER"];
    vec![
        Sanity { supported: Some(&["path"]), ..Sanity::default() }.into(),
        Options { allow: ALLOW, supported: &["path"] }.into(),
        Fallback { allow: ALLOW }.into(),
    ]
}

/// A chain of these links in place of Options, between the usual ones.
pub(crate) fn chain_with(links: impl IntoIterator<Item = Link>) -> ReceiveChain {
    let mut all = usual_links();
    all.splice(1..2, links);
    ReceiveChain::new(all)
}

pub(crate) struct Worker {
    dispatcher: Dispatcher,
    outbox: Outbox,
    waiting: Vec<Pin<Box<Pending>>>,
    pub(crate) now: Now,
}

impl Worker {
    pub(crate) fn new(chain: ReceiveChain) -> Self {
        Self::with(chain, Config::default())
    }

    pub(crate) fn with(chain: ReceiveChain, config: Config) -> Self {
        Self::driving(Dispatcher::new(chain, config, Share::WHOLE))
    }

    pub(crate) fn driving(dispatcher: Dispatcher) -> Self {
        Self { dispatcher, outbox: Outbox::new(), waiting: Vec::new(), now: Now::from_millis(1_700_000_000_000) }
    }

    pub(crate) fn usual() -> Self {
        Self::new(ReceiveChain::new(usual_links()))
    }

    /// What came of a datagram at once.
    pub(crate) fn udp(&mut self, bytes: impl Into<Vec<u8>>) -> Vec<Response> {
        self.receive(&bytes.into(), udp_from(CLIENT))
    }

    /// What came of a message on a connection at once.
    pub(crate) fn tcp(&mut self, bytes: impl Into<Vec<u8>>) -> Vec<Response> {
        let flow = Some(Flow { worker: 0, slot: 7, generation: 3 });
        self.receive(&bytes.into(), Peer { transport: Transport::Tcp, flow, ..udp_from(CLIENT) })
    }

    pub(crate) fn receive(&mut self, bytes: &[u8], peer: Peer) -> Vec<Response> {
        let now = self.now;
        let pending = self.dispatcher.on_message(Inbound { bytes, peer, now }, &mut self.outbox);
        self.waiting.extend(pending.map(Box::pin));
        self.sent()
    }

    /// What came of datagrams that arrived in one batch.
    pub(crate) fn batch(&mut self, datagrams: &[RequestText]) -> Vec<Response> {
        let (peer, now) = (udp_from(CLIENT), self.now);
        for datagram in datagrams {
            let bytes = &datagram.bytes();
            let pending = self.dispatcher.on_message(Inbound { bytes, peer, now }, &mut self.outbox);
            self.waiting.extend(pending.map(Box::pin));
        }
        self.sent()
    }

    /// The one answer to a datagram.
    pub(crate) fn answer(&mut self, bytes: impl Into<Vec<u8>>) -> Response {
        one(self.udp(bytes))
    }

    /// Polls all that waits, and goes on with what is ready.
    pub(crate) fn poll(&mut self) -> Vec<Response> {
        let mut context = Context::from_waker(Waker::noop());
        for mut pending in std::mem::take(&mut self.waiting) {
            match pending.as_mut().poll(&mut context) {
                Poll::Pending => self.waiting.push(pending),
                Poll::Ready(done) => {
                    let again = self.dispatcher.resume(done, self.now, &mut self.outbox);
                    self.waiting.extend(again.map(Box::pin));
                }
            }
        }
        self.sent()
    }

    /// How many futures are to be polled.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Drops all that waits.
    pub(crate) fn drop_waiting(&mut self) {
        self.waiting.clear();
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        self.now = Now::from_millis(self.now.wall + millis);
    }

    pub(crate) fn prepare(&mut self, datagrams: &[&[u8]]) {
        self.dispatcher.prepare(datagrams);
    }

    /// Ticks until nothing is left to do.
    pub(crate) fn tick(&mut self) -> Vec<Response> {
        while self.dispatcher.on_tick(self.now, &mut self.outbox) == Tick::More {}
        self.sent()
    }

    pub(crate) fn tick_once(&mut self) -> Vec<Response> {
        self.dispatcher.on_tick(self.now, &mut self.outbox);
        self.sent()
    }

    pub(crate) fn counters(&self) -> CountersSnapshot {
        self.dispatcher.counters().snapshot()
    }

    fn sent(&mut self) -> Vec<Response> {
        let sent = self.outbox.iter().map(|(to, bytes)| Response { to, bytes: bytes.to_vec() }).collect();
        self.outbox.clear();
        sent
    }
}

pub(crate) fn udp_from(remote: &str) -> Peer {
    Peer {
        leg: LegId(2),
        transport: Transport::Udp,
        remote: remote.parse().unwrap(),
        local: "192.0.2.1:5060".parse().unwrap(),
        flow: None,
    }
}

pub(crate) fn one(mut answers: Vec<Response>) -> Response {
    assert_eq!(answers.len(), 1, "{answers:#?}");
    answers.remove(0)
}

/// An answer as it went out.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) to: Destination,
    pub(crate) bytes: Vec<u8>,
}

impl Response {
    /// Code and phrase.
    pub(crate) fn status(&self) -> String {
        let line = self.text().lines().next().unwrap();
        line.strip_prefix("SIP/2.0 ").unwrap().to_owned()
    }

    pub(crate) fn code(&self) -> u16 {
        self.status()[..3].parse().unwrap()
    }

    /// The values of a header, a line each.
    pub(crate) fn lines(&self, id: HeaderId) -> Vec<String> {
        let mut index = Index::new();
        let message = index.read(&self.bytes, Framing::Stream).unwrap();
        assert_eq!(message.fault(), None, "{self:?}");
        message.lines(id).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect()
    }

    /// The value of a header that stands once.
    pub(crate) fn header(&self, id: HeaderId) -> String {
        let lines = self.lines(id);
        assert_eq!(lines.len(), 1, "{id:?} in {self:?}");
        lines[0].clone()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}\n{}", self.to, String::from_utf8_lossy(&self.bytes))
    }
}

/// A request that has all it needs, and whose parts can be changed.
#[derive(Clone)]
pub(crate) struct RequestText(Vec<String>);

pub(crate) fn request(method: &str) -> RequestText {
    let lines = [
        format!("{method} sip:example.com SIP/2.0"),
        format!("Via: SIP/2.0/UDP 192.0.2.4:40000;branch=z9hG4bK{method}"),
        "Max-Forwards: 70".to_owned(),
        "From: <sip:alice@example.com>;tag=f1".to_owned(),
        "To: <sip:alice@example.com>".to_owned(),
        "Call-ID: c1@192.0.2.4".to_owned(),
        format!("CSeq: 1 {method}"),
        "Content-Length: 0".to_owned(),
    ];
    RequestText(lines.into())
}

impl RequestText {
    /// Another value for the header; another line if `name` is empty, which stands for the request line.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        let line = if name.is_empty() { value.to_owned() } else { format!("{name}: {value}") };
        match self.position(name) {
            Some(at) => self.0[at] = line,
            None => self.0.push(line),
        }
        self
    }

    pub(crate) fn add(mut self, line: &str) -> Self {
        self.0.push(line.to_owned());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        let at = self.position(name).unwrap();
        self.0.remove(at);
        self
    }

    /// The header at another place, counted from 0 behind the request line.
    pub(crate) fn moved(mut self, name: &str, to: usize) -> Self {
        let line = self.0.remove(self.position(name).unwrap());
        self.0.insert((to + 1).min(self.0.len()), line);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.with_body("")
    }

    pub(crate) fn with_body(&self, body: &str) -> Vec<u8> {
        format!("{}\r\n\r\n{body}", self.0.join("\r\n")).into_bytes()
    }

    fn position(&self, name: &str) -> Option<usize> {
        if name.is_empty() {
            return Some(0);
        }
        self.0.iter().position(|line| line.split(':').next() == Some(name))
    }
}

impl From<RequestText> for Vec<u8> {
    fn from(request: RequestText) -> Self {
        request.bytes()
    }
}

/// A link that does what a function says.
pub(crate) struct Does<F>(pub(crate) F);

impl<F: Fn(&mut Exchange<'_>) -> Verdict + Send + Sync> Receiver for Does<F> {
    fn receive(&self, ex: &mut Exchange<'_>) -> Verdict {
        (self.0)(ex)
    }
}

/// A link that does what a function says.
pub(crate) fn link(does: impl Fn(&mut Exchange<'_>) -> Verdict + Send + Sync + 'static) -> Link {
    Link::new(Does(does))
}

/// How many requests a link was shown.
#[derive(Clone, Default)]
pub(crate) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A link that counts and passes.
pub(crate) fn counting() -> (Link, Count) {
    let count = Count::default();
    let counted = count.clone();
    let link = link(move |_| {
        counted.add();
        Verdict::Pass
    });
    (link, count)
}

/// What a store will say, once the test says so.
pub(crate) struct Store<T>(Arc<Mutex<Option<T>>>);

impl<T> Clone for Store<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + 'static> Store<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Lets the oldest or next question have this answer.
    pub(crate) fn says(&self, value: T) {
        *self.0.lock().unwrap() = Some(value);
    }

    /// An answer that comes later.
    pub(crate) fn ask(&self) -> Answer<T> {
        let store = self.clone();
        Answer::Later(Box::pin(std::future::poll_fn(move |_| match store.0.lock().unwrap().take() {
            Some(value) => Poll::Ready(value),
            None => Poll::Pending,
        })))
    }
}
