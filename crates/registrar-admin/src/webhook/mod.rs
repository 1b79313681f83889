//! Events that are sent to whoever wants them, as the Standard Webhooks specification (1.0) has it.
//!
//! ```text
//!   EventLog ─▶ Reader ─▶ batch, at most 100 events ─▶ POST ─▶ 2xx: the next one
//!                           ▲──────── again, later ◀─────────── anything else
//! ```

mod client;
mod delivery;
mod pace;
mod sender;
mod tally;

pub(crate) use sender::Sender;
pub(crate) use tally::Tally;

use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderValue, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use registrar_api::EventKind;
use zeroize::Zeroizing;

/// One who is told of events.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    url: Uri,
    key: Arc<Zeroizing<Vec<u8>>>,
    kinds: Vec<EventKind>,
    domains: Vec<String>,
}

/// Why a text is no webhook. None repeats the URL or the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The URL cannot be read, or begins with something else.
    #[error("a webhook's url begins with http:// or https:// and names a host")]
    Url,
    /// It has a name and password before the host.
    #[error("a webhook's url has nothing before an @: what it is told is signed")]
    Userinfo,
    /// The secret is no base64, or can be guessed.
    #[error(
        "a webhook's secret is base64 of 24 to 64 bytes, with or without whsec_ before it: openssl rand -base64 32 makes one"
    )]
    Secret,
    /// There is no such kind of event.
    #[error("{0:?} is no kind of event: there are {1}")]
    Kind(String, String),
}

impl Webhook {
    /// One who is told of all events.
    ///
    /// # Errors
    /// The URL or the secret cannot be used.
    pub fn new(url: &str, secret: &str) -> Result<Self, WebhookError> {
        let url: Uri = url.parse().map_err(|_| WebhookError::Url)?;
        let (Some("http" | "https"), Some(authority)) = (url.scheme_str(), url.authority()) else {
            return Err(WebhookError::Url);
        };
        if authority.as_str().contains('@') {
            return Err(WebhookError::Userinfo);
        }
        if authority.host().is_empty() || HeaderValue::from_str(authority.as_str()).is_err() {
            return Err(WebhookError::Url);
        }
        let secret = secret.trim_ascii();
        let key = Zeroizing::new(
            STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).map_err(|_| WebhookError::Secret)?,
        );
        if !(24..=64).contains(&key.len()) {
            return Err(WebhookError::Secret);
        }
        Ok(Self { url, key: Arc::new(key), kinds: Vec::new(), domains: Vec::new() })
    }

    /// Of these kinds only, by their names.
    ///
    /// # Errors
    /// There is no such kind.
    pub fn kinds<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Result<Self, WebhookError> {
        for name in names {
            let kind = EventKind::ALL.into_iter().find(|kind| kind.name() == name);
            let known = || WebhookError::Kind(name.to_owned(), EventKind::ALL.map(EventKind::name).join(", "));
            self.kinds.push(kind.ok_or_else(known)?);
        }
        Ok(self)
    }

    /// Of addresses in these domains only. Events that are of no address are told all the same.
    #[must_use]
    pub fn domains(mut self, domains: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.domains.extend(domains.into_iter().map(Into::into));
        self
    }

    /// Its scheme and host. What stands behind may be a secret.
    fn place(&self) -> String {
        let authority = self.url.authority().map_or("", |authority| authority.as_str());
        format!("{}://{authority}", self.url.scheme_str().unwrap_or_default())
    }

    fn wants(&self, event: &registrar_api::Event) -> bool {
        let domain = event.aor.as_deref().and_then(|aor| aor.rsplit_once('@')).map(|(_, domain)| domain);
        (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && (self.domains.is_empty()
                || domain.is_none_or(|of| self.domains.iter().any(|wanted| of.eq_ignore_ascii_case(wanted))))
    }
}

/// What stands behind the host, and the key, may be secrets.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("place", &self.place()).field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn what_is_wrong_is_said_without_what_is_secret() {
        for (url, secret, wrong) in [
            ("ftp://example.com/x", SECRET, WebhookError::Url),
            ("/x", SECRET, WebhookError::Url),
            ("https://me:open@example.com/x", SECRET, WebhookError::Userinfo),
            ("https://example.com/x", "whsec_short", WebhookError::Secret),
            ("https://example.com/x", "bm90IGxvbmcgZW5vdWdo", WebhookError::Secret),
        ] {
            assert_eq!(Webhook::new(url, secret).unwrap_err(), wrong, "{url}");
        }
        let hook = Webhook::new("https://example.com/token-17", SECRET).unwrap();
        let shown = format!("{hook:?} {}", hook.place());
        assert!(shown.contains("https://example.com") && !shown.contains("17") && !shown.contains("MfKQ"), "{shown}");
        assert!(matches!(hook.kinds(["gone"]), Err(WebhookError::Kind(..))));
    }
}
