//! Users behind a web service.

mod answer;
mod template;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use sip_dispatch::BoxFuture;
use sip_registrar::auth::Account;

use crate::{Source, SourceError, User};
use template::Template;

/// A longer answer is none.
const LONGEST_BODY: usize = 64 * 1024;

/// A connection unused for longer is closed: firewalls forget such ones without a word.
const IDLE: Duration = Duration::from_secs(60);

/// Where the web service is, and how it is asked.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// `https://users.example.com/{domain}/{username}`: with `{username}`, `{domain}` and `{realm}` where these are to
    /// stand, in the path or the query; every byte but letters, digits, `-`, `_`, `.` and `~` is percent-encoded.
    pub url: String,
    /// How.
    pub method: Method,
    /// The token of `Authorization: Bearer`.
    pub bearer: Option<String>,
}

/// How a web service is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// GET: all is in the URL, which therefore has to say `{username}`.
    #[default]
    Get,
    /// POST, with `{"username": …, "domain": …, "realm": …}` as body: names stay out of the logs of proxies.
    Post,
}

impl HttpConfig {
    /// With GET, and no token.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), method: Method::Get, bearer: None }
    }
}

/// The token is a secret.
impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bearer = self.bearer.as_ref().map(|_| "secret");
        f.debug_struct("HttpConfig").field("method", &self.method).field("bearer", &bearer).finish_non_exhaustive()
    }
}

/// What is wrong with a [`HttpConfig`]. No text repeats the URL or the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The URL begins with something else.
    #[error("the url of the web service has to begin with http:// or https://")]
    Scheme,
    /// The URL cannot be read.
    #[error("the url of the web service cannot be read: {0}")]
    Url(String),
    /// It has a name and password before the host.
    #[error("the url of the web service has something before an @: write a token as bearer instead")]
    Userinfo,
    /// Something in braces that is not known.
    #[error("{{{0}}} in the url is none of {{username}}, {{domain}}, {{realm}}")]
    Placeholder(String),
    /// A brace without its other half.
    #[error("the url has a {{ without a }}")]
    Brace,
    /// A stranger would choose the host that is asked.
    #[error("{{{0}}} stands before the path of the url: it may be in the path or behind the ?")]
    InHost(String),
    /// The URL is the same for every user.
    #[error("the url does not say {{username}}, and GET says nothing else")]
    NoUsername,
    /// Not to be written in a header.
    #[error("the bearer token has characters that no header may have")]
    Token,
    /// No certificates to check a server by.
    #[error("the system's certificate authorities cannot be read, and https:// needs them: {0}")]
    Roots(String),
}

/// Users behind a web service (HTTP/1.1).
///
/// | answer | means |
/// |---|---|
/// | 200 with JSON | the user |
/// | 404, 204 | there is none |
/// | anything else, a body that is no such JSON or over 64 kB | the service is not well |
///
/// ```json
/// {"username": "alice",
///  "password": "as it is",
///  "ha1":  {"MD5": "hex of MD5(username:realm:password)", "SHA-256": "…", "SHA-512-256": "…"},
///  "ha1b": {"MD5": "the same of username@domain"},
///  "may_register": ["sales@example.com", "*@example.org"],
///  "algorithms": ["SHA-256", "MD5"]}
/// ```
///
/// Everything may be left out; other fields are not looked at. A `username` that differs from the one asked for means
/// that there is no such user: the service compares without regard to case, and phones must not. Redirects are not
/// followed and proxies of the environment are not used: who is asked is written in the configuration and nowhere else.
/// `https` is checked by the system's certificate authorities, or by those in the file that `SSL_CERT_FILE` names.
pub struct HttpSource {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    template: Template,
    method: Method,
    bearer: Option<HeaderValue>,
}

impl HttpSource {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// The URL or the token cannot be used.
    pub fn new(config: &HttpConfig) -> Result<Self, HttpError> {
        let template = Template::new(&config.url)?;
        if config.method == Method::Get && !template.says_username() {
            return Err(HttpError::NoUsername);
        }
        let bearer = config.bearer.as_ref().map(|token| {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| HttpError::Token)?;
            value.set_sensitive(true);
            Ok(value)
        });
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls(template.is_https())?);
        let connector = builder.https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self { client, template, method: config.method, bearer: bearer.transpose()? })
    }

    async fn look_up(&self, user: &User) -> Result<Option<Account>, SourceError> {
        if matches!(user.name(), "." | "..") {
            // Servers read them as steps on a path, however they are encoded.
            return Ok(None);
        }
        let request = || self.request(user).map_err(|error| SourceError::Misconfigured(error.to_string()));
        let response = match self.client.request(request()?).await {
            // The service may have closed a kept connection at the same moment. To ask twice does no harm.
            Err(error) if !error.is_connect() => self.client.request(request()?).await,
            response => response,
        };
        let response = response.map_err(|error| unavailable(&error))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::NO_CONTENT => return Ok(None),
            status => return Err(SourceError::Unavailable(format!("the web service answers {status}"))),
        }
        let body = Limited::new(response.into_body(), LONGEST_BODY).collect().await;
        let body = body.map_err(|error| unavailable(&*error))?.to_bytes();
        answer::read(user, &body)
    }

    fn request(&self, user: &User) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let request = Request::builder().uri(self.template.fill(user)).header(ACCEPT, "application/json");
        let mut request = match self.method {
            Method::Get => request.body(Full::default()),
            Method::Post => {
                let body = serde_json::json!({
                    "username": user.name(),
                    "domain": user.domain(),
                    "realm": user.realm(),
                });
                request
                    .method(hyper::Method::POST)
                    .header(CONTENT_TYPE, "application/json")
                    .body(Full::from(body.to_string()))
            }
        }?;
        if let Some(bearer) = &self.bearer {
            request.headers_mut().insert(AUTHORIZATION, bearer.clone());
        }
        Ok(request)
    }
}

/// With a provider named here, since a library must not choose one for the process.
fn tls(is_used: bool) -> Result<ClientConfig, HttpError> {
    let mut roots = RootCertStore::empty();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpError::Roots(error.to_string()))?;
    if is_used {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let why = found.errors.first().map_or_else(|| "there are none".to_owned(), ToString::to_string);
            return Err(HttpError::Roots(why));
        }
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The error with its causes: the first says little.
fn unavailable(error: &(dyn std::error::Error + 'static)) -> SourceError {
    let causes = std::iter::successors(Some(error), |error| error.source());
    SourceError::Unavailable(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

impl Source for HttpSource {
    fn fetch<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<Account>, SourceError>> {
        Box::pin(self.look_up(user))
    }
}

impl fmt::Debug for HttpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpSource")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown_and_has_no_line_end() {
        let mut config = HttpConfig::new("http://127.0.0.1/{username}");
        config.bearer = Some("open-sesame".to_owned());
        let source = HttpSource::new(&config).unwrap();
        assert!(!format!("{config:?} {source:?}").contains("sesame"));
        config.bearer = Some("open\nsesame".to_owned());
        assert_eq!(HttpSource::new(&config).unwrap_err(), HttpError::Token);
    }

    #[test]
    fn a_url_for_all_users_needs_post() {
        let mut config = HttpConfig::new("http://127.0.0.1/users");
        assert_eq!(HttpSource::new(&config).unwrap_err(), HttpError::NoUsername);
        config.method = Method::Post;
        assert!(HttpSource::new(&config).is_ok());
    }
}
