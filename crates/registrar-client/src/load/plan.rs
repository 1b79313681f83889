//! What is to be done.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::sip::{Account, Destination, Roots};

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The registrar; nothing is sent to anybody else.
    pub to: Destination,
    /// Whose certificates are believed; needed for TLS.
    pub roots: Option<Roots>,
    /// The domain of the users.
    pub domain: String,
    /// The name of a user, with `{n}` where its number stands, from 0 on.
    pub user: String,
    /// How many users.
    pub users: u32,
    /// How they prove who they are.
    pub login: Option<Login>,
    /// Registrations in a second.
    pub rate: f64,
    /// For how long.
    pub duration: Duration,
    /// Of those who are registered, so many in a hundred remove their binding instead of renewing it, and are new next
    /// time.
    pub churn: f64,
    /// For how many seconds they ask to be registered.
    pub expires: u32,
    /// How long an answer may take.
    pub patience: Duration,
    /// Over how many connections, or from how many UDP ports.
    pub connections: u32,
    /// Whether bindings are left there at the end.
    pub keep: bool,
}

/// How users prove who they are.
#[derive(Clone)]
pub struct Login {
    /// The name, with `{n}` as in [`Plan::user`]; `None`: that of the user.
    pub name: Option<String>,
    /// The password, with `{n}` where the number stands if it is another for each.
    pub password: Zeroizing<String>,
}

impl Plan {
    pub(super) fn name_of(&self, n: u32) -> String {
        self.user.replace("{n}", &n.to_string())
    }

    pub(super) fn account_of(&self, n: u32) -> Option<Account> {
        let login = self.login.as_ref()?;
        let number = n.to_string();
        let name = login.name.as_ref().map_or_else(|| self.name_of(n), |name| name.replace("{n}", &number));
        Some(Account { name, password: Zeroizing::new(login.password.replace("{n}", &number)) })
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("name", &self.name).finish_non_exhaustive()
    }
}
