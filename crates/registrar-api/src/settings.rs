//! What is configured.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The settings that are in force, and where each comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Effective {
    /// The configuration file, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The settings, in the order of the manual. Secrets are not shown.
    pub settings: Vec<Setting>,
    /// What holds for each domain.
    pub domains: Vec<DomainSettings>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Setting {
    /// Its name as in the file.
    #[schema(example = "registrar.max_expires")]
    pub key: String,
    /// Its value, as it would stand in the file.
    #[schema(example = "3600")]
    pub value: String,
    /// Where it comes from: `default`, a file with its line, or the command line.
    #[schema(example = "/etc/registrar.toml:12")]
    pub origin: String,
    /// Whether a reload changes it; if not, a restart does.
    pub live: bool,
}

/// What holds for the users of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DomainSettings {
    /// The domain as it is configured: a name, `*.example.com`, or `*`.
    pub domain: String,
    /// The settings.
    pub settings: Vec<Setting>,
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reloaded {
    /// The settings that have changed and are in force.
    pub applied: Vec<String>,
    /// Those that have changed in the file and need a restart; they stay as they were.
    pub needs_restart: Vec<String>,
    /// What should be looked at, though nothing is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}
