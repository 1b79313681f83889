//! The links that decide who may register.

use std::path::Path;
use std::sync::Arc;

use sip_message::Method;
use sip_registrar::auth::{Authorize, Check, Credentials, Exempt, Grants, NonceKeys};

use crate::Failure;
use crate::config::{AuthSettings, Settings};

/// In the order in which they stand in the chain. Cheap to clone; the clones are the same guards.
#[derive(Clone)]
pub(crate) struct Guards {
    pub(crate) exempt: Exempt,
    pub(crate) authorize: Authorize,
}

impl Guards {
    /// Guards that know these users; what those `before` them have learnt stays.
    ///
    /// # Errors
    /// The settings contradict each other, or the secrets for nonces cannot be read.
    pub(crate) fn new(
        settings: &Settings,
        credentials: Arc<dyn Credentials>,
        before: Option<&Self>,
    ) -> Result<Self, Failure> {
        let auth = &settings.auth;
        let mut link = Authorize::builder()
            .credentials(credentials)
            .domains(&settings.domains)
            .policy(auth.policy.clone())
            .proxy(auth.proxy)
            .any_address(auth.any_address)
            .nonce_life(auth.nonce_life)
            .bind_nonce_to_source(auth.bind_nonce_to_source)
            .next_nonce(auth.next_nonce)
            .remembered_nonces(auth.remembered_nonces)
            .wrong_passwords(auth.wrong_passwords);
        for (domain, policy) in &auth.policies {
            link = link.policy_of(domain, policy.clone());
        }
        if let Some(opaque) = &auth.opaque {
            link = link.opaque(opaque);
        }
        for (method, any_of) in &auth.filters {
            let any_of = any_of.iter().map(|all_of| all_of.iter().map(|check| Check::from(*check)));
            link = link.filter(Method::from_name(method.as_bytes()), any_of);
        }
        if let Some(path) = &auth.nonce_secrets {
            link = link.nonce_keys(nonce_keys(path)?);
        }
        let link = match before {
            Some(before) => link.build_after(&before.authorize),
            None => link.build(),
        };
        let authorize = link.map_err(|error| Failure::Settings(format!("error: [auth] {error}")))?;
        Ok(Self { exempt: exempt(auth)?, authorize })
    }
}

fn exempt(auth: &AuthSettings) -> Result<Exempt, Failure> {
    let addresses = Grants::new(&auth.open_addresses)
        .map_err(|error| Failure::Settings(format!("error: [auth] open_addresses: {error}")))?;
    Ok(Exempt { sources: auth.trusted_sources.clone(), addresses })
}

/// Reads secrets, one in a line, the first of which signs.
fn nonce_keys(path: &Path) -> Result<NonceKeys, Failure> {
    let shown = path.display();
    let wrong = |what: String| {
        Failure::Settings(format!(
            "error: [auth] nonce_secrets {shown}: {what}\nhelp: openssl rand -hex 32 prints one; the file has one in each \
             line, the same on every node, and is readable for its owner alone"
        ))
    };
    let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    NonceKeys::shared(lines).map_err(|error| wrong(error.to_string()))
}
