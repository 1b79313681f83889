//! SIP messages in the log, a few of them and without their secrets.

mod redact;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use sip_dispatch::Outcome;
use sip_message::header::To;
use sip_registrar::Aor;
use sip_transport::IpNet;

use crate::per_second::PerSecond;

/// How many requests are logged in a second, each with its answer.
const REQUESTS_PER_SECOND: u64 = 100;

/// Which messages are logged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The first of each so many requests, with its answer; 0: none.
    pub(crate) every: u64,
    /// Only those of these; empty: all.
    pub(crate) of: Vec<Of>,
}

/// Whose messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// Of an address of record, in its canonical form.
    Address(String),
    /// That come from there.
    Network(IpNet),
}

impl Of {
    /// A network, an IP address, or an address of record.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Ok(network) = text.parse() {
            return Some(Self::Network(network));
        }
        if let Ok(address) = text.parse::<std::net::IpAddr>() {
            return Some(Self::Network(address.into()));
        }
        let mut buffer = Vec::new();
        let aor = Aor::parse(text, &mut buffer).ok().filter(|_| text.contains('@'))?;
        Some(Self::Address(aor.to_string()))
    }

    fn is_of(&self, outcome: &Outcome<'_>) -> bool {
        match self {
            Self::Network(network) => network.contains(&outcome.peer.remote.ip().to_canonical()),
            Self::Address(wanted) => {
                let to = outcome.message.header::<To<'_>>().ok().flatten();
                let mut buffer = Vec::new();
                to.and_then(|to| Aor::from_uri(&to.0.uri, &mut buffer).ok())
                    .is_some_and(|aor| aor.as_bytes() == wanted.as_bytes())
            }
        }
    }
}

impl std::fmt::Display for Of {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Network(network) => network.fmt(f),
        }
    }
}

/// Logs them. What is wanted can be changed while it does.
#[derive(Debug)]
pub(crate) struct MessageLog {
    wanted: ArcSwapOption<Wanted>,
    /// Whether any are wanted, for the many requests of whom nobody wants to know.
    is_wanted: AtomicBool,
    seen: AtomicU64,
    limit: PerSecond,
}

impl MessageLog {
    pub(crate) fn new(wanted: &Wanted) -> Self {
        let log = Self {
            wanted: ArcSwapOption::empty(),
            is_wanted: AtomicBool::new(false),
            seen: AtomicU64::new(0),
            limit: PerSecond::new(REQUESTS_PER_SECOND),
        };
        log.set(wanted);
        log
    }

    /// From now on these are logged.
    pub(crate) fn set(&self, wanted: &Wanted) {
        self.wanted.store((wanted.every > 0).then(|| wanted.clone().into()));
        self.is_wanted.store(wanted.every > 0, Ordering::Relaxed);
    }

    pub(crate) fn write(&self, outcome: &Outcome<'_>) {
        if !self.is_wanted.load(Ordering::Relaxed) {
            return;
        }
        let wanted = self.wanted.load();
        let Some(wanted) = wanted.as_deref() else { return };
        if !wanted.of.is_empty() && !wanted.of.iter().any(|of| of.is_of(outcome)) {
            return;
        }
        if !self.seen.fetch_add(1, Ordering::Relaxed).is_multiple_of(wanted.every) {
            return;
        }
        let Some(left_out) = self.limit.admits(outcome.now.at.seconds()) else { return };
        if left_out > 0 {
            tracing::warn!(left_out, "SIP messages not logged: more than {REQUESTS_PER_SECOND} requests in a second");
        }
        tracing::info!(
            reason = outcome.reason.code(),
            source = %outcome.peer.remote,
            local = %outcome.peer.local,
            transport = outcome.peer.transport.name(),
            request = redact::message(outcome.message.bytes()),
            answer = outcome.answer.map(redact::message),
            "SIP message"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_messages_is_an_address_or_a_network() {
        let shown = |text| Of::parse(text).map(|of| of.to_string());
        assert_eq!(shown("alice@EXAMPLE.com").as_deref(), Some("sip:alice@example.com"));
        assert_eq!(shown("sip:alice@example.com").as_deref(), Some("sip:alice@example.com"));
        assert_eq!(shown("192.0.2.7").as_deref(), Some("192.0.2.7/32"));
        assert_eq!(shown("2001:db8::/32").as_deref(), Some("2001:db8::/32"));
        for text in ["", "alice", "example.com", "192.0.2.0/33", "tel:+49"] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
