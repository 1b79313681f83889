//! Who may register: users, the guards that know them, and what has changes of users noticed.

use std::sync::Arc;

use sip_registrar::auth::Credentials;

use crate::Failure;
use crate::config::Settings;
use crate::guards::Guards;
use crate::users::{Refresh, UserStore, Users};

/// The users of the settings, and all that goes with them. Their file is watched as long as a clone of it lives.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) guards: Guards,
    credentials: Arc<dyn Credentials>,
    store: Option<UserStore>,
    refresh: Arc<Refresh>,
}

impl Access {
    /// For users that were opened; what the guards `before` have learnt stays.
    ///
    /// # Errors
    /// The settings contradict each other, or the system has no thread.
    pub(crate) fn new(settings: &Settings, users: Users, before: Option<&Self>) -> Result<Self, Failure> {
        let (credentials, store) = (users.credentials(), users.store());
        let guards = Guards::new(settings, Arc::clone(&credentials), before.map(|before| &before.guards))?;
        let failed = |error| Failure::Machine(format!("error: threads: {error}"));
        let refresh = Arc::new(users.watch().map_err(failed)?);
        Ok(Self { guards, credentials, store, refresh })
    }

    /// The same users with other settings around them.
    ///
    /// # Errors
    /// The settings contradict each other.
    pub(crate) fn again(&self, settings: &Settings) -> Result<Self, Failure> {
        let guards = Guards::new(settings, Arc::clone(&self.credentials), Some(&self.guards))?;
        Ok(Self { guards, ..self.clone() })
    }

    /// The store that is asked for users, if it is one.
    pub(crate) fn store(&self) -> Option<UserStore> {
        self.store.clone()
    }

    /// Has users read or asked for again.
    pub(crate) fn refresh(&self) {
        self.refresh.now();
    }
}
