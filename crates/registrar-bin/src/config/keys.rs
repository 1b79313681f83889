//! Every setting by its name: what it is, where it comes from, and whether it can be changed while the registrar runs.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::Path;

use location_durable::Mode;
use registrar_admin::{AdminConfig, TracesConfig};
use sip_dispatch::MaddrPolicy;
use sip_registrar::{Eviction, ForeignDomain};
use toml::de::{DeTable, DeValue};

use super::{AuthSettings, Keep, Listener, Settings, Store, UsersSource, line_of};
use crate::cli::ServeArgs;

/// One setting; a table of which nothing is shown by itself counts as one.
pub(crate) struct Key {
    /// As in the file: `registrar.max_expires`.
    pub(crate) name: &'static str,
    /// Whether a reload changes it.
    pub(crate) live: bool,
    /// The option of the command line that sets it, too.
    option: Option<&'static str>,
    /// Its value for people, without secrets.
    pub(crate) value: fn(&Settings) -> String,
    /// Whether it is another.
    pub(crate) differs: fn(&Settings, &Settings) -> bool,
}

macro_rules! keys {
    ($($name:literal, $live:literal, $option:expr, $($field:ident).+, |$value:ident| $show:expr;)*) => {
        /// All of them, in the order of the manual.
        pub(crate) const KEYS: &[Key] = &[$(Key {
            name: $name,
            live: $live,
            option: $option,
            value: |settings| {
                let $value = &settings.$($field).+;
                $show
            },
            differs: |a, b| a.$($field).+ != b.$($field).+,
        },)*];
    };
}

keys! {
    "listen", true, Some("--listen"), listen,
        |listen| listen.as_ref().map_or_else(|| "the loopback addresses".to_owned(), |all| specs(all));
    "domains", true, Some("--domain"), domains, |domains| list(domains);
    "workers", false, None, workers, |n| n.map_or_else(|| "one for each processor".to_owned(), |n| n.to_string());
    "log.level", true, Some("--log"), log.level, |value| text(value);
    "log.format", false, None, log.json, |json| text(if *json { "json" } else { "text" });
    "log.sip_every", true, None, log.messages.every, |value| number(value);
    "log.sip_of", true, None, log.messages.of, |of| list(of.iter().map(ToString::to_string));
    "registrar.min_expires", true, None, registrar.limits.min_expires, |value| number(value);
    "registrar.max_expires", true, None, registrar.limits.max_expires, |value| number(value);
    "registrar.default_expires", true, None, registrar.limits.default_expires, |value| number(value);
    "registrar.jitter", true, None, registrar.limits.jitter, |value| number(value);
    "registrar.max_contacts", true, None, registrar.limits.max_contacts, |value| number(value);
    "registrar.eviction", true, None, registrar.limits.eviction, |eviction| of_eviction(*eviction);
    "registrar.max_bindings", true, None, registrar.max_bindings, |value| number(value);
    "registrar.foreign_domain", true, None, registrar.foreign_domain, |foreign| of_foreign(*foreign);
    "registrar.identity_param", true, None, registrar.identity_param, |name| maybe(name.as_ref());
    "registrar.redirect", true, None, registrar.redirect, |value| number(value);
    "throttle.per_source", true, None, throttle.source,
        |rate| rate.map_or_else(none, |rate| rate.per_second.to_string());
    "throttle.source_burst", true, None, throttle.source,
        |rate| rate.map_or_else(none, |rate| rate.burst.to_string());
    "throttle.per_network", true, None, throttle.network,
        |rate| rate.map_or_else(none, |rate| rate.per_second.to_string());
    "throttle.network_burst", true, None, throttle.network,
        |rate| rate.map_or_else(none, |rate| rate.burst.to_string());
    "sip.force_rport", true, None, route.force_rport, |value| number(value);
    "sip.maddr", true, None, route.maddr, |maddr| of_maddr(*maddr);
    "sip.server_header", true, None, server_header, |header| maybe(header.as_ref());
    "udp.gather", false, None, gather, |gather| gather.as_millis().to_string();
    "tcp.connections", true, None, connections,
        |n| n.map_or_else(|| "what file descriptors allow".to_owned(), |n| n.to_string());
    "tcp.connections_per_source", true, None, connections_per_source,
        |n| n.map_or_else(|| "the default of the manual".to_owned(), |n| n.to_string());
    "flows.follow", true, None, flows.follow, |value| number(value);
    "flows.grace", true, None, flows.grace, |grace| grace.as_secs().to_string();
    "flows.keep_reachable", true, None, flows.keep_reachable, |value| number(value);
    "flows.restart_grace", false, None, flows.restart_grace, |grace| grace.as_secs().to_string();
    "flows.keepalive", false, None, flows.keepalive,
        |after| after.map_or_else(|| "0".to_owned(), |after| after.as_secs().to_string());
    "flows.ping", false, None, flows.ping,
        |every| every.map_or_else(|| "0".to_owned(), |every| every.as_secs().to_string());
    "flows.ping_failures", false, None, flows.ping_failures, |value| number(value);
    "location.mode", false, Some("--location"), location.keep, |keep| of_keep(*keep);
    "location.interval", false, None, location.keep, |keep| of_interval(*keep);
    "location.directory", false, Some("--data-dir"), location.directory,
        |directory| maybe(directory.as_ref().map(|directory| directory.display()));
    "tls", true, Some("--certificate"), tls, |tls| if tls.is_empty() { none() } else { "set".to_owned() };
    "websocket.origins", true, None, origins, |origins| origins.as_ref().map_or_else(|| "any".to_owned(), list);
    "users", true, None, users, |users| of_users(users.as_ref());
    "auth", true, None, auth,
        |auth| if *auth == AuthSettings::default() { text("as by default") } else { text("set") };
    "admin", false, None, admin, |admin| of_admin(admin.as_ref());
    "traces", false, None, traces, |traces| of_traces(traces.as_ref());
}

