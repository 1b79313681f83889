//! The parts of the house, put together.

use std::num::NonZeroU8;
use std::sync::Arc;
use std::time::Duration;

use sip_dispatch::links::{Fallback, Options, Sanity, Throttle};
use sip_dispatch::{Config, Link, ReceiveChain};
use sip_message::Method;
use sip_registrar::{FlowRules, LocationService, Observer, Redirect, Registrar, RegistrarBuilder};
use sip_transport::{Leg, LegSpec, ServerConfig, StreamConfig};

use crate::certificates::Certificates;
use crate::config::{Listener, Settings};
use crate::guards::Guards;
use crate::users::Users;
use crate::{Failure, descriptors};

/// What OPTIONS and 405 name.
const ALLOW: &[&str] = &["REGISTER", "OPTIONS"];
/// With a redirect link, every request of a caller is served.
const ALLOW_WITH_REDIRECT: &[&str] =
    &["REGISTER", "OPTIONS", "INVITE", "MESSAGE", "SUBSCRIBE", "PUBLISH", "REFER", "INFO", "NOTIFY"];
/// The extensions that all links together understand.
const SUPPORTED: &[&str] = &["path"];

/// How many times as long as their requests answers to strangers may be, where there are users.
const ANSWER_RATIO: Option<NonZeroU8> = NonZeroU8::new(2);

/// How long the answers to what has arrived may take at the end. Within 5 s it is gone altogether.
const DRAIN: Duration = Duration::from_secs(4);

/// The registrar, with this table.
///
/// # Errors
/// What of the settings does not go together.
pub(crate) fn registrar(
    settings: &Settings,
    location: Arc<dyn LocationService>,
    observers: impl IntoIterator<Item = Arc<dyn Observer>>,
) -> Result<Registrar, String> {
    let mut builder = builder(settings).location(location);
    for observer in observers {
        builder = builder.observer(observer);
    }
    builder.build().map_err(|error| format!("error: {error}"))
}

/// The registrar in the place of another, with its table and observers.
///
/// # Errors
/// As [`registrar`].
pub(crate) fn registrar_after(settings: &Settings, before: &Registrar) -> Result<Registrar, String> {
    builder(settings).build_after(before).map_err(|error| format!("error: {error}"))
}

fn builder(settings: &Settings) -> RegistrarBuilder {
    let wanted = &settings.registrar;
    let (limits, flows) = (wanted.limits, settings.flows);
    let mut builder = Registrar::builder()
        .min_expires(limits.min_expires)
        .max_expires(limits.max_expires)
        .default_expires(limits.default_expires)
        .jitter(limits.jitter)
        .max_contacts(limits.max_contacts)
        .eviction(limits.eviction)
        .flows(FlowRules { follow: flows.follow, grace: flows.grace, keep_reachable: flows.keep_reachable })
        .domains(&settings.domains)
        .foreign_domain(wanted.foreign_domain);
    for listener in listeners(settings) {
        if let Some(advertised) = &listener.advertised {
            builder = builder.own_address(advertised.host(), advertised.port().unwrap_or(listener.spec.addr().port()));
        }
    }
    match &wanted.identity_param {
        Some(name) => builder.identity_param(name),
        None => builder,
    }
}

/// Who may register; `None`: anybody.
///
/// # Errors
/// The users cannot be read, or their store says that it is asked wrongly.
pub(crate) fn users(settings: &Settings) -> Result<Option<Users>, Failure> {
    settings.users.as_ref().map(|source| Users::open(source, &settings.auth)).transpose()
}

