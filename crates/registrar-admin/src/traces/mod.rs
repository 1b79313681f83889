//! Spans of requests for whoever collects them: OpenTelemetry's protocol (OTLP 1.x) over HTTP, as JSON.
//!
//! ```text
//!   worker ─▶ Tracer::outcome: one of so many ─▶ bounded queue ─▶ thread: batch ─▶ POST, once
//! ```
//!
//! SIP carries no trace context, so each span is a trace of its own.

mod export;
mod span;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use axum::http::Uri;
use parking_lot::Mutex;
use sip_dispatch::Outcome;
use tokio::runtime::Builder;
use tokio::sync::mpsc;

use self::span::{Ids, Span};

/// How many spans wait to be sent. More are dropped.
const QUEUE: usize = 4096;

/// How long the end waits for what is left to be sent.
const LAST: Duration = Duration::from_millis(500);

/// Where spans go, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracesConfig {
    endpoint: Uri,
    every: u64,
}

/// The endpoint is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the endpoint begins with http:// or https:// and names a host, as in http://127.0.0.1:4318/v1/traces")]
pub struct EndpointError;

/// What has become of spans.
#[derive(Clone, Debug, Default)]
pub struct TraceCounts(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    dropped: AtomicU64,
}

/// Makes spans of outcomes, and has them sent.
#[derive(Debug)]
pub struct Tracer {
    every: u64,
    seen: AtomicU64,
    ids: Ids,
    /// `None` only while it is dropped.
    spans: Option<mpsc::Sender<Span>>,
    counts: TraceCounts,
    ended: Mutex<Receiver<()>>,
}

impl TracesConfig {
    /// The first of each `every` requests, to this URL.
    ///
    /// # Errors
    /// It is none that can be asked.
    pub fn new(endpoint: &str, every: u64) -> Result<Self, EndpointError> {
        let endpoint: Uri = endpoint.parse().map_err(|_| EndpointError)?;
        match (endpoint.scheme_str(), endpoint.host()) {
            (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(Self { endpoint, every: every.max(1) }),
            _ => Err(EndpointError),
        }
    }

    /// One of how many.
    #[must_use]
    pub fn every(&self) -> u64 {
        self.every
    }

    /// Its scheme and host. What stands behind may be a secret.
    #[must_use]
    pub fn place(&self) -> String {
        let authority = self.endpoint.authority().map_or("", |authority| authority.host());
        let port = self.endpoint.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{authority}{port}", self.endpoint.scheme_str().unwrap_or_default())
    }
}

impl TraceCounts {
    /// Each with its name.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [("spans_sent", read(&self.0.sent)), ("spans_dropped", read(&self.0.dropped))].into_iter()
    }
}

impl Tracer {
    /// Begins to send, in a thread of its own.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn start(config: &TracesConfig) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let (spans, queue) = mpsc::channel(QUEUE);
        let (end, ended) = channel();
        let counts = TraceCounts::default();
        let (its_config, its_counts) = (config.clone(), counts.clone());
        std::thread::Builder::new().name("traces".to_owned()).spawn(move || {
            runtime.block_on(export::run(its_config, queue, its_counts));
            // Nobody may wait for it any more.
            let _ = end.send(());
        })?;
        let every = config.every;
        Ok(Self {
            every,
            seen: AtomicU64::new(0),
            ids: Ids::default(),
            spans: Some(spans),
            counts,
            ended: Mutex::new(ended),
        })
    }

    /// What has become of spans, now and later.
    #[must_use]
    pub fn counts(&self) -> TraceCounts {
        self.counts.clone()
    }

    /// Makes a span of it, if it is one of those that are wanted.
    pub fn outcome(&self, outcome: &Outcome<'_>) {
        let number = self.seen.fetch_add(1, Ordering::Relaxed);
        if !number.is_multiple_of(self.every) {
            return;
        }
        let span = Span::of(outcome, &self.ids, number);
        if self.spans.as_ref().is_some_and(|spans| spans.try_send(span).is_err()) {
            self.counts.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        self.spans = None;
        // What is not taken by then is lost, as are spans that nobody takes before.
        let _ = self.ended.get_mut().recv_timeout(LAST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_with_a_host_and_its_path_is_not_shown() {
        let config = TracesConfig::new("https://user:key@collector.example.com:4318/v1/traces?key=17", 0).unwrap();
        assert_eq!((config.every(), config.place().as_str()), (1, "https://collector.example.com:4318"));
        for wrong in ["", "127.0.0.1:4318", "ftp://x/y", "http:///v1/traces", "/v1/traces"] {
            assert_eq!(TracesConfig::new(wrong, 1), Err(EndpointError), "{wrong}");
        }
    }
}
