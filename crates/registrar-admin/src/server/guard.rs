//! Who is let in, how often, and what is written down of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;

use super::error::Failed;
use super::tokens::{self, Scope, Token};

/// Requests in a second, and at once, for all who come by one door.
const RATE: f64 = 100.0;
const BURST: f64 = 200.0;

/// How long a request may take to its answer's beginning.
const PATIENCE: Duration = Duration::from_secs(10);

/// A listener's rules.
pub(super) struct Door {
    kind: Kind,
    bucket: Mutex<(f64, Instant)>,
}

enum Kind {
    /// The file's mode says who may open it.
    Unix,
    /// Whoever has a token; none: whoever is on this machine, but no web page that a browser shows there.
    Tcp(Vec<Token>),
}

impl Door {
    pub(super) fn unix() -> Arc<Self> {
        Self::new(Kind::Unix)
    }

    pub(super) fn tcp(tokens: Vec<Token>) -> Arc<Self> {
        Self::new(Kind::Tcp(tokens))
    }

    fn new(kind: Kind) -> Arc<Self> {
        Arc::new(Self { kind, bucket: Mutex::new((BURST, Instant::now())) })
    }

    /// Who it is, for the audit.
    fn admits(&self, request: &Request) -> Result<String, Failed> {
        let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
        let Kind::Tcp(tokens) = &self.kind else { return Ok("unix socket".to_owned()) };
        let writes = !matches!(*request.method(), Method::GET | Method::HEAD);
        if tokens.is_empty() {
            // A web page may send requests to any address of this machine, under any name for it: it says where it is
            // from, or by which name it came.
            return if header(header::ORIGIN).is_some() || !header(header::HOST).is_some_and(is_this_machine) {
                let says = "web pages are not served, and the Host must be an IP address or localhost";
                Err(Failed::new(StatusCode::FORBIDDEN, "not-from-browsers", says))
            } else {
                Ok("loopback".to_owned())
            };
        }
        let bearer = header(header::AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
        });
        match bearer.and_then(|token| tokens::find(tokens, token)) {
            None => Err(Failed::new(StatusCode::UNAUTHORIZED, "no-token", "send Authorization: Bearer with a token")),
            Some((_, Scope::Read)) if writes => {
                Err(Failed::new(StatusCode::FORBIDDEN, "read-only", "this token may not change anything"))
            }
            Some((number, _)) => Ok(format!("token {}", number + 1)),
        }
    }

    /// Whether there have not been too many requests.
    fn has_room(&self, now: Instant) -> bool {
        let mut bucket = self.bucket.lock();
        let (tokens, last) = *bucket;
        let tokens = (tokens + now.duration_since(last).as_secs_f64() * RATE).min(BURST);
        *bucket = ((tokens - 1.0).max(tokens.min(0.0)), now);
        tokens >= 1.0
    }
}

/// Lets a request in, and writes down what it changed.
pub(super) async fn guard(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let writes = !matches!(method, Method::GET | Method::HEAD);
    let admitted = if door.has_room(Instant::now()) {
        door.admits(&request)
    } else {
        Err(Failed::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "ask less often"))
    };
    let who = admitted.as_ref().map_or("nobody", String::as_str).to_owned();
    let mut response = match admitted {
        Ok(_) => match tokio::time::timeout(PATIENCE, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Failed::new(StatusCode::SERVICE_UNAVAILABLE, "too-slow", "it took too long").into_response(),
        },
        Err(failed) => failed.into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if writes {
        let status = response.status().as_u16();
        // As a debug text, so that no path can look like another line of the log.
        tracing::info!(target: "audit", who, %method, path = format!("{path:?}"), status, "asked to change something");
    }
    response
}

/// Whether a Host is an IP address or `localhost`, with or without a port.
fn is_this_machine(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_anybody_can_point_here_are_not_this_machine() {
        for host in ["127.0.0.1:8060", "[::1]:8060", "localhost", "LOCALHOST:1", "192.0.2.1"] {
            assert!(is_this_machine(host.as_bytes()), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example:8060", "", "[evil]:1"] {
            assert!(!is_this_machine(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn there_is_room_for_a_burst_and_then_for_the_rate() {
        let door = Door::unix();
        let start = door.bucket.lock().1;
        let admitted = |at: Instant| (0..1000).filter(|_| door.has_room(at)).count();
        assert_eq!(admitted(start), 200);
        assert_eq!(admitted(start + Duration::from_secs(1)), 100);
        assert_eq!(admitted(start + Duration::from_secs(100)), 200);
    }
}
