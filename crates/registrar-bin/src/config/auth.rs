//! `[auth]`: how users prove who they are.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use sip_message::header::Algorithm;
use sip_registrar::Domains;
use sip_registrar::auth::{Algorithms, Check, Grants, HashFunction, IpNet, Policy, Qop, UriMayDiffer};

use super::section::Section;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthSettings {
    /// For every domain that has none of its own.
    pub(crate) policy: Policy,
    /// By domain; the first that matches counts.
    pub(crate) policies: Vec<(String, Policy)>,
    pub(crate) opaque: Option<String>,
    pub(crate) proxy: bool,
    pub(crate) any_address: bool,
    /// By method: lists of checks, of which one must hold as a whole.
    pub(crate) filters: Vec<(String, Vec<Vec<NamedCheck>>)>,
    pub(crate) nonce_life: u32,
    /// A file with secrets that other nodes have too.
    pub(crate) nonce_secrets: Option<PathBuf>,
    pub(crate) bind_nonce_to_source: bool,
    pub(crate) next_nonce: bool,
    pub(crate) remembered_nonces: usize,
    pub(crate) wrong_passwords: u32,
    pub(crate) trusted_sources: Vec<IpNet>,
    pub(crate) open_addresses: Vec<String>,
    /// Whether those who want to reach a user must be users too.
    pub(crate) challenge_callers: bool,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            policies: Vec::new(),
            opaque: None,
            proxy: false,
            any_address: false,
            filters: Vec::new(),
            nonce_life: 300,
            nonce_secrets: None,
            bind_nonce_to_source: false,
            next_nonce: false,
            remembered_nonces: 1_000_000,
            wrong_passwords: 10,
            trusted_sources: Vec::new(),
            open_addresses: Vec::new(),
            challenge_callers: true,
        }
    }
}

/// A check that has a name in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamedCheck {
    FromIsRealm,
    FromIsAuthUser,
    ToIsFrom,
}

impl From<NamedCheck> for Check {
    fn from(check: NamedCheck) -> Self {
        match check {
            NamedCheck::FromIsRealm => Self::FromIsRealm,
            NamedCheck::FromIsAuthUser => Self::FromIsAuthUser,
            NamedCheck::ToIsFrom => Self::ToIsFrom,
        }
    }
}

const CHECKS: [(&str, NamedCheck); 3] = [
    ("from-is-realm", NamedCheck::FromIsRealm),
    ("from-is-auth-user", NamedCheck::FromIsAuthUser),
    ("to-is-from", NamedCheck::ToIsFrom),
];

impl AuthSettings {
    /// The realm with which a domain is challenged.
    pub(crate) fn realm_of(&self, domain: &str) -> String {
        self.policy_of(domain).1.realm.clone().unwrap_or_else(|| domain.to_owned())
    }

    /// The functions by which somebody may send a hash of its name.
    pub(crate) fn userhash(&self) -> Vec<HashFunction> {
        let policies = self.policies.iter().map(|(_, policy)| policy).chain([&self.policy]);
        let algorithms = policies.filter(|policy| policy.userhash).flat_map(|policy| policy.algorithms.iter());
        let used: Vec<_> = algorithms.map(|algorithm| HashFunction::of(algorithm).0).collect();
        HashFunction::ALL.into_iter().filter(|function| used.contains(function)).collect()
    }

    /// How the users of a domain are challenged, and the name of the table that says so, if it is not for all. A pattern
    /// such as `*.example.com` is its own domain here.
    pub(crate) fn policy_of(&self, domain: &str) -> (Option<&str>, &Policy) {
        let own = self.policies.iter().find(|(pattern, _)| pattern.eq_ignore_ascii_case(domain));
        let Ok(host) = sip_message::uri::Host::parse(domain.as_bytes()) else {
            return own.map_or((None, &self.policy), |(pattern, policy)| (Some(pattern), policy));
        };
        let matches = |pattern: &String| Domains::new([pattern]).is_ok_and(|domains| domains.serves(&host));
        let found = self.policies.iter().find(|(pattern, _)| matches(pattern));
        found.map_or((None, &self.policy), |(pattern, policy)| (Some(pattern), policy))
    }
}

