//! How requests ended, and what to do about it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Binding;

/// How a request ended, or several in a row that ended alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// When the last of them ended.
    #[schema(format = DateTime)]
    pub at: String,
    /// When the first of them did, if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub since: Option<String>,
    /// How many there were.
    pub count: u64,
    /// The method; left out if there was no request: a binding ended by itself, or the operator changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "REGISTER")]
    pub method: Option<String>,
    /// The address in To.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aor: Option<String>,
    /// The status that was answered; left out if nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The reason code.
    #[schema(example = "wrong-password")]
    pub reason: String,
    /// What it means, and what the phone or the operator can do about it.
    pub says: String,
    /// Where the last of them came from.
    pub source: String,
    /// The transport it came over.
    pub transport: String,
    /// Its Call-ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// Its User-Agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// Why an address of record is, or is not, reachable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Why {
    /// The address.
    pub aor: String,
    /// In a sentence: whether it can be reached now, and if not, why.
    pub summary: String,
    /// What to do, the most likely first.
    pub advice: Vec<Advice>,
    /// Its bindings.
    pub bindings: Vec<Binding>,
    /// How its last requests ended, the newest first.
    pub outcomes: Vec<Outcome>,
}

/// Something that somebody can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Advice {
    /// The reason code it follows from.
    pub reason: String,
    /// What it means, and what to do.
    pub says: String,
}

/// A reason, as in the table of all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonText {
    /// The stable code.
    pub code: String,
    /// The status with which it is usually answered; left out if nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What it means, and what the phone or the operator can do about it.
    pub says: String,
}
