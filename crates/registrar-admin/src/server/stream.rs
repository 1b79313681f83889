//! Answers without an end that is known: the whole table, and events.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream::unfold;
use registrar_api::{Event, EventKind};
use serde::Deserialize;
use tokio::time::timeout;

use super::App;
use super::addresses::{AT_ONCE, Wanted, told};
use super::error::Failed;
use crate::events::{From, Reader};

/// How many may watch at once.
const WATCHERS: usize = 64;

/// How many events are written at once.
const EVENTS: usize = 256;

/// How often something is sent though nothing happens, so that both ends notice when the other is gone.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// The whole table, a line for each address that fits. The next part is read when the one before has been taken, and no
/// lock is held between them.
pub(super) fn lines(app: App, wanted: Wanted) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    unfold((app, wanted, Some(None::<Vec<u8>>)), async |(app, wanted, after)| {
        let mut after = after?;
        loop {
            let page = match told(app.handles.location.scan(after.as_deref(), AT_ONCE)).await {
                Ok(page) => page,
                // The end of the connection tells that this was not all.
                Err(error) => return Some((Err(io::Error::other(error)), (app, wanted, None))),
            };
            let now = app.handles.clock.now();
            let mut text = Vec::new();
            for aor in page.records.iter().filter_map(|record| wanted.take(record, now)) {
                // What is made of numbers and texts can always be written.
                if serde_json::to_writer(&mut text, &aor).is_ok() {
                    text.push(b'\n');
                }
            }
            match page.next {
                Some(next) if text.is_empty() => after = Some(next),
                next if next.is_none() && text.is_empty() => return None,
                next => return Some((Ok(text.into()), (app, wanted, next.map(Some)))),
            }
            tokio::task::yield_now().await;
        }
    })
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Watched {
    /// With commas between.
    kinds: Option<String>,
    domain: Option<String>,
    aor: Option<String>,
}

pub(super) async fn events(
    State(app): State<App>,
    headers: HeaderMap,
    query: Result<Query<Watched>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Failed> {
    let Query(watched) = query.map_err(|error| Failed::bad("bad-query", error.body_text()))?;
    let kinds = watched.kinds.as_deref().map(kinds).transpose()?.unwrap_or_default();
    if app.handles.events.readers() >= WATCHERS {
        let says = format!("{WATCHERS} watch already");
        return Err(Failed::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-watchers", says));
    }
    let watching = Watching { reader: app.handles.events.reader(from(&headers)?), kinds, watched };
    let stream = unfold((watching, app.stopping, true), async |(mut watching, mut stopping, is_first)| {
        let text = if is_first {
            // The head of the answer goes out with it.
            ":\n\n".to_owned()
        } else {
            tokio::select! {
                text = timeout(KEEPALIVE, watching.next()) => text.unwrap_or_else(|_| ":\n\n".to_owned()),
                _ = stopping.wait_for(|stopping| *stopping) => return None,
            }
        };
        Some((io::Result::Ok(Bytes::from(text)), (watching, stopping, false)))
    });
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(stream)).into_response())
}

struct Watching {
    reader: Reader,
    kinds: Vec<EventKind>,
    watched: Watched,
}

impl Watching {
    /// What has happened that is watched for, as server-sent events (HTML Living Standard §9.2.6).
    async fn next(&mut self) -> String {
        loop {
            let batch = self.reader.next(EVENTS).await;
            let mut text = String::new();
            if let Some(missed) = batch.missed
                && let Ok(json) = serde_json::to_string(&missed)
            {
                text += &format!("event: missed\ndata: {json}\n\n");
            }
            for event in batch.events.iter().filter(|event| self.fits(event)) {
                // What is made of numbers and texts can always be written.
                if let Ok(json) = serde_json::to_string(&**event) {
                    text += &format!("event: {}\nid: {}\ndata: {json}\n\n", event.kind.name(), event.id);
                }
            }
            if !text.is_empty() {
                return text;
            }
        }
    }

    fn fits(&self, event: &Event) -> bool {
        let Watched { domain, aor, .. } = &self.watched;
        let of = event.aor.as_deref();
        let domain_of = of.and_then(|aor| aor.rsplit_once('@')).map(|(_, domain)| domain);
        (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && domain.as_deref().is_none_or(|wanted| domain_of.is_some_and(|of| of.eq_ignore_ascii_case(wanted)))
            && aor.as_deref().is_none_or(|wanted| of == Some(wanted))
    }
}

/// Whoever was cut off says which event was its last (HTML Living Standard §9.2.4).
fn from(headers: &HeaderMap) -> Result<From, Failed> {
    let Some(last) = headers.get("last-event-id") else { return Ok(From::Now) };
    let id = last.to_str().ok().and_then(|id| id.parse().ok());
    id.map(From::After).ok_or_else(|| Failed::bad("bad-event-id", "Last-Event-ID is the id of an event"))
}

fn kinds(text: &str) -> Result<Vec<EventKind>, Failed> {
    let kind = |name: &str| EventKind::ALL.into_iter().find(|kind| kind.name() == name);
    let kinds: Option<Vec<_>> = text.split(',').map(kind).collect();
    let known = || EventKind::ALL.map(EventKind::name).join(", ");
    kinds.ok_or_else(|| Failed::bad("bad-kind", format!("the kinds are {}", known())))
}