/// A network, or one address.
pub(super) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Files that it names are meant from `folder`.
pub(super) fn read(section: &mut Section<'_, '_>, folder: &Path, auth: &mut AuthSettings) {
    auth.policy = read_policy(section, &Policy::default());
    auth.opaque = read_text(section, "opaque");
    auth.proxy = section.flag("proxy").unwrap_or(auth.proxy);
    auth.any_address = section.flag("any_address").unwrap_or(auth.any_address);
    if let Some((seconds, _)) = section.number("nonce_life", 60..=300) {
        auth.nonce_life = u32::try_from(seconds).unwrap_or(auth.nonce_life);
    }
    if let Some((file, at)) = section.text("nonce_secrets") {
        if file.is_empty() {
            section.wrong("nonce_secrets", at, "the name of a file");
        } else {
            auth.nonce_secrets = Some(folder.join(file));
        }
    }
    auth.bind_nonce_to_source = section.flag("bind_nonce_to_source").unwrap_or(auth.bind_nonce_to_source);
    auth.next_nonce = section.flag("next_nonce").unwrap_or(auth.next_nonce);
    if let Some((nonces, _)) = section.number("remembered_nonces", 1000..=100_000_000) {
        auth.remembered_nonces = usize::try_from(nonces).unwrap_or(auth.remembered_nonces);
    }
    if let Some((burst, _)) = section.number("wrong_passwords", 0..=1_000_000) {
        auth.wrong_passwords = u32::try_from(burst).unwrap_or(auth.wrong_passwords);
    }
    for (source, at) in section.texts("trusted_sources").into_iter().flat_map(|(sources, _)| sources) {
        match network(source) {
            Some(network) => auth.trusted_sources.push(network),
            None => {
                let what = format!("[auth] {source:?} is no network: write 192.0.2.0/24, 2001:db8::/32 or one address");
                section.problems.add(at, what, None);
            }
        }
    }
    for (address, at) in section.texts("open_addresses").into_iter().flat_map(|(addresses, _)| addresses) {
        match Grants::new([address]) {
            Ok(_) => auth.open_addresses.push(address.to_owned()),
            Err(error) => section.problems.add(at, format!("[auth] {error}"), None),
        }
    }
    if let Some(callers) = section.choice("callers", &[("challenge", true), ("anybody", false)]) {
        auth.challenge_callers = callers;
    }
    for (method, lists) in section.lists("filter") {
        let mut any_of = Vec::new();
        for list in lists {
            let mut all_of = Vec::new();
            for (name, at) in list {
                match CHECKS.iter().find(|(known, _)| *known == name) {
                    Some((_, check)) => all_of.push(*check),
                    None => {
                        let names = CHECKS.map(|(known, _)| known).join(", ");
                        section.problems.add(at, format!("[auth] {name:?} is no check: there are {names}"), None);
                    }
                }
            }
            any_of.push(all_of);
        }
        auth.filters.push((method.to_ascii_uppercase(), any_of));
    }
    let general = auth.policy.clone();
    section.tables("domain", |domain, section| {
        if let Err(error) = Domains::new([domain]) {
            let at = section.at.clone();
            section.problems.add(at, error.to_string(), None);
        }
        auth.policies.push((domain.to_owned(), read_policy(section, &general)));
    });
}

/// What may be said for each domain; what is not said is as in `general`.
fn read_policy(section: &mut Section<'_, '_>, general: &Policy) -> Policy {
    let mut policy = general.clone();
    if let Some(realm) = read_text(section, "realm") {
        policy.realm = Some(realm);
    }
    if let Some((names, at)) = section.texts("algorithms") {
        let mut algorithms = Vec::new();
        for (name, at) in names {
            match Algorithm::from_name(name.as_bytes()) {
                Some(algorithm) => algorithms.push(algorithm),
                None => section.wrong("algorithms", at, &Algorithm::ALL.map(Algorithm::name).join(" or ")),
            }
        }
        policy.algorithms = Algorithms::new(algorithms);
        if policy.algorithms.is_empty() {
            section.wrong("algorithms", at, "a list with one algorithm at least, the best first");
        }
    }
    if let Some((names, _)) = section.texts("qop") {
        policy.qops.clear();
        for (name, at) in names {
            match Qop::from_name(name.as_bytes()) {
                Some(qop) if !policy.qops.contains(&qop) => policy.qops.push(qop),
                Some(_) => {}
                None => section.wrong("qop", at, "a list of \"auth\" and \"auth-int\", or an empty one"),
            }
        }
    }
    policy.qop_may_be_missing = section.flag("qop_may_be_missing").unwrap_or(policy.qop_may_be_missing);
    let choices =
        [("register", UriMayDiffer::InRegister), ("never", UriMayDiffer::Never), ("always", UriMayDiffer::Always)];
    policy.uri_may_differ = section.choice("uri_may_differ", &choices).unwrap_or(policy.uri_may_differ);
    policy.userhash = section.flag("userhash").unwrap_or(policy.userhash);
    policy
}

/// What can stand in quotes in a challenge and is taken back unchanged by every phone.
fn read_text(section: &mut Section<'_, '_>, key: &'static str) -> Option<String> {
    let (text, at) = section.text(key)?;
    match check_realm(text) {
        Ok(()) => Some(text.to_owned()),
        Err(what) => {
            section.problems.add(at, format!("{}{key} {what}", section.prefix()), None);
            None
        }
    }
}

/// Whether a text can stand in quotes in a challenge and is taken back unchanged by every phone; else what it must be.
pub(crate) fn check_realm(text: &str) -> Result<(), &'static str> {
    let good = |byte: u8| (b' '..0x7F).contains(&byte) && !b"\"\\".contains(&byte);
    if (1..=100).contains(&text.len()) && text.bytes().all(good) {
        Ok(())
    } else {
        Err("must be 1 to 100 printable ASCII characters without \" and \\")
    }
}
