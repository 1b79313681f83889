//! HTTP as it is spoken to others.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

/// A connection unused for longer is closed: firewalls forget such ones without a word.
const IDLE: Duration = Duration::from_secs(60);

/// So much of an answer is read, so that the connection can be used again. What it says is not looked at.
pub(crate) const LONGEST_ANSWER: usize = 64 * 1024;

pub(crate) type Https = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Servers are checked by the system's certificate authorities, or by those in the file that `SSL_CERT_FILE` names.
/// Redirects are not followed, and proxies of the environment not used.
pub(crate) fn client() -> Result<Https, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    // With a provider named here, since a library must not choose one for the process.
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
    let http =
        Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).build(connector);
    Ok(http)
}

/// The error with its causes: the first says little.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
