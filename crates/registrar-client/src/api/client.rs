//! Each thing that can be asked.

use std::fmt::Write;

use hyper::Method;
use hyper::body::Incoming;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use registrar_api::{Aor, AorPage, Effective, Filter, Outcome, ReasonText, Reloaded, Removed, Status, Why};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::exchange::{Asked, ask, json, whole};
use super::lines::RawLines;
use super::{Error, EventFilter, Events, Lines, Target};

/// Everything but what RFC 3986 §2.3 leaves as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The API of one registrar. Each call opens a connection of its own; it wants a tokio runtime around it.
#[derive(Clone, Debug)]
pub struct Client(Target);

impl Client {
    /// The API there. Nothing is asked yet.
    #[must_use]
    pub fn connect(target: Target) -> Self {
        Self(target)
    }

    /// Where it is.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.0
    }

    /// How the registrar is.
    ///
    /// # Errors
    /// See [`Error`], here and below.
    pub async fn status(&self) -> Result<Status, Error> {
        self.get("/api/v1/status").await
    }

    /// One page of addresses.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn aors(&self, filter: &Filter) -> Result<AorPage, Error> {
        self.get(&listing(filter)).await
    }

    /// All addresses that fit, one after the other, however many there are.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn stream(&self, filter: &Filter) -> Result<Lines<Aor>, Error> {
        let filter = Filter { limit: None, after: None, ..filter.clone() };
        let body = self.body(&listing(&filter), "application/x-ndjson").await?;
        Ok(Lines::new(RawLines::new(self.0.to_string(), body)))
    }

    /// One address with its bindings.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn aor(&self, aor: &str) -> Result<Aor, Error> {
        self.get(&of(aor, "")).await
    }

    /// Why an address is, or is not, reachable.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn why(&self, aor: &str) -> Result<Why, Error> {
        self.get(&of(aor, "/why")).await
    }

    /// Removes one binding, or all of an address.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn remove(&self, aor: &str, contact: Option<&str>) -> Result<Removed, Error> {
        let query = contact.map(|contact| format!("?contact={}", utf8_percent_encode(contact, ESCAPED)));
        let path = of(aor, "/bindings") + &query.unwrap_or_default();
        self.change::<(), _>(Method::DELETE, &path, None).await
    }

    /// The last refusals, the newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn refusals(&self) -> Result<Vec<Outcome>, Error> {
        self.get("/api/v1/refusals").await
    }

    /// Every reason and what it means.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn reasons(&self) -> Result<Vec<ReasonText>, Error> {
        self.get("/api/v1/reasons").await
    }

    /// Ends a connection.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn kick(&self, flow: &str) -> Result<(), Error> {
        self.done(Method::DELETE, &format!("/api/v1/flows/{}", utf8_percent_encode(flow, ESCAPED))).await
    }

    /// The settings in force.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn effective(&self) -> Result<Effective, Error> {
        self.get("/api/v1/config").await
    }

    /// Has the configuration read again.
    ///
    /// # Errors
    /// See [`Error`]; one of [`Error::problems`] for each place in the file that is wrong.
    pub async fn reload(&self) -> Result<Reloaded, Error> {
        self.change::<(), _>(Method::POST, "/api/v1/reload", None).await
    }

    /// Has it answer what has arrived, and stop.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn drain(&self) -> Result<(), Error> {
        self.done(Method::POST, "/api/v1/drain").await
    }

    /// What happens from now on.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn events(&self, filter: &EventFilter) -> Result<Events, Error> {
        let kinds: Vec<_> = filter.kinds.iter().map(|kind| kind.name()).collect();
        let kinds = (!kinds.is_empty()).then(|| kinds.join(","));
        let fields = [("kinds", &kinds), ("domain", &filter.domain), ("aor", &filter.aor)];
        let path = format!("/api/v1/events{}", query(fields));
        let body = self.body(&path, "text/event-stream").await?;
        Ok(Events::new(RawLines::new(self.0.to_string(), body)))
    }

    /// The metrics, as Prometheus reads them.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn metrics(&self) -> Result<String, Error> {
        let asked = Asked { method: Method::GET, path: "/metrics", accept: "text/plain", body: None };
        let bytes = whole(&self.0, ask(&self.0, asked).await?).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.change::<(), T>(Method::GET, path, None).await
    }

    async fn change<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<T, Error> {
        let body = body.map(serde_json::to_vec).transpose();
        let body = body.map_err(|error| Error::Strange { target: self.0.to_string(), what: error.to_string() })?;
        let asked = Asked { method, path, accept: "application/json", body };
        json(&self.0, ask(&self.0, asked).await?).await
    }

    /// The same where the answer does not matter.
    async fn done(&self, method: Method, path: &str) -> Result<(), Error> {
        let asked = Asked { method, path, accept: "application/json", body: None };
        whole(&self.0, ask(&self.0, asked).await?).await.map(drop)
    }

    async fn body(&self, path: &str, accept: &'static str) -> Result<Incoming, Error> {
        let asked = Asked { method: Method::GET, path, accept, body: None };
        Ok(ask(&self.0, asked).await?.into_body())
    }
}

/// An address as people write it, as the API wants it: `alice@example.com` becomes `sip:alice@example.com`.
#[must_use]
pub fn full_address(aor: &str) -> String {
    let has_scheme = ["sip:", "sips:", "tel:"]
        .iter()
        .any(|scheme| aor.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    if has_scheme { aor.to_owned() } else { format!("sip:{aor}") }
}

fn of(aor: &str, what: &str) -> String {
    format!("/api/v1/aors/{}{what}", utf8_percent_encode(&full_address(aor), ESCAPED))
}

fn listing(filter: &Filter) -> String {
    let limit = filter.limit.map(|limit| limit.to_string());
    let fields = [
        ("domain", &filter.domain),
        ("user", &filter.user),
        ("contact", &filter.contact),
        ("source", &filter.source),
        ("transport", &filter.transport),
        ("user_agent", &filter.user_agent),
        ("limit", &limit),
        ("after", &filter.after),
    ];
    format!("/api/v1/aors{}", query(fields))
}

fn query<'a>(fields: impl IntoIterator<Item = (&'a str, &'a Option<String>)>) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        if let Some(value) = value {
            let mark = if text.is_empty() { '?' } else { '&' };
            // Writing to a string cannot fail.
            let _ = write!(text, "{mark}{name}={}", utf8_percent_encode(value, ESCAPED));
        }
    }
    text
}
