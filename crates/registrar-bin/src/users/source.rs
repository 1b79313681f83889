//! Users, wherever they are.

use std::io;
use std::sync::{Arc, OnceLock};

use credentials_remote::{Hooks, HttpSource, Remote, RemoteConfig, RemoteStats, SqlSource, StartError, StoreEvent};
use sip_registrar::auth::Credentials;
use sip_registrar::reason;

use super::{Challenge, UsersFile};
use crate::Failure;
use crate::backend::Backend;
use crate::config::{AuthSettings, Store, UsersSource};
use crate::reread::Reread;

/// Who may register.
pub(crate) enum Users {
    /// Those of a file.
    File(Box<UsersFile>),
    /// Those of a store that is asked for each.
    Remote { store: UserStore, warnings: Vec<String> },
}

/// A store that is asked for users.
#[derive(Clone)]
pub(crate) struct UserStore {
    pub(crate) remote: Remote,
    /// What it is, for people.
    pub(crate) says: &'static str,
    pub(crate) backend: Arc<Backend>,
}

impl Users {
    /// Reads the file, or begins to ask the store; one that is down now is no error.
    ///
    /// # Errors
    /// The file cannot be read, or the store says that it is asked wrongly.
    pub(crate) fn open(source: &UsersSource, auth: &AuthSettings) -> Result<Self, Failure> {
        match source {
            UsersSource::File(path) => {
                let userhash = auth.userhash();
                let auth = auth.clone();
                let realm_of = Box::new(move |domain: &str| auth.realm_of(domain));
                UsersFile::open(path, Challenge { realm_of, userhash }).map(Box::new).map(Self::File)
            }
            UsersSource::Remote { store, config } => start(store, config),
        }
    }

    /// What the registrar asks.
    pub(crate) fn credentials(&self) -> Arc<dyn Credentials> {
        match self {
            Self::File(file) => file.credentials(),
            Self::Remote { store, .. } => Arc::new(store.remote.clone()),
        }
    }

    /// Where they are, for people.
    pub(crate) fn says(&self) -> String {
        match self {
            Self::File(file) => file.says(),
            Self::Remote { store, .. } => store.says.to_owned(),
        }
    }

    /// What should not stay as it is.
    pub(crate) fn warnings(&self) -> &[String] {
        match self {
            Self::File(file) => file.warnings(),
            Self::Remote { warnings, .. } => warnings,
        }
    }

    /// The store that is asked.
    pub(crate) fn store(&self) -> Option<UserStore> {
        match self {
            Self::File(_) => None,
            Self::Remote { store, .. } => Some(store.clone()),
        }
    }

    /// Has changes noticed, and gives what looks again when it is told to.
    pub(crate) fn watch(self) -> io::Result<Refresh> {
        match self {
            Self::File(file) => file.watch().map(Refresh::File),
            Self::Remote { store, .. } => Ok(Refresh::Remote(store.remote)),
        }
    }
}

/// Looks again where users are. Their file is watched as long as this lives.
pub(crate) enum Refresh {
    File(Reread),
    Remote(Remote),
}

impl Refresh {
    pub(crate) fn now(&self) {
        match self {
            Self::File(reread) => reread.now(),
            Self::Remote(remote) => {
                remote.forget();
                tracing::info!("users are asked for again, each when it comes next");
            }
        }
    }
}

fn start(store: &Store, config: &RemoteConfig) -> Result<Users, Failure> {
    // What happens before it is started is for whoever starts it, who may have no log.
    let first = Arc::new(OnceLock::<Option<String>>::new());
    let early = Arc::clone(&first);
    let backend = Backend::new("users", reason::CREDENTIALS_UNAVAILABLE);
    let state = Arc::clone(&backend);
    let on_event = move |event: StoreEvent<'_>| {
        match event {
            StoreEvent::Down(error) => state.becomes(Some(error.to_string())),
            StoreEvent::Up(_) => state.becomes(None),
            _ => {}
        }
        let error = if let StoreEvent::Failed(error) | StoreEvent::Down(error) = event { Some(error) } else { None };
        if error.is_none_or(|error| early.set(Some(error.to_string())).is_err()) {
            tell(event);
        }
    };
    let hooks = Hooks { on_event: Arc::new(on_event), ..Hooks::default() };
    let wrong = |error: String| Failure::Settings(format!("error: [users] {error}"));
    let (remote, says) = match store {
        Store::Sql(sql) => {
            let source = SqlSource::new(sql).map_err(|error| wrong(error.to_string()))?;
            (Remote::start_with(source, config.clone(), hooks), "in a database")
        }
        Store::Http(http) => {
            let source = HttpSource::new(http).map_err(|error| wrong(error.to_string()))?;
            (Remote::start_with(source, config.clone(), hooks), "behind a web service")
        }
    };
    let remote = remote.map_err(|error| match error {
        StartError::Source(_) => wrong(error.to_string()),
        _ => Failure::Machine(format!("error: [users] {error}")),
    })?;
    let error = first.get_or_init(|| None).as_ref();
    let warning =
        |error| format!("the store of users does not answer now, and is asked again when somebody comes: {error}");
    let store = UserStore { remote, says, backend };
    Ok(Users::Remote { store, warnings: error.map(warning).into_iter().collect() })
}

/// Into the log.
fn tell(event: StoreEvent<'_>) {
    match event {
        StoreEvent::Failed(error) => tracing::warn!(%error, "the store of users did not answer"),
        StoreEvent::Down(error) => tracing::error!(
            %error,
            "the store of users is down: users that are remembered go on, others are answered 503"
        ),
        StoreEvent::Up(after) => tracing::info!(seconds = after.as_secs(), "the store of users answers again"),
        StoreEvent::Unusable(user, error) => {
            tracing::warn!(user = %user.to_string().escape_debug(), %error, "what is stored for this user makes no account");
        }
        _ => {}
    }
}

/// The counters of a store, with names for the log.
pub(crate) fn named(stats: &RemoteStats) -> impl Iterator<Item = (&'static str, u64)> {
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    [
        ("users_hits", stats.hits),
        ("users_negative_hits", stats.negative_hits),
        ("users_stale", stats.stale),
        ("users_misses", stats.misses),
        ("users_joined", stats.joined),
        ("users_answered", stats.answered),
        ("users_answered_us", stats.answered_us),
        ("users_failures", stats.failures),
        ("users_unusable", stats.unusable),
        ("users_rejected", stats.rejected),
        ("users_unavailable", stats.unavailable),
        ("users_known", number(stats.known)),
        ("users_unknown", number(stats.unknown)),
        ("users_waiting", number(stats.waiting)),
    ]
    .into_iter()
}
