//! What happens, as it happens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that happened. Events come in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its number: greater than that of the event before, also of those before a restart.
    pub id: u64,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// What.
    pub kind: EventKind,
    /// The reason code; see `/api/v1/reasons`. That of a backend is the one with which requests end while it is down.
    pub reason: String,
    /// The address of record that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aor: Option<String>,
    /// The contact that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Seconds for which it was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Int64)]
    pub expires: Option<u32>,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The transport it came over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// The Call-ID of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// The User-Agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The status that was answered (`refused`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The name of the backend (`backend-up`, `backend-down`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// What is wrong with it (`backend-down`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// What an event tells of. Those of a binding come once for each binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A binding is new.
    Registered,
    /// A binding was renewed.
    Refreshed,
    /// A binding was removed, by its phone or by the operator.
    Removed,
    /// A binding was not renewed in time.
    Expired,
    /// A binding had to make room for another.
    Evicted,
    /// A connection has ended: its binding is suspect, or, with the reason `lost`, was removed.
    Lost,
    /// A request was refused.
    Refused,
    /// A store that others depend on can be reached again.
    BackendUp,
    /// A store that others depend on cannot be reached.
    BackendDown,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Registered,
        Self::Refreshed,
        Self::Removed,
        Self::Expired,
        Self::Evicted,
        Self::Lost,
        Self::Refused,
        Self::BackendUp,
        Self::BackendDown,
    ];

    /// The name in JSON, and that of the server-sent event.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Refreshed => "refreshed",
            Self::Removed => "removed",
            Self::Expired => "expired",
            Self::Evicted => "evicted",
            Self::Lost => "lost",
            Self::Refused => "refused",
            Self::BackendUp => "backend-up",
            Self::BackendDown => "backend-down",
        }
    }
}

/// A reader has missed events that are no longer there. The server-sent event is `missed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Missed {
    /// How many; left out if nobody knows: the registrar was started anew, or nobody had been watching for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<u64>,
}

/// What a webhook is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// So many events before these were not taken in time, and are not told any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<u64>,
    /// The events, in their order.
    pub events: Vec<Event>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_json() {
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
