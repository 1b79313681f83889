//! What holds for each domain, and where that comes from.

use registrar_api::{DomainSettings, Setting};
use sip_registrar::auth::{Policy, UriMayDiffer};

use super::{KEYS, Key, Origins, Settings};

/// The keys that are the same for every domain and that its users feel.
const LIMITS: [&str; 6] = [
    "registrar.min_expires",
    "registrar.max_expires",
    "registrar.default_expires",
    "registrar.jitter",
    "registrar.max_contacts",
    "registrar.eviction",
];

/// What a domain may have of its own in `[auth.domain]`: its key and how it is shown.
type OfPolicy = (&'static str, fn(&Policy) -> String);

const POLICY: [OfPolicy; 6] = [
    ("realm", |policy| policy.realm.as_ref().map_or("the domain itself".to_owned(), |realm| format!("{realm:?}"))),
    ("algorithms", |policy| format!("{:?}", policy.algorithms.iter().map(|one| one.name()).collect::<Vec<_>>())),
    ("qop", |policy| format!("{:?}", policy.qops.iter().map(|qop| qop.name()).collect::<Vec<_>>())),
    ("qop_may_be_missing", |policy| policy.qop_may_be_missing.to_string()),
    ("uri_may_differ", |policy| {
        let name = match policy.uri_may_differ {
            UriMayDiffer::InRegister => "register",
            UriMayDiffer::Never => "never",
            UriMayDiffer::Always => "always",
        };
        format!("{name:?}")
    }),
    ("userhash", |policy| policy.userhash.to_string()),
];

/// Of each domain that is served; `*` where every domain is.
pub(crate) fn of_domains(settings: &Settings, origins: &Origins) -> Vec<DomainSettings> {
    let every = ["*".to_owned()];
    let domains = if settings.domains.is_empty() { &every[..] } else { &settings.domains };
    let of =
        |domain: &String| DomainSettings { domain: domain.clone(), settings: of_domain(domain, settings, origins) };
    domains.iter().map(of).collect()
}

fn of_domain(domain: &str, settings: &Settings, origins: &Origins) -> Vec<Setting> {
    let shown = |name: &'static str| {
        let setting = |key: &Key| Setting {
            key: name.to_owned(),
            value: (key.value)(settings),
            origin: origins.of_key(key),
            live: key.live,
        };
        KEYS.iter().find(|key| key.name == name).map(setting)
    };
    let mut all: Vec<_> = shown("domains").into_iter().chain(LIMITS.into_iter().filter_map(shown)).collect();
    all.extend(shown("users"));
    if settings.users.is_none() {
        return all;
    }
    let (pattern, policy) = settings.auth.policy_of(domain);
    for (key, show) in POLICY {
        let own = pattern.map(|pattern| format!("auth.domain.{pattern}.{key}"));
        let general = format!("auth.{key}");
        let origin = own.and_then(|own| origins.of_path(&own)).or_else(|| origins.of_path(&general));
        all.push(Setting {
            key: general,
            value: show(policy),
            origin: origin.unwrap_or_else(|| "default".to_owned()),
            live: true,
        });
    }
    all
}
