//! Settings that change while the registrar serves: read anew, checked as a whole, and only then put in force.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use registrar_api::{Effective, Reloaded, Setting};
use sip_dispatch::{Config, Rules};
use sip_registrar::Registrar;
use sip_transport::Control;

use crate::access::Access;
use crate::certificates::Certificates;
use crate::cli::ServeArgs;
use crate::config::{self, KEYS, Origins, Settings, UsersSource, Wrong};
use crate::counts::Counts;
use crate::guards::Guards;
use crate::journal::LogLevel;
use crate::location::Location;
use crate::message_log::MessageLog;
use crate::reread::Reread;
use crate::users::Users;
use crate::{assemble, serve};

/// Knows what is in force, and puts other settings in its place.
pub(crate) struct Reloader {
    args: ServeArgs,
    rules: Rules,
    level: LogLevel,
    messages: Arc<MessageLog>,
    control: Control,
    counts: Arc<Counts>,
    location: Arc<Location>,
    in_force: Mutex<InForce>,
}

struct InForce {
    settings: Settings,
    origins: Origins,
    config: Config,
    registrar: Registrar,
    access: Option<Access>,
    /// Their files are watched as long as this lives.
    certificates: Option<Reread>,
}

/// What the reloader begins with.
pub(crate) struct Start {
    pub(crate) args: ServeArgs,
    pub(crate) settings: Settings,
    pub(crate) access: Option<Access>,
    pub(crate) certificates: Option<Reread>,
    pub(crate) registrar: Registrar,
    pub(crate) level: LogLevel,
    pub(crate) messages: Arc<MessageLog>,
    pub(crate) control: Control,
    pub(crate) counts: Arc<Counts>,
    pub(crate) location: Arc<Location>,
}

impl Reloader {
    pub(crate) fn new(start: Start) -> Self {
        let Start { args, settings, access, certificates, registrar, level, messages, control, counts, location } =
            start;
        let config = assemble::dispatch_config(&settings);
        let rules = Rules::new(assemble::chain(&settings, guards(access.as_ref()), &registrar), config.clone());
        let origins = Origins::of(&args);
        let in_force = Mutex::new(InForce { settings, origins, config, registrar, access, certificates });
        Self { args, rules, level, messages, control, counts, location, in_force }
    }

    /// What every worker goes by.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The registrar as it is now.
    pub(crate) fn registrar(&self) -> Registrar {
        self.in_force().registrar.clone()
    }

    /// The domains that are served now.
    pub(crate) fn domains(&self) -> Vec<String> {
        self.in_force().settings.domains.clone()
    }

    /// How many bindings there may be now.
    pub(crate) fn max_bindings(&self) -> usize {
        self.in_force().settings.registrar.max_bindings
    }

    /// Reads everything again. What can be changed changes, all of it or, if anything is wrong, nothing.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(crate) fn reload(&self) -> Result<Reloaded, Wrong> {
        // One at a time.
        let mut in_force = self.in_force();
        let before = &in_force.settings;
        let wanted = config::from_args(&self.args)?;
        let changed = |live| {
            let keys = KEYS.iter().filter(move |key| key.live == live);
            keys.filter(|key| (key.differs)(before, &wanted)).map(|key| key.name.to_owned()).collect()
        };
        let (applied, needs_restart): (Vec<String>, Vec<String>) = (changed(true), changed(false));
        let settings = without_restart(before, wanted);

        let certificates = Certificates::open(&settings)?;
        let mut warnings = certificates.warnings();
        let access = reopened(&settings, &in_force, &mut warnings)?;
        let registrar = assemble::registrar_after(&settings, &in_force.registrar).map_err(Wrong::Text)?;
        let mut config = assemble::dispatch_config(&settings);
        if settings.throttle == before.throttle {
            // Who has used up his budget has not got another.
            config.throttle.clone_from(&in_force.config.throttle);
        }
        let connections = assemble::connections(&settings);
        warnings.extend(assemble::too_few_descriptors(&settings, connections.0));
        let legs = (settings.listen != before.listen).then(|| assemble::legs(&settings, &certificates));
        let legs = legs.as_ref().map(|legs| self.control.change_legs(legs)).transpose();
        let legs = legs.map_err(|error| serve::cannot_bind(&error))?;
        let presented = certificates.handles();
        let watched = legs.is_some().then(|| certificates.watch()).flatten().transpose();
        let watched = watched.map_err(|error| Wrong::Text(format!("error: threads: {error}")))?;

