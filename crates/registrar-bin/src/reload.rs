//! Settings that change while the registrar serves: read anew, checked as a whole, and only then put in force.

use std::sync::{Mutex, MutexGuard, PoisonError};

use registrar_api::{Effective, Reloaded, Setting};
use sip_dispatch::{Config, Rules};
use sip_registrar::Registrar;

use crate::assemble;
use crate::certificates::Certificates;
use crate::cli::ServeArgs;
use crate::config::{self, KEYS, Origins, Settings, UsersSource, Wrong};
use crate::guards::Guards;
use crate::journal::LogLevel;
use crate::reread::Reread;
use crate::users::{Refresh, Users};

/// What is read again beside the settings. Files are watched as long as this lives.
pub(crate) struct Rereads {
    pub(crate) users: Option<Refresh>,
    pub(crate) certificates: Option<Reread>,
}

/// Knows what is in force, and puts other settings in its place.
pub(crate) struct Reloader {
    args: ServeArgs,
    rules: Rules,
    guards: Option<Guards>,
    level: LogLevel,
    rereads: Rereads,
    in_force: Mutex<InForce>,
}

struct InForce {
    settings: Settings,
    origins: Origins,
    config: Config,
    registrar: Registrar,
}

/// What the reloader begins with.
pub(crate) struct Start {
    pub(crate) args: ServeArgs,
    pub(crate) settings: Settings,
    pub(crate) guards: Option<Guards>,
    pub(crate) registrar: Registrar,
    pub(crate) level: LogLevel,
    pub(crate) rereads: Rereads,
}

impl Reloader {
    pub(crate) fn new(start: Start) -> Self {
        let Start { args, settings, guards, registrar, level, rereads } = start;
        let config = assemble::dispatch_config(&settings);
        let rules = Rules::new(assemble::chain(&settings, guards.clone(), &registrar), config.clone());
        let origins = Origins::of(&args);
        let in_force = Mutex::new(InForce { settings, origins, config, registrar });
        Self { args, rules, guards, level, rereads, in_force }
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

    /// Reads everything again. What can be changed changes, all of it or, if anything is wrong, nothing.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(crate) fn reload(&self) -> Result<Reloaded, Wrong> {
        // One at a time.
        let mut in_force = self.in_force();
        let wanted = config::from_args(&self.args)?;
        let changed = |live| {
            let keys = KEYS.iter().filter(move |key| key.live == live);
            keys.filter(|key| (key.differs)(&in_force.settings, &wanted)).map(|key| key.name.to_owned()).collect()
        };
        let (applied, needs_restart): (Vec<String>, Vec<String>) = (changed(true), changed(false));
        let settings = with_live(&in_force.settings, &wanted);
        let warnings = check_files(&settings)?;

        let registrar = assemble::registrar_after(&settings, &in_force.registrar).map_err(Wrong::Text)?;
        let guards = self.guards.as_ref().map(|guards| guards.serving(&settings.domains)).transpose()?;
        let mut config = assemble::dispatch_config(&settings);
        if settings.throttle == in_force.settings.throttle {
            // Who has used up his budget has not got another.
            config.throttle.clone_from(&in_force.config.throttle);
        }
        // From here on nothing fails.
        self.rules.replace(assemble::chain(&settings, guards, &registrar), config.clone());
        if settings.log.level != in_force.settings.log.level {
            self.level.set(&settings.log.level);
        }
        if let Some(users) = &self.rereads.users {
            users.now();
        }
        if let Some(certificates) = &self.rereads.certificates {
            certificates.now();
        }
        *in_force = InForce { settings, origins: Origins::of(&self.args), config, registrar };
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
            domains: assemble::of_domains(&in_force.settings),
        }
    }

    fn in_force(&self) -> MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `now`, but with everything of `wanted` that can be changed while it serves.
fn with_live(now: &Settings, wanted: &Settings) -> Settings {
    let mut settings = now.clone();
    settings.domains.clone_from(&wanted.domains);
    settings.log.level.clone_from(&wanted.log.level);
    settings.registrar.clone_from(&wanted.registrar);
    settings.registrar.max_bindings = now.registrar.max_bindings;
    settings.throttle = wanted.throttle;
    settings.route = wanted.route;
    settings.server_header.clone_from(&wanted.server_header);
    settings.flows.follow = wanted.flows.follow;
    settings.flows.grace = wanted.flows.grace;
    settings.flows.keep_reachable = wanted.flows.keep_reachable;
    settings
}

/// Looks into the files that settings name: users and certificates are read again by themselves, but what is wrong with
/// them is wrong with the whole.
fn check_files(settings: &Settings) -> Result<Vec<String>, Wrong> {
    let mut warnings = Certificates::open(settings)?.warnings();
    if let Some(source @ UsersSource::File(_)) = &settings.users {
        warnings.extend_from_slice(Users::open(source, &settings.auth)?.warnings());
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_live_is_taken_and_the_rest_stays() {
        let now = Settings::default();
        let mut wanted = now.clone();
        wanted.domains = vec!["example.com".to_owned()];
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
        wanted.connections = Some(7);
        let settings = with_live(&now, &wanted);
        for key in KEYS {
            let (from, other) = if key.live { (&wanted, "the new") } else { (&now, "the old") };
            assert!(!(key.differs)(&settings, from), "{} is not {other} one", key.name);
        }
    }
}
