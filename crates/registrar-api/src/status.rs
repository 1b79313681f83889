//! How the registrar is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the registrar is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Since when it serves.
    #[schema(format = DateTime)]
    pub started_at: String,
    /// For how many seconds.
    pub uptime: u64,
    /// What it does.
    pub state: State,
    /// How many workers it has.
    pub workers: u16,
    /// Where it listens.
    pub listeners: Vec<Listener>,
    /// The domains it serves; empty: every domain.
    pub domains: Vec<String>,
    /// The location table.
    pub location: LocationStatus,
    /// What else it depends on.
    pub backends: Vec<BackendStatus>,
    /// Who is told of events.
    pub webhooks: Vec<WebhookStatus>,
    /// The certificates it presents.
    pub certificates: Vec<CertificateStatus>,
    /// All counters that are not 0, as in the log.
    pub counters: BTreeMap<String, u64>,
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It serves.
    Serving,
    /// It answers what has arrived, and then stops.
    Draining,
}

/// Where it listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Listener {
    /// Its number, as bindings name it.
    pub id: u16,
    /// Transport and address.
    #[schema(example = "tls:192.0.2.1:5061")]
    pub leg: String,
    /// What others reach it by, if that is another address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertise: Option<String>,
}

/// The location table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LocationStatus {
    /// How bindings are kept: `memory`, `delayed` or `synced`.
    pub mode: String,
    /// Where, if on disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// How many there are.
    pub bindings: usize,
    /// How many there may be.
    pub max_bindings: usize,
    /// The memory that the table takes, in bytes, but for what the allocator adds.
    #[serde(default)]
    pub memory: usize,
    /// Why the last write failed, if nothing can be kept now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Something that others keep for us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackendStatus {
    /// Its name.
    #[schema(example = "users")]
    pub name: String,
    /// What it is.
    #[schema(example = "postgresql")]
    pub kind: String,
    /// Whether it answers.
    pub up: bool,
    /// What is wrong, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// How long its last answers took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u32>,
}

/// One who is told of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookStatus {
    /// Where it is, without the path.
    #[schema(example = "https://hooks.example.com")]
    pub url: String,
    /// Whether it took what it was sent last.
    pub up: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Events that it has taken.
    pub delivered: u64,
    /// Attempts that have failed.
    pub failed: u64,
    /// Events that it did not take in time, and will not be told.
    pub missed: u64,
    /// Events that have not been looked at for it yet.
    pub queued: u64,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateStatus {
    /// Its file.
    pub file: String,
    /// The names it is for.
    pub names: Vec<String>,
    /// When it ends.
    #[schema(format = DateTime)]
    pub not_after: String,
    /// In how many days; negative if it has ended.
    pub days_left: i64,
}