/// Where settings come from: the command line, a line of the file, or nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origins {
    file: Option<String>,
    /// The lines of keys in the file, by their names with those of their tables before them.
    lines: HashMap<String, usize>,
    options: Vec<&'static str>,
}

impl Origins {
    /// Those of these arguments and their file, as it is now.
    pub(crate) fn of(args: &ServeArgs) -> Self {
        let options = [
            ("--listen", !args.listen.is_empty()),
            ("--domain", !args.domain.is_empty()),
            ("--log", args.log.is_some()),
            ("--location", args.location.is_some()),
            ("--data-dir", args.data_dir.is_some()),
            ("--certificate", args.certificate.is_some()),
        ];
        let options = options.into_iter().filter(|(_, is_there)| *is_there).map(|(option, _)| option).collect();
        let lines = args.config.as_deref().map(lines).unwrap_or_default();
        Self { file: args.config.as_ref().map(|file| file.display().to_string()), lines, options }
    }

    /// The file, if there is one.
    pub(crate) fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// `default`, a file with its line, or an option of the command line.
    pub(crate) fn of_key(&self, key: &Key) -> String {
        match (key.option.filter(|option| self.options.contains(option)), &self.file, self.lines.get(key.name)) {
            (Some(option), _, _) => option.to_owned(),
            (None, Some(file), Some(line)) => format!("{file}:{line}"),
            _ => "default".to_owned(),
        }
    }

    /// The file with the line of a key, if it is there.
    pub(crate) fn of_path(&self, path: &str) -> Option<String> {
        self.file.as_ref().zip(self.lines.get(path)).map(|(file, line)| format!("{file}:{line}"))
    }
}

/// The line of each key that is in the file.
fn lines(path: &Path) -> HashMap<String, usize> {
    let Ok(text) = std::fs::read_to_string(path) else { return HashMap::new() };
    let (table, _) = DeTable::parse_recoverable(&text);
    let mut lines = HashMap::new();
    let mut tables = vec![(String::new(), table.get_ref())];
    while let Some((prefix, table)) = tables.pop() {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            lines.insert(name.clone(), line_of(&text, value.span().start));
            if let DeValue::Table(inner) = value.get_ref() {
                tables.push((name + ".", inner));
            }
        }
    }
    lines
}

fn specs(all: &[Listener]) -> String {
    list(all.iter().map(|one| one.spec.to_string()))
}

fn of_eviction(eviction: Eviction) -> String {
    text(match eviction {
        Eviction::SoonestToExpire => "soonest-to-expire",
        Eviction::Refuse => "refuse",
    })
}

fn of_foreign(foreign: ForeignDomain) -> String {
    text(match foreign {
        ForeignDomain::NotFound => "not-found",
        ForeignDomain::Pass => "pass",
    })
}

fn of_maddr(maddr: MaddrPolicy) -> String {
    text(match maddr {
        MaddrPolicy::OnlySource => "only-source",
        MaddrPolicy::Obey => "obey",
    })
}

fn of_keep(keep: Keep) -> String {
    text(match keep {
        Keep::InMemory => "memory",
        Keep::OnDisk(Mode::Synced) => "synced",
        Keep::OnDisk(Mode::Delayed { .. }) => "delayed",
    })
}

fn of_interval(keep: Keep) -> String {
    match keep {
        Keep::OnDisk(Mode::Delayed { interval }) => interval.as_millis().to_string(),
        Keep::OnDisk(Mode::Synced) | Keep::InMemory => none(),
    }
}

/// Not the URL of a database: there may be a password in it.
fn of_users(users: Option<&UsersSource>) -> String {
    match users {
        None => none(),
        Some(UsersSource::File(file)) => text(&file.display().to_string()),
        Some(UsersSource::Remote { store: Store::Sql(_), .. }) => "a database".to_owned(),
        Some(UsersSource::Remote { store: Store::Http(_), .. }) => "a web service".to_owned(),
    }
}

fn of_admin(admin: Option<&AdminConfig>) -> String {
    admin.map_or_else(none, |admin| {
        let (listeners, tokens, webhooks) = (admin.listen.len().max(1), admin.tokens.len(), admin.webhooks.len());
        format!("{listeners} listeners, {tokens} tokens, {webhooks} webhooks")
    })
}

fn of_traces(traces: Option<&TracesConfig>) -> String {
    traces.map_or_else(none, |traces| format!("one of {} to {}", traces.every(), traces.place()))
}

fn text(text: &(impl AsRef<str> + ?Sized)) -> String {
    format!("{:?}", text.as_ref())
}

fn number(value: &impl Display) -> String {
    value.to_string()
}

fn none() -> String {
    "none".to_owned()
}

fn maybe(value: Option<impl Display>) -> String {
    value.map_or_else(none, |value| text(&value.to_string()))
}

fn list(values: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let values: Vec<_> = values.into_iter().map(|value| text(&value)).collect();
    format!("[{}]", values.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_setting_is_without_a_key() {
        // A new field shall have one: name it here as well.
        let Settings {
            listen: _,
            domains: _,
            workers: _,
            log: _,
            registrar: _,
            throttle: _,
            route: _,
            server_header: _,
            gather: _,
            connections: _,
            connections_per_source: _,
            users: _,
            auth: _,
            location: _,
            tls: _,
            origins: _,
            flows: _,
            admin: _,
            traces: _,
        } = Settings::default();
        let defaults = Settings::default();
        for key in KEYS {
            assert!(!(key.value)(&defaults).is_empty() && !(key.differs)(&defaults, &defaults), "{}", key.name);
        }
    }
}
