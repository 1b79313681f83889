//! A worker without sockets in front of a registrar, and requests to send to it.

use std::sync::{Arc, Mutex};

use sip_dispatch::links::{Fallback, Sanity};
use sip_dispatch::{Answer, Config, Dispatcher, Link, Reason, ReceiveChain, Share};
use sip_message::{Framing, HeaderId, Index};
use sip_registrar::{Aor, Observer, Record, Redirect, Registrar, RegistrarBuilder};
use sip_transport::{Flow, FlowEvent, Inbound, Ingress, LegId, Now, Outbox, Peer, Tick, Transport};

/// The time at which every test begins.
pub(crate) const START: u64 = 1_700_000_000_000;

/// A registrar for `example.com` that grants what it is asked for, so that tests can foresee it.
pub(crate) fn builder() -> RegistrarBuilder {
    Registrar::builder().domains(["example.com"]).jitter(0)
}

pub(crate) fn local_peer() -> Peer {
    Peer {
        leg: LegId(2),
        transport: Transport::Udp,
        remote: "127.0.0.1:40000".parse().unwrap(),
        local: "127.0.0.1:5060".parse().unwrap(),
        flow: None,
    }
}

/// A dispatcher with Sanity, a registrar, Redirect and Fallback.
pub(crate) struct Server {
    dispatcher: Dispatcher,
    outbox: Outbox,
    pub(crate) registrar: Registrar,
    pub(crate) now: Now,
    pub(crate) peer: Peer,
    outcomes: Arc<Mutex<Vec<&'static str>>>,
    branches: u32,
}

impl Server {
    pub(crate) fn new(builder: RegistrarBuilder) -> Self {
        let registrar = builder.build().unwrap();
        let chain = ReceiveChain::new([
            Link::from(Sanity { supported: Some(&["path"]), ..Sanity::default() }),
            Link::from(registrar.clone()),
            Link::from(Redirect::new(registrar.clone())),
            Link::from(Fallback { allow: &["REGISTER"] }),
        ]);
        Self::with_chain(registrar, chain)
    }

    pub(crate) fn with_chain(registrar: Registrar, chain: ReceiveChain) -> Self {
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let log = outcomes.clone();
        let dispatcher = Dispatcher::new(chain, Config::default(), Share::WHOLE)
            .on_outcome(move |outcome| log.lock().unwrap().push(outcome.reason.code()));
        Self {
            dispatcher,
            outbox: Outbox::new(),
            registrar,
            now: Now::from_millis(START),
            peer: local_peer(),
            outcomes,
            branches: 0,
        }
    }

    /// The one answer to a request, which is sent as a new transaction.
    pub(crate) fn send(&mut self, request: &Request) -> Response {
        self.branches += 1;
        let text = request.text(self.branches);
        self.receive(text.as_bytes()).unwrap_or_else(|| panic!("no answer to\n{text}"))
    }

    /// What is answered to these bytes.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Option<Response> {
        let rx = Inbound { bytes, peer: self.peer, now: self.now };
        assert!(self.dispatcher.on_message(rx, &mut self.outbox).is_none());
        let sent: Vec<_> = self.outbox.iter().map(|(_, bytes)| Response(bytes.to_vec())).collect();
        self.outbox.clear();
        assert!(sent.len() <= 1, "{sent:?}");
        sent.into_iter().next()
    }

    /// Sends a request and gives its bindings, which must be told.
    pub(crate) fn registers(&mut self, request: &Request) -> Vec<String> {
        let response = self.send(request);
        assert_eq!(response.code(), 200, "{response:?}");
        response.contacts()
    }

    /// What a request without Contact tells of alice.
    pub(crate) fn bindings(&mut self) -> Vec<String> {
        self.registers(&register("query").cseq(1))
    }

    /// Sends a request that must be refused without any change: gives the status and the reason.
    pub(crate) fn refuses(&mut self, request: &Request) -> (String, &'static str) {
        let before = self.record();
        let response = self.send(request);
        let reason = self.reason();
        assert_eq!(self.record(), before, "{response:?}");
        assert!(response.contacts().is_empty(), "{response:?}");
        (response.status(), reason)
    }

    /// The record of alice.
    pub(crate) fn record(&self) -> Option<Record> {
        let mut buffer = Vec::new();
        self.record_of(&Aor::parse("alice@example.com", &mut buffer).unwrap())
    }

    pub(crate) fn record_of(&self, aor: &Aor<'_>) -> Option<Record> {
        match self.registrar.query(aor, self.now) {
            Answer::Now(found) => found.unwrap(),
            _ => panic!("memory does not wait"),
        }
    }

    /// The next requests come over this connection, which has just been opened.
    pub(crate) fn connect(&mut self, transport: Transport, flow: Flow) {
        self.peer = Peer { transport, flow: Some(flow), ..self.peer };
        self.flow(flow, FlowEvent::Opened);
    }

    /// Something becomes of a connection.
    pub(crate) fn flow(&mut self, flow: Flow, event: FlowEvent) {
        let peer = Peer { transport: Transport::Tcp, flow: Some(flow), ..self.peer };
        self.dispatcher.on_flow(&peer, event, self.now, &mut self.outbox);
    }

    /// Why the last request ended as it did.
    pub(crate) fn reason(&self) -> &'static str {
        self.outcomes.lock().unwrap().last().unwrap()
    }

    pub(crate) fn pass(&mut self, seconds: u64) {
        self.now = Now::from_millis(self.now.wall + seconds * 1000);
    }

    pub(crate) fn tick(&mut self) -> Tick {
        self.dispatcher.on_tick(self.now, &mut self.outbox)
    }
}

