//! A request as a span, in the names of OpenTelemetry's semantic conventions where there are such.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;

use serde_json::{Value, json};
use sip_dispatch::Outcome;
use sip_message::HeaderId;
use sip_transport::Transport;

/// The longest Call-ID and method that are told, in bytes.
const LONGEST: usize = 128;

/// A request from its arrival to its answer.
#[derive(Debug)]
pub(super) struct Span {
    trace: u128,
    id: u64,
    method: String,
    call_id: String,
    client: SocketAddr,
    server: SocketAddr,
    transport: Transport,
    status: Option<u16>,
    reason: &'static str,
    /// Milliseconds since 1970.
    start: u64,
    end: u64,
}

/// Makes numbers that no other process makes.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomState);

impl Span {
    pub(super) fn of(outcome: &Outcome<'_>, ids: &Ids, number: u64) -> Self {
        let part = |part: u8| ids.0.hash_one((number, part));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.get(..LONGEST).unwrap_or(bytes)).into_owned();
        let end = outcome.now.wall;
        Self {
            trace: (u128::from(part(0)) << 64) | u128::from(part(1)),
            id: part(2),
            method: text(outcome.method.name()),
            call_id: text(outcome.message.value(HeaderId::CallId).unwrap_or_default()),
            client: outcome.peer.remote,
            server: outcome.peer.local,
            transport: outcome.peer.transport,
            status: outcome.status.map(|status| status.code()),
            reason: outcome.reason.code(),
            start: end.saturating_sub(outcome.now.at.millis_since(outcome.arrived)),
            end,
        }
    }

    /// As OTLP has it: numbers of 64 bits are texts, ids hexadecimal.
    fn to_json(&self) -> Value {
        let nanos = |millis: u64| format!("{millis}000000");
        let is_stream = self.transport.is_stream();
        let mut attributes = vec![
            text("sip.request.method", &self.method),
            text("sip.call_id", &self.call_id),
            text("registrar.reason", self.reason),
            text("registrar.transport", self.transport.scheme()),
            text("network.transport", if is_stream { "tcp" } else { "udp" }),
            text("client.address", &self.client.ip().to_string()),
            number("client.port", self.client.port()),
            text("server.address", &self.server.ip().to_string()),
            number("server.port", self.server.port()),
        ];
        attributes.extend(self.status.map(|status| number("sip.response.status_code", status)));
        // An error is one of ours; a phone that is refused is none.
        let code = if self.status.is_some_and(|status| (500..600).contains(&status)) { 2 } else { 0 };
        json!({
            "traceId": format!("{:032x}", self.trace),
            "spanId": format!("{:016x}", self.id),
            "name": if self.method.is_empty() { "unreadable" } else { &self.method },
            "kind": 2,
            "startTimeUnixNano": nanos(self.start),
            "endTimeUnixNano": nanos(self.end),
            "attributes": attributes,
            "status": { "code": code },
        })
    }
}

/// An ExportTraceServiceRequest.
pub(super) fn request(spans: &[Span]) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    json!({ "resourceSpans": [{
        "resource": { "attributes": [text("service.name", "registrar"), text("service.version", version)] },
        "scopeSpans": [{
            "scope": { "name": "registrar", "version": version },
            "spans": spans.iter().map(Span::to_json).collect::<Vec<_>>(),
        }],
    }] })
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn number(key: &str, value: u16) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}
