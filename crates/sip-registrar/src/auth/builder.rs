//! Putting an [`Authorize`] link together.

use std::hash::RandomState;
use std::sync::Arc;

use sip_dispatch::budget::Budget;
use sip_message::Method;

use super::authorize::{FAILURE_SECONDS, Inner};
use super::by_name::{self, ByName};
use super::challenge::is_plain;
use super::filter::Filter;
use super::uses::Uses;
use super::{Account, Authorize, Check, Credentials, Ha1, KeysError, NonceKeys, Policy};
use crate::{DomainError, Domains};

/// Why a link cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizeError {
    /// A domain is none.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// There are no keys for nonces.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Nobody could ever prove anything.
    #[error("no users: give credentials, user2pass or user2a1")]
    NoUsers,
    /// Both kinds of users.
    #[error("credentials stand beside user2pass or user2a1: give one kind of users")]
    TwoKindsOfUsers,
    /// A nonce would live too long, or not long enough for a phone to answer.
    #[error("nonce_life ({0} s) is not between 60 and 300 s")]
    NonceLife(u32),
    /// A challenge would hold nothing.
    #[error("a policy without algorithms challenges nobody")]
    NoAlgorithms,
    /// It cannot be written between quotes.
    #[error("{0} {1:?} is empty, or has characters other than printable ASCII without quotes and backslashes")]
    Text(&'static str, String),
}

/// Settings of an [`Authorize`] link.
#[must_use]
pub struct AuthorizeBuilder {
    credentials: Option<Arc<dyn Credentials>>,
    by_name: ByName,
    domains: Vec<String>,
    policies: Vec<(String, Policy)>,
    policy: Policy,
    opaque: Option<String>,
    proxy: bool,
    any_address: bool,
    filters: Vec<Filter>,
    keys: Option<NonceKeys>,
    life: u32,
    bind_source: bool,
    next_nonce: bool,
    nonces: usize,
    failures: u32,
}

impl Default for AuthorizeBuilder {
    fn default() -> Self {
        Self {
            credentials: None,
            by_name: ByName::default(),
            domains: Vec::new(),
            policies: Vec::new(),
            policy: Policy::default(),
            opaque: None,
            proxy: false,
            any_address: false,
            filters: Vec::new(),
            keys: None,
            life: 300,
            bind_source: false,
            next_nonce: false,
            nonces: 1_000_000,
            failures: 10,
        }
    }
}

impl AuthorizeBuilder {
    /// Where users come from.
    pub fn credentials(mut self, credentials: impl Credentials + 'static) -> Self {
        self.credentials = Some(Arc::new(credentials));
        self
    }

    /// Passwords by name, the same in every domain.
    pub fn user2pass<N: Into<Vec<u8>>, P: Into<Vec<u8>>>(self, map: impl IntoIterator<Item = (N, P)>) -> Self {
        let entries: Vec<_> = map.into_iter().map(|(name, password)| (name.into(), password.into())).collect();
        self.user2pass_with(by_name::map(entries))
    }

    /// Passwords by a function of the name. It runs on a worker's thread and must not block.
    pub fn user2pass_with(mut self, user2pass: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        self.by_name.add_user2pass(user2pass);
        self
    }

    /// Hashes of `name:realm:password` by name, for one realm; asked before `user2pass`.
    pub fn user2a1<N: Into<Vec<u8>>>(mut self, map: impl IntoIterator<Item = (N, Ha1)>) -> Self {
        let entries: Vec<_> = map.into_iter().map(|(name, ha1)| (name.into(), ha1)).collect();
        let map = by_name::map(entries);
        self.by_name.add_user2a1(move |name, _| map(name));
        self
    }

    /// Hashes by a function of name and realm; asked before `user2pass`. It runs on a worker's thread and must not
    /// block.
    pub fn user2a1_with(mut self, user2a1: impl Fn(&[u8], &[u8]) -> Option<Ha1> + Send + Sync + 'static) -> Self {
        self.by_name.add_user2a1(user2a1);
        self
    }