/// A REGISTER of alice with the given Call-ID, CSeq 1 and no Contact, whose parts can be changed.
pub(crate) fn register(call_id: &str) -> Request {
    Request {
        line: "REGISTER sip:example.com SIP/2.0".to_owned(),
        from: "<sip:alice@example.com>;tag=1".to_owned(),
        to: "<sip:alice@example.com>".to_owned(),
        call_id: call_id.to_owned(),
        cseq: 1,
        headers: Vec::new(),
    }
}

#[derive(Clone)]
pub(crate) struct Request {
    line: String,
    from: String,
    to: String,
    call_id: String,
    cseq: u32,
    headers: Vec<String>,
}

impl Request {
    pub(crate) fn line(self, line: &str) -> Self {
        Self { line: line.to_owned(), ..self }
    }

    pub(crate) fn from(self, from: &str) -> Self {
        Self { from: from.to_owned(), ..self }
    }

    pub(crate) fn to(self, to: &str) -> Self {
        Self { to: to.to_owned(), ..self }
    }

    pub(crate) fn cseq(self, cseq: u32) -> Self {
        Self { cseq, ..self }
    }

    pub(crate) fn contact(self, contact: &str) -> Self {
        self.header(&format!("Contact: {contact}"))
    }

    pub(crate) fn expires(self, expires: &str) -> Self {
        self.header(&format!("Expires: {expires}"))
    }

    pub(crate) fn header(mut self, line: &str) -> Self {
        self.headers.push(line.to_owned());
        self
    }

    pub(crate) fn text(&self, branch: u32) -> String {
        let Self { line, from, to, call_id, cseq, headers } = self;
        let method = line.split(' ').next().unwrap();
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        format!(
            "{line}\r\nVia: SIP/2.0/UDP 127.0.0.1:40000;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n\
             From: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n\
             {headers}Content-Length: 0\r\n\r\n"
        )
    }
}

/// An answer as it went out.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Response(Vec<u8>);

impl Response {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// Code and phrase.
    pub(crate) fn status(&self) -> String {
        let text = self.text();
        text.lines().next().unwrap().strip_prefix("SIP/2.0 ").unwrap().to_owned()
    }

    pub(crate) fn code(&self) -> u16 {
        self.status()[..3].parse().unwrap()
    }

    /// The values of a header, a line each.
    pub(crate) fn lines(&self, id: HeaderId) -> Vec<String> {
        let mut index = Index::new();
        let message = index.read(&self.0, Framing::Stream).unwrap();
        assert_eq!(message.fault(), None, "{self:?}");
        message.lines(id).map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }

    pub(crate) fn contacts(&self) -> Vec<String> {
        self.lines(HeaderId::Contact)
    }

    fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

/// What observers were told: the reason, and the contact URIs before and after.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<Change>>>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) aor: String,
    pub(crate) why: &'static str,
    pub(crate) before: Vec<String>,
    pub(crate) after: Vec<String>,
}

impl Told {
    /// Everything since the last time.
    pub(crate) fn take(&self) -> Vec<Change> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Told {
    fn changed(&self, aor: &Aor<'_>, before: Option<&Record>, after: Option<&Record>, why: Reason, _: Now) {
        let uris = |record: Option<&Record>| {
            let bindings = record.into_iter().flat_map(Record::bindings);
            bindings.map(|binding| String::from_utf8_lossy(binding.uri).into_owned()).collect()
        };
        let (before, after) = (uris(before), uris(after));
        self.0.lock().unwrap().push(Change { aor: aor.to_string(), why: why.code(), before, after });
    }
}

/// A flow for streams.
pub(crate) const FLOW: Flow = Flow { worker: 0, slot: 7, generation: 3 };
