//! Addresses of record and their bindings.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An address of record and where its user can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Aor {
    /// The address in canonical form (RFC 3261 §10.3): `sip:alice@example.com`.
    #[schema(example = "sip:alice@example.com")]
    pub aor: String,
    /// Its bindings, the most preferred first. Empty where only its history is known.
    pub bindings: Vec<Binding>,
}

/// A binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Binding {
    /// The Contact as the phone wrote it, without `expires`.
    #[schema(example = "<sip:alice@192.0.2.7:5060>;q=0.5")]
    pub contact: String,
    /// The URI in it.
    #[schema(example = "sip:alice@192.0.2.7:5060")]
    pub uri: String,
    /// Whether callers are sent there.
    pub state: BindingState,
    /// Seconds until it ends.
    #[schema(format = Int64)]
    pub expires_in: u32,
    /// When it ends.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// For how many seconds it was granted.
    #[schema(format = Int64)]
    pub granted: u32,
    /// When it was registered or renewed last.
    #[schema(format = DateTime)]
    pub registered_at: String,
    /// The preference in thousandths (RFC 3261 §20.10): 0 to 1000.
    #[schema(minimum = 0, maximum = 1000)]
    pub q: u16,
    /// The address the REGISTER came from, as observed.
    #[schema(example = "198.51.100.4:49152")]
    pub source: String,
    /// The transport it came over: `udp`, `tcp`, `tls`, `ws` or `wss`.
    #[schema(example = "tls")]
    pub transport: String,
    /// The listener it came by, by its number in the list of those configured.
    pub leg: u16,
    /// The connection it came over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "0-12-1")]
    pub flow: Option<String>,
    /// Whether it ends with that connection.
    pub follows_flow: bool,
    /// Whether the Contact names another address than it came from, so that there is a NAT between.
    pub nat: bool,
    /// `+sip.instance` (RFC 5626).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// `reg-id` (RFC 5626).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reg_id: Option<u32>,
    /// The Path (RFC 3327).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The Call-ID of the request that made it.
    pub call_id: String,
    /// The CSeq of that request.
    pub cseq: u32,
    /// The User-Agent of that request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "baresip v3.1.0")]
    pub user_agent: Option<String>,
    /// How long a message takes to the phone and back, in milliseconds, where it has been measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_ms: Option<u32>,
}

/// Whether callers are sent to a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BindingState {
    /// They are.
    Reachable,
    /// They are not: its connection has ended, and it goes soon unless its phone comes back.
    Suspect,
}

/// Which addresses are listed: all that fit everything that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// The domain: whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// A part of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A part of a contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The address a binding came from, or a network such as `192.0.2.0/24`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The transport: `udp`, `tcp`, `tls`, `ws` or `wss`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// A part of the User-Agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// How many addresses at most (100; at most 1,000). Streams of JSON lines take no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// Where to go on: what the last page gave as `next`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A part of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AorPage {
    /// The addresses, in an order that stays the same while they do.
    pub aors: Vec<Aor>,
    /// What to ask for as `after`; left out at the end. A page may be empty and not the last, where few addresses fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A binding that no phone has to renew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddBinding {
    /// A URI, or a Contact with its parameters.
    #[schema(example = "<sip:gateway@192.0.2.9;transport=tcp>;q=0.3")]
    pub contact: String,
    /// For how many seconds; without it, for as long as it can be said: 136 years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Int64, minimum = 1, maximum = 4_294_967_295_u32)]
    pub expires: Option<u32>,
    /// Path values, comma-joined (RFC 3327): the way to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// What was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Removed {
    /// The address of record.
    pub aor: String,
    /// The contacts that are gone.
    pub removed: Vec<String>,
    /// How many are left.
    pub left: usize,
}
