//! HTTP as a sender speaks it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::Webhook;
use super::delivery::Delivery;
use crate::http::{self, Https, LONGEST_ANSWER, causes};

/// How long an attempt may take, its answer included.
const DEADLINE: Duration = Duration::from_secs(10);

/// Why an attempt failed.
pub(super) struct Failure {
    pub(super) says: String,
    /// When the receiver wants to be asked again.
    pub(super) retry_after: Option<Duration>,
}

pub(super) struct Client(Https);

impl Client {
    pub(super) fn new() -> Result<Self, rustls::Error> {
        http::client().map(Self)
    }

    /// One attempt. It succeeds with any 2xx.
    pub(super) async fn post(&self, hook: &Webhook, delivery: &Delivery) -> Result<(), Failure> {
        let answered = timeout(DEADLINE, self.answer(hook, delivery)).await;
        let failed = |says| Failure { says, retry_after: None };
        let response = answered.map_err(|_| failed(format!("no answer in {} s", DEADLINE.as_secs())))?;
        let response = response.map_err(failed)?;
        if response.status().is_success() {
            return Ok(());
        }
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Err(Failure {
            says: format!("it answers {}", response.status()),
            retry_after: seconds.map(Duration::from_secs),
        })
    }

    async fn answer(&self, hook: &Webhook, delivery: &Delivery) -> Result<Response<()>, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let request = Request::post(&hook.url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &delivery.id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", delivery.signature(&hook.key, now))
            .body(Full::from(delivery.body.clone()))
            .map_err(|error| error.to_string())?;
        let response: Response<Incoming> = self.0.request(request).await.map_err(|error| causes(&error))?;
        let (head, body) = response.into_parts();
        // An answer is one, however much stands behind it.
        let _ = Limited::new(body, LONGEST_ANSWER).collect().await;
        Ok(Response::from_parts(head, ()))
    }
}
