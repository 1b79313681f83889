//! HTTP as a sender speaks it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

use super::Webhook;
use super::delivery::Delivery;

/// How long an attempt may take, its answer included.
const DEADLINE: Duration = Duration::from_secs(10);

/// A connection unused for longer is closed: firewalls forget such ones without a word.
const IDLE: Duration = Duration::from_secs(60);

/// So much of an answer is read, so that the connection can be used again. What it says is not looked at.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Why an attempt failed.
pub(super) struct Failure {
    pub(super) says: String,
    /// When the receiver wants to be asked again.
    pub(super) retry_after: Option<Duration>,
}

pub(super) struct Client {
    http: HyperClient<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Client {
    /// Servers are checked by the system's certificate authorities, or by those in the file that `SSL_CERT_FILE` names.
    /// Redirects are not followed, and proxies of the environment not used.
    pub(super) fn new() -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        // With a provider named here, since a library must not choose one for the process.
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        let http = HyperClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self { http })
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
        let response: Response<Incoming> = self.http.request(request).await.map_err(|error| causes(&error))?;
        let (head, body) = response.into_parts();
        // An answer is one, however much stands behind it.
        let _ = Limited::new(body, LONGEST_ANSWER).collect().await;
        Ok(Response::from_parts(head, ()))
    }
}

/// The error with its causes: the first says little.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
