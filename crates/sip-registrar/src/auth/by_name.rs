//! Users by name alone, as Net::SIP keeps them.

use std::collections::HashMap;
use std::sync::Arc;

use sip_dispatch::Answer;

use super::{Account, Credentials, Found, Ha1, Wanted};

type User2Pass = Box<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;
type User2A1 = Box<dyn Fn(&[u8], &[u8]) -> Option<Ha1> + Send + Sync>;

/// `user2a1` and `user2pass`: maps or functions from names to secrets, the same in every domain. The first that knows a
/// name counts.
#[derive(Default)]
pub(super) struct ByName {
    user2a1: Vec<User2A1>,
    user2pass: Vec<User2Pass>,
}

impl ByName {
    pub(super) fn is_empty(&self) -> bool {
        self.user2a1.is_empty() && self.user2pass.is_empty()
    }

    pub(super) fn add_user2a1(&mut self, user2a1: impl Fn(&[u8], &[u8]) -> Option<Ha1> + Send + Sync + 'static) {
        self.user2a1.push(Box::new(user2a1));
    }

    pub(super) fn add_user2pass(&mut self, user2pass: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) {
        self.user2pass.push(Box::new(user2pass));
    }
}

/// A map as a function.
pub(super) fn map<V: Clone>(entries: impl IntoIterator<Item = (Vec<u8>, V)>) -> impl Fn(&[u8]) -> Option<V> {
    let map: HashMap<Vec<u8>, V> = entries.into_iter().collect();
    move |name| map.get(name).cloned()
}

impl Credentials for ByName {
    fn find(&self, wanted: &Wanted<'_>) -> Answer<Found> {
        let Wanted { name, realm, .. } = *wanted;
        let account = || Account::new(name, realm);
        if let Some(ha1) = self.user2a1.iter().find_map(|user2a1| user2a1(name, realm)) {
            return Answer::Now(Ok(Some(Arc::new(account().ha1(ha1)))));
        }
        let password = self.user2pass.iter().find_map(|user2pass| user2pass(name));
        // Nobody's account is made too: it shall take as long.
        let account = Arc::new(account().password(password.as_deref().unwrap_or(b"nobody")));
        Answer::Now(Ok(password.map(|_| account)))
    }
}