    /// The realm of every domain that has no policy of its own; default: the domain itself.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.policy.realm = Some(realm.into());
        self
    }

    /// A text that is part of every challenge, and that answers must repeat.
    pub fn opaque(mut self, opaque: impl Into<String>) -> Self {
        self.opaque = Some(opaque.into());
        self
    }

    /// The domains whose users are known, written as for the registrar; none: every domain. Requests for others pass.
    pub fn domains<S: Into<String>>(mut self, domains: impl IntoIterator<Item = S>) -> Self {
        self.domains.extend(domains.into_iter().map(Into::into));
        self
    }

    /// How users of domains without a policy of their own are challenged.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How the users of `domain` are challenged; it may be `*.example.com`. The first that matches counts.
    pub fn policy_of(mut self, domain: impl Into<String>, policy: Policy) -> Self {
        self.policies.push((domain.into(), policy));
        self
    }

    /// Challenges with 407 and Proxy-Authenticate, and reads Proxy-Authorization (Net::SIP: `i_am_proxy`).
    pub fn proxy(mut self, proxy: bool) -> Self {
        self.proxy = proxy;
        self
    }

    /// Lets every user register every address. Whoever asks for this has a filter that does better, or trusts all.
    pub fn any_address(mut self, any: bool) -> Self {
        self.any_address = any;
        self
    }

    /// What must be true of requests with this method whose sender is known: all checks of one of the lists. More than
    /// one filter for a method must all hold. What does not pass is answered 403.
    pub fn filter<L: IntoIterator<Item = Check>>(
        mut self,
        method: Method<'_>,
        any_of: impl IntoIterator<Item = L>,
    ) -> Self {
        let any_of = any_of.into_iter().map(|all_of| all_of.into_iter().collect()).collect();
        self.filters.push(Filter { method: method.name().into(), any_of });
        self
    }

    /// What signs nonces; default: a random secret of this link. With a secret that others may have used, nonces from
    /// before the first request are not believed.
    pub fn nonce_keys(mut self, keys: NonceKeys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// For how many seconds a nonce may be used, 60 to 300; default: 300.
    pub fn nonce_life(mut self, seconds: u32) -> Self {
        self.life = seconds;
        self
    }

    /// Whether a nonce is good only for the address it was sent to; default: no. Phones whose address changes take one
    /// more challenge.
    pub fn bind_nonce_to_source(mut self, bind: bool) -> Self {
        self.bind_source = bind;
        self
    }

    /// Whether an answer of success brings the next nonce (Authentication-Info, RFC 7616 §3.5); default: no.
    pub fn next_nonce(mut self, next: bool) -> Self {
        self.next_nonce = next;
        self
    }

    /// How many used nonces are remembered; default: 1,000,000, 6 to 12 MB when full, and up to
    /// 94 where all but one of eight challenges are never answered, and 39 more for answers without qop. Where more come, those that are
    /// forgotten can be used no more.
    pub fn remembered_nonces(mut self, nonces: usize) -> Self {
        self.nonces = nonces;
        self
    }

    /// How many wrong passwords a source may send for one name before it has to wait, 10 seconds for each more;
    /// 0: any number; default: 10. Others with the same name are not held up.
    pub fn wrong_passwords(mut self, burst: u32) -> Self {
        self.failures = burst;
        self
    }

    /// Builds the link.
    ///
    /// # Errors
    /// The settings contradict each other or are out of their bounds.
    pub fn build(self) -> Result<Authorize, AuthorizeError> {
        self.build_from(None)
    }

    /// Builds a link that takes the place of another: what that has learnt of nonces and wrong passwords is shared, as far
    /// as the settings about it are the same. Where they are not, nonces from before are stale, and each user takes one
    /// more challenge.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_after(self, before: &Authorize) -> Result<Authorize, AuthorizeError> {
        self.build_from(Some(&before.inner))
    }

    fn build_from(self, before: Option<&Inner>) -> Result<Authorize, AuthorizeError> {
        if !(60..=300).contains(&self.life) {
            return Err(AuthorizeError::NonceLife(self.life));
        }
        for policy in self.policies.iter().map(|(_, policy)| policy).chain([&self.policy]) {
            if policy.algorithms.is_empty() {
                return Err(AuthorizeError::NoAlgorithms);
            }
            check_text("realm", policy.realm.as_deref())?;
        }
        check_text("opaque", self.opaque.as_deref())?;
        let credentials: Arc<dyn Credentials> = match (self.credentials, self.by_name.is_empty()) {
            (Some(credentials), true) => credentials,
            (None, false) => Arc::new(self.by_name),
            (Some(_), false) => return Err(AuthorizeError::TwoKindsOfUsers),
            (None, true) => return Err(AuthorizeError::NoUsers),
        };
        let policies = self.policies.into_iter().map(|(domain, policy)| Ok((Domains::new([domain])?, policy)));
        let shared = self.keys.is_some();
        let (life, nonces, burst) = (self.life, self.nonces, self.failures);
        // A table of another size, or for keys of another kind, would not know which nonces have been used.
        let before_uses = before.filter(|old| (old.life, old.nonces, old.shared) == (life, nonces, shared));
        let same_keys = |old: &&Inner| self.keys.as_ref().is_none_or(|keys| keys.has_secrets_of(&old.keys));
        let keys = match before_uses.filter(same_keys) {
            Some(old) => Arc::clone(&old.keys),
            None => Arc::new(self.keys.map_or_else(NonceKeys::random, Ok)?),
        };
        let uses = match before_uses {
            Some(old) => Arc::clone(&old.uses),
            None => Arc::new(Uses::new(nonces, life, shared || before.is_some())),
        };
        let failures = match before.filter(|old| old.burst == burst) {
            Some(old) => old.failures.clone(),
            None => (burst > 0).then(|| Arc::new(Budget::one_every(FAILURE_SECONDS, burst))),
        };
        let mut password = [0; 16];
        getrandom::fill(&mut password).map_err(|error| KeysError::Random(error.to_string()))?;
        let inner = Inner {
            domains: Domains::new(&self.domains)?,
            credentials,
            policies: policies.collect::<Result<_, DomainError>>()?,
            policy: self.policy,
            opaque: self.opaque,
            proxy: self.proxy,
            any_address: self.any_address,
            filters: self.filters,
            keys,
            shared,
            life,
            bind_source: self.bind_source,
            next_nonce: self.next_nonce,
            uses,
            nonces,
            failures,
            burst,
            nobody: Account::new(*b"nobody", *b"nowhere").password(&password),
            prints: before.map_or_else(RandomState::new, |old| old.prints.clone()),
        };
        Ok(Authorize::new(inner))
    }
}

fn check_text(what: &'static str, text: Option<&str>) -> Result<(), AuthorizeError> {
    match text.filter(|text| !is_plain(text)) {
        Some(text) => Err(AuthorizeError::Text(what, text.to_owned())),
        None => Ok(()),
    }
}