/// The receive chain that all workers share; `guards` decide who may register.
pub(crate) fn chain(settings: &Settings, guards: Option<Guards>, registrar: &Registrar) -> ReceiveChain {
    let mut links: Vec<Link> = Vec::new();
    let allow = if settings.registrar.redirect { ALLOW_WITH_REDIRECT } else { ALLOW };
    let supported = (!settings.registrar.redirect).then_some(SUPPORTED);
    links.push(Sanity { supported, ..Sanity::default() }.into());
    links.push(Options { allow, supported: SUPPORTED }.into());
    if let Some(Guards { exempt, authorize }) = guards {
        links.push(exempt.into());
        // Other requests reach nobody here but by being redirected.
        let callers = settings.registrar.redirect && settings.auth.challenge_callers;
        let link = Link::new(authorize);
        links.push(if callers { link } else { link.methods(&[Method::Register]) });
    }
    links.push(Link::new(registrar.clone()).methods(&[Method::Register]));
    if settings.registrar.redirect {
        links.push(Redirect::new(registrar.clone()).into());
    }
    links.push(Fallback { allow }.into());
    ReceiveChain::new(links)
}

/// What each worker's dispatcher is told: clones of one, so that they share the throttle.
pub(crate) fn dispatch_config(settings: &Settings) -> Config {
    let rates = settings.throttle;
    let throttle = (rates.source.is_some() || rates.network.is_some())
        .then(|| Arc::new(Throttle::new(rates.source, rates.network)));
    // Who has proved nothing may be anybody, also somebody else than the source of his datagrams.
    let answer_ratio = settings.users.as_ref().and(ANSWER_RATIO);
    Config {
        route: settings.route,
        server: settings.server_header.clone(),
        throttle,
        answer_ratio,
        ..Config::default()
    }
}

/// What the transport is told.
pub(crate) fn server_config(settings: &Settings, certificates: &Certificates) -> ServerConfig {
    let mut config = ServerConfig {
        legs: legs(settings, certificates),
        workers: settings.workers,
        drain: DRAIN,
        ..ServerConfig::default()
    };
    config.udp.gather = settings.gather;
    config.streams.keepalive = settings.flows.keepalive;
    config.streams.ping = settings.flows.ping;
    config.streams.ping_failures = settings.flows.ping_failures;
    let (connections, per_source) = connections(settings);
    config.streams.connections = connections;
    config.streams.connections_per_source = per_source;
    config
}

/// How many connections there may be, in all and from one source: as many as the settings say, if there are descriptors.
pub(crate) fn connections(settings: &Settings) -> (usize, usize) {
    let usual = StreamConfig::default();
    let wanted = settings.connections.unwrap_or(usual.connections);
    (descriptors::make_room(wanted), settings.connections_per_source.unwrap_or(usual.connections_per_source))
}

/// What there is to say where the system allows fewer connections than the settings want.
pub(crate) fn too_few_descriptors(settings: &Settings, allowed: usize) -> Option<String> {
    let wanted = settings.connections.filter(|wanted| *wanted > allowed)?;
    Some(format!(
        "[tcp] connections is {wanted}, and there are file descriptors for {allowed}: raise LimitNOFILE (systemd) or \
         ulimit -n"
    ))
}

/// The legs of the listeners.
pub(crate) fn legs(settings: &Settings, certificates: &Certificates) -> Vec<Leg> {
    listeners(settings).into_iter().map(|listener| leg(listener, certificates)).collect()
}

/// Where it listens, in the order of the legs.
pub(crate) fn listeners(settings: &Settings) -> Vec<Listener> {
    settings.listen.clone().unwrap_or_else(|| loopback().into_iter().map(Listener::from).collect())
}

fn leg(listener: Listener, certificates: &Certificates) -> Leg {
    let Listener { spec, advertised, tls, origins, trusted_proxies } = listener;
    let tls = tls.and_then(|files| certificates.of(&files));
    Leg { spec, advertised, tls, origins, trusted_proxies }
}

/// UDP and TCP on this machine's loopback addresses.
fn loopback() -> Vec<LegSpec> {
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
    let port = 5060;
    let mut addresses = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))];
    if UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        addresses.push(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
    }
    let leg = |address| [LegSpec::udp(address), LegSpec::tcp(address)];
    addresses.into_iter().flat_map(leg).collect()
}
