//! Settings: read from a file and the command line, checked as a whole, and only then used.

mod admin;
mod auth;
mod domains;
mod flows;
mod keys;
mod listen;
mod load;
mod location;
mod near;
mod origins;
mod problem;
mod section;
mod tls;
mod users;
mod webhook;
mod wrong;

pub(crate) use auth::{AuthSettings, check_realm};
pub(crate) use domains::of_domains;
pub(crate) use flows::FlowSettings;
pub(crate) use keys::{KEYS, Key, Origins};
pub(crate) use listen::Listener;
pub(crate) use load::{from_args, from_file};
pub(crate) use location::{Keep, LocationMode, LocationSettings};
pub(crate) use near::is_near;
pub(crate) use problem::{Problems, line_of};
pub(crate) use section::Section;
use tls::TlsKeys;
pub(crate) use users::{Store, UsersSource};
pub(crate) use wrong::Wrong;

use std::num::NonZeroU16;
use std::time::Duration;

use registrar_admin::{AdminConfig, TracesConfig};
use sip_dispatch::links::Rate;
use sip_dispatch::{MaddrPolicy, RouteConfig};
use sip_registrar::{ForeignDomain, Limits};
use sip_transport::UdpConfig;

use crate::message_log::Wanted;

/// Everything that can be set, resolved: no text is left that might turn out to be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `None`: the loopback addresses of this machine.
    pub(crate) listen: Option<Vec<Listener>>,
    pub(crate) domains: Vec<String>,
    pub(crate) workers: Option<NonZeroU16>,
    pub(crate) log: LogSettings,
    pub(crate) registrar: RegistrarSettings,
    pub(crate) throttle: ThrottleSettings,
    pub(crate) route: RouteConfig,
    pub(crate) server_header: Option<String>,
    /// How long datagrams may gather.
    pub(crate) gather: Duration,
    pub(crate) connections: Option<usize>,
    pub(crate) connections_per_source: Option<usize>,
    /// `None`: anybody may register as anybody.
    pub(crate) users: Option<UsersSource>,
    pub(crate) auth: AuthSettings,
    pub(crate) location: LocationSettings,
    /// For listeners that say nothing of their own.
    pub(crate) tls: TlsKeys,
    /// The same: which web sites may open WebSockets; `None`: any.
    pub(crate) origins: Option<Vec<String>>,
    pub(crate) flows: FlowSettings,
    /// `None`: there is no HTTP API.
    pub(crate) admin: Option<AdminConfig>,
    /// Who collects spans.
    pub(crate) traces: Option<TracesConfig>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogSettings {
    /// A filter of tracing-subscriber.
    pub(crate) level: String,
    pub(crate) json: bool,
    /// Which SIP messages are in it.
    pub(crate) messages: Wanted,
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
            log: LogSettings { level: "info".to_owned(), json: false, messages: Wanted::default() },
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
            gather: UdpConfig::default().gather,
            connections: None,
            connections_per_source: None,
            users: None,
            auth: AuthSettings::default(),
            location: LocationSettings::default(),
            tls: TlsKeys::default(),
            origins: None,
            flows: FlowSettings::default(),
            admin: None,
            traces: None,
        }
    }
}
