//! Settings: read from a file and the command line, checked as a whole, and only then used.

mod listen;
mod load;
mod problem;
mod section;

pub(crate) use load::{from_args, from_file};
pub(crate) use problem::Problems;

use std::num::NonZeroU16;

use sip_dispatch::links::Rate;
use sip_dispatch::{MaddrPolicy, RouteConfig};
use sip_registrar::{ForeignDomain, Limits};
use sip_transport::LegSpec;

/// Everything that can be set, resolved: no text is left that might turn out to be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `None`: the loopback addresses of this machine.
    pub(crate) listen: Option<Vec<LegSpec>>,
    pub(crate) domains: Vec<String>,
    pub(crate) workers: Option<NonZeroU16>,
    pub(crate) log: LogSettings,
    pub(crate) registrar: RegistrarSettings,
    pub(crate) throttle: ThrottleSettings,
    pub(crate) route: RouteConfig,
    pub(crate) server_header: Option<String>,
    pub(crate) connections: Option<usize>,
    pub(crate) connections_per_source: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogSettings {
    /// A filter of tracing-subscriber.
    pub(crate) level: String,
    pub(crate) json: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegistrarSettings {
    pub(crate) limits: Limits,
    pub(crate) max_bindings: usize,
    pub(crate) foreign_domain: ForeignDomain,
    pub(crate) identity_param: Option<String>,
    pub(crate) redirect: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThrottleSettings {
    pub(crate) source: Option<Rate>,
    pub(crate) network: Option<Rate>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: None,
            domains: Vec::new(),
            workers: None,
            log: LogSettings { level: "info".to_owned(), json: false },
            registrar: RegistrarSettings {
                limits: Limits::default(),
                max_bindings: 10_000_000,
                foreign_domain: ForeignDomain::NotFound,
                identity_param: None,
                redirect: false,
            },
            throttle: ThrottleSettings { source: None, network: None },
            route: RouteConfig { maddr: MaddrPolicy::OnlySource, force_rport: false },
            server_header: None,
            connections: None,
            connections_per_source: None,
        }
    }
}