        // From here on nothing fails.
        self.rules.replace(assemble::chain(&settings, guards(access.as_ref()), &registrar), config.clone());
        self.control.limit_connections(connections.0, connections.1);
        self.location.limit(settings.registrar.max_bindings);
        if settings.log.level != before.log.level {
            self.level.set(&settings.log.level);
        }
        self.messages.set(&settings.log.messages);
        self.counts.set_users(access.as_ref().and_then(Access::store));
        if let Some(access) = &access {
            access.refresh();
        }
        let certificates = match legs {
            Some(legs) => {
                legs.apply();
                self.counts.set_certificates(presented);
                watched
            }
            None => {
                if let Some(certificates) = &in_force.certificates {
                    certificates.now();
                }
                in_force.certificates.take()
            }
        };
        *in_force = InForce { settings, origins: Origins::of(&self.args), config, registrar, access, certificates };
        Ok(Reloaded { applied, needs_restart, warnings })
    }

    /// The same for a signal: the log says what has become of it.
    pub(crate) fn reload_and_log(&self) {
        match self.reload() {
            Ok(Reloaded { applied, needs_restart, warnings }) => {
                for warning in warnings {
                    tracing::warn!("{warning}");
                }
                if !needs_restart.is_empty() {
                    tracing::warn!(keys = needs_restart.join(" "), "changed in the configuration, and need a restart");
                }
                tracing::info!(
                    changed = applied.join(" "),
                    "configuration read again; users and certificates are read again where they have files"
                );
            }
            Err(wrong) => {
                for problem in wrong.problems() {
                    let place = problem.file.zip(problem.line).map(|(file, line)| format!("{file}:{line}: "));
                    tracing::error!("{}{}", place.unwrap_or_default(), problem.message);
                }
                tracing::error!("the configuration was not taken: everything stays as it was");
            }
        }
    }

    /// The settings in force, and where each comes from.
    pub(crate) fn effective(&self) -> Effective {
        let in_force = self.in_force();
        let setting = |key: &config::Key| Setting {
            key: key.name.to_owned(),
            value: (key.value)(&in_force.settings),
            origin: in_force.origins.of_key(key),
            live: key.live,
        };
        Effective {
            file: in_force.origins.file().map(str::to_owned),
            settings: KEYS.iter().map(setting).collect(),
            domains: config::of_domains(&in_force.settings, &in_force.origins),
        }
    }

    fn in_force(&self) -> MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn guards(access: Option<&Access>) -> Option<Guards> {
    access.map(|access| access.guards.clone())
}

/// Who may register now. Users that are where they were are looked at, and read by who watches them.
fn reopened(settings: &Settings, in_force: &InForce, warnings: &mut Vec<String>) -> Result<Option<Access>, Wrong> {
    let Some(source) = &settings.users else { return Ok(None) };
    let before = &in_force.settings;
    let same = in_force.access.as_ref().filter(|_| (&before.users, &before.auth) == (&settings.users, &settings.auth));
    if same.is_none() || matches!(source, UsersSource::File(_)) {
        let users = Users::open(source, &settings.auth)?;
        warnings.extend_from_slice(users.warnings());
        if same.is_none() {
            return Ok(Some(Access::new(settings, users, in_force.access.as_ref())?));
        }
    }
    Ok(same.map(|same| same.again(settings)).transpose()?)
}

/// `wanted`, but with what there is `now` where a change needs a restart.
fn without_restart(now: &Settings, wanted: Settings) -> Settings {
    let mut settings = wanted;
    settings.workers = now.workers;
    settings.log.json = now.log.json;
    settings.location.clone_from(&now.location);
    settings.admin.clone_from(&now.admin);
    settings.traces.clone_from(&now.traces);
    settings.gather = now.gather;
    settings.flows.restart_grace = now.flows.restart_grace;
    settings.flows.keepalive = now.flows.keepalive;
    settings.flows.ping = now.flows.ping;
    settings.flows.ping_failures = now.flows.ping_failures;
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_live_is_taken_and_the_rest_stays() {
        let now = Settings::default();
        let mut wanted = now.clone();
        wanted.listen = Some(Vec::new());
        wanted.domains = vec!["example.com".to_owned()];
        wanted.workers = std::num::NonZeroU16::new(7);
        wanted.log.level = "debug".to_owned();
        wanted.log.json = true;
        wanted.registrar.limits.max_expires += 1;
        wanted.registrar.limits.max_contacts += 1;
        wanted.registrar.redirect = true;
        wanted.registrar.max_bindings += 1;
        wanted.server_header = Some("x".to_owned());
        wanted.route.force_rport = true;
        wanted.flows.follow = false;
        wanted.flows.ping_failures += 1;
        wanted.flows.keepalive = None;
        wanted.flows.restart_grace *= 2;
        wanted.gather *= 2;
        wanted.connections = Some(7);
        wanted.users = Some(UsersSource::File("users.toml".into()));
        wanted.auth.next_nonce = !wanted.auth.next_nonce;
        wanted.traces = registrar_admin::TracesConfig::new("http://127.0.0.1:4318", 1).ok();
        wanted.admin = Some(registrar_admin::AdminConfig::default());
        let settings = without_restart(&now, wanted.clone());
        for key in KEYS {
            let (from, other) = if key.live { (&wanted, "the new") } else { (&now, "the old") };
            assert!(!(key.differs)(&settings, from), "{} is not {other} one", key.name);
        }
    }
}
