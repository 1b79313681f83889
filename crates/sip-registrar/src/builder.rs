//! Putting a registrar together.

use std::sync::Arc;

use crate::domains::{DomainError, Domains};
use crate::flows::FlowRules;
use crate::identity::IdentityParam;
use crate::limits::{Eviction, Limits};
use crate::location::{LocationService, MemoryLocation};
use crate::observer::Observer;
use crate::own::OwnAddresses;
use crate::registrar::{ForeignDomain, Registrar, Settings};

/// Why a registrar cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A domain is none.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// The minimum is 0.
    #[error("min_expires is 0: a binding lives for at least one second")]
    NoMinimum,
    /// The minimum is above the maximum.
    #[error("min_expires ({min}) is greater than max_expires ({max})")]
    MinAboveMax {
        /// The minimum in seconds.
        min: u32,
        /// The maximum in seconds.
        max: u32,
    },
    /// The default is outside the bounds.
    #[error("default_expires ({default}) is not between min_expires ({min}) and max_expires ({max})")]
    DefaultOutside {
        /// The default in seconds.
        default: u32,
        /// The minimum in seconds.
        min: u32,
        /// The maximum in seconds.
        max: u32,
    },
    /// Not a percentage.
    #[error("jitter ({0}) is not between 0 and 100 percent")]
    Jitter(u8),
    /// None, or more than a record holds.
    #[error("max_contacts ({0}) is not between 1 and 255")]
    MaxContacts(usize),
}

/// Settings of a [`Registrar`]; what is not said has the default of Net::SIP where it has one.
#[derive(Default)]
#[must_use]
pub struct RegistrarBuilder {
    domains: Vec<String>,
    limits: Limits,
    flows: FlowRules,
    default_expires: Option<u32>,
    foreign: ForeignDomain,
    identity: Option<IdentityParam>,
    own: OwnAddresses,
    location: Option<Arc<dyn LocationService>>,
    observers: Vec<Arc<dyn Observer>>,
}

impl RegistrarBuilder {
    /// The shortest expiry, in seconds (30).
    pub fn min_expires(mut self, seconds: u32) -> Self {
        self.limits.min_expires = seconds;
        self
    }

    /// The longest expiry, in seconds (300).
    pub fn max_expires(mut self, seconds: u32) -> Self {
        self.limits.max_expires = seconds;
        self
    }

    /// What a contact gets that asks for nothing, in seconds (the longest).
    pub fn default_expires(mut self, seconds: u32) -> Self {
        self.default_expires = Some(seconds);
        self
    }

    /// The domains that are served (every domain): `example.com`, `*.example.com`, an IP address, or `*`.
    pub fn domains<S: Into<String>>(mut self, domains: impl IntoIterator<Item = S>) -> Self {
        self.domains.extend(domains.into_iter().map(Into::into));
        self
    }

    /// How many bindings an address of record may have (10).
    pub fn max_contacts(mut self, contacts: usize) -> Self {
        self.limits.max_contacts = contacts;
        self
    }

    /// What happens when there would be more.
    pub fn eviction(mut self, eviction: Eviction) -> Self {
        self.limits.eviction = eviction;
        self
    }

    /// By how many percent an expiry may be shortened at random (10), so that phones that registered at one moment do
    /// not all come back at one moment. Never longer than asked, never under the minimum.
    pub fn jitter(mut self, percent: u8) -> Self {
        self.limits.jitter = percent;
        self
    }

    /// What becomes of bindings whose connection ends.
    ///
    /// The registrar has to be told of connections, as a [`Dispatcher`](sip_dispatch::Dispatcher) does that is driven by a
    /// server: over one that it has not seen open it binds nobody for longer than the grace.
    pub fn flows(mut self, flows: FlowRules) -> Self {
        self.flows = flows;
        self
    }

    /// What becomes of requests for other domains.
    pub fn foreign_domain(mut self, what: ForeignDomain) -> Self {
        self.foreign = what;
        self
    }

    /// A URI parameter by which phones mark themselves, such as `rinstance` or `line`.
    pub fn identity_param(mut self, name: impl Into<String>) -> Self {
        self.identity = Some(IdentityParam(name.into()));
        self
    }

    /// An address by which others reach this server though it does not listen there, as in front of a NAT: a host as it
    /// stands in a URI, and a port. Nobody can be registered at it.
    pub fn own_address(mut self, host: &str, port: u16) -> Self {
        self.own.add(host, port);
        self
    }

    /// Where records are kept (in memory).
    pub fn location(mut self, location: Arc<dyn LocationService>) -> Self {
        self.location = Some(location);
        self
    }

    /// Tells `observer` of every change.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// The registrar.
    ///
    /// # Errors
    /// Settings that contradict each other; see [`ConfigError`].
    pub fn build(self) -> Result<Registrar, ConfigError> {
        self.settings().map(Registrar::new)
    }

    /// The same in the place of another, for settings that change while it serves: table, observers and what is known of
    /// connections are those of `before`, whatever was set here. Put it into a chain instead of `before`; what still waits
    /// in the old one is finished there.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_after(self, before: &Registrar) -> Result<Registrar, ConfigError> {
        self.settings().map(|settings| before.renewed(settings))
    }

    fn settings(self) -> Result<Settings, ConfigError> {
        let Limits { min_expires: min, max_expires: max, jitter, max_contacts, .. } = self.limits;
        if min == 0 {
            return Err(ConfigError::NoMinimum);
        }
        if min > max {
            return Err(ConfigError::MinAboveMax { min, max });
        }
        let default = self.default_expires.unwrap_or(max);
        if default < min || default > max {
            return Err(ConfigError::DefaultOutside { default, min, max });
        }
        if jitter > 100 {
            return Err(ConfigError::Jitter(jitter));
        }
        if max_contacts == 0 || max_contacts > 255 {
            return Err(ConfigError::MaxContacts(max_contacts));
        }
        let limits = Limits { default_expires: default, ..self.limits };
        Ok(Settings {
            domains: Domains::new(&self.domains)?,
            limits,
            flows: self.flows,
            foreign: self.foreign,
            identity: self.identity,
            own: self.own,
            location: self.location.unwrap_or_else(|| Arc::new(MemoryLocation::default())),
            observers: self.observers,
        })
    }
}
