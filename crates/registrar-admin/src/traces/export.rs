//! Sends spans.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, Full, Limited};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use super::span::{Span, request};
use super::{TraceCounts, TracesConfig};
use crate::http::{self, Https, LONGEST_ANSWER, causes};

/// How many are sent at once, and how long the first of them waits for others.
const AT_ONCE: usize = 512;
const GATHER: Duration = Duration::from_secs(1);

/// How long sending may take, its answer included.
const DEADLINE: Duration = Duration::from_secs(5);

/// Until nobody makes spans any more.
pub(super) async fn run(config: TracesConfig, mut queue: Receiver<Span>, counts: TraceCounts) {
    let place = config.place();
    let client = match http::client() {
        Ok(client) => client,
        Err(error) => return tracing::error!(endpoint = place, %error, "no spans are sent: there is no TLS for it"),
    };
    let mut was_taken = true;
    let mut batch = Vec::new();
    while let Some(first) = queue.recv().await {
        batch.push(first);
        let more = async { while batch.len() < AT_ONCE && queue.recv_many(&mut batch, AT_ONCE).await > 0 {} };
        // What has come by then is enough.
        let _ = timeout(GATHER, more).await;
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let sent = timeout(DEADLINE, post(&client, &config, &batch)).await;
        match sent.unwrap_or_else(|_| Err(format!("no answer in {} s", DEADLINE.as_secs()))) {
            Ok(()) => {
                counts.0.sent.fetch_add(spans, Ordering::Relaxed);
                if !was_taken {
                    tracing::info!(endpoint = place, "spans are taken again");
                }
                was_taken = true;
            }
            Err(error) => {
                counts.0.dropped.fetch_add(spans, Ordering::Relaxed);
                if was_taken {
                    tracing::warn!(endpoint = place, error, "spans are not taken, and dropped");
                }
                was_taken = false;
            }
        }
        batch.clear();
    }
}

async fn post(client: &Https, config: &TracesConfig, batch: &[Span]) -> Result<(), String> {
    let body = request(batch).to_string();
    let request = Request::post(&config.endpoint).header(CONTENT_TYPE, "application/json");
    let request = request.body(Full::from(body)).map_err(|error| error.to_string())?;
    let response = client.request(request).await.map_err(|error| causes(&error))?;
    let (head, body) = response.into_parts();
    // An answer is one, however much stands behind it.
    let _ = Limited::new(body, LONGEST_ANSWER).collect().await;
    if head.status.is_success() { Ok(()) } else { Err(format!("it answers {}", head.status)) }
}
