//! What the operator is told at the start.

use std::net::IpAddr;

use sip_transport::{Leg, LegSpec, Transport};

use crate::certificates::Certificates;
use crate::config::Settings;
use crate::users::Users;

/// Where it listens, and how to try it.
pub(crate) fn started(
    settings: &Settings,
    users: Option<&Users>,
    certificates: &Certificates,
    location: &str,
    legs: &[Leg],
) -> String {
    let mut text = format!("registrar {}\n", env!("CARGO_PKG_VERSION"));
    text.push_str(&meaning(settings, users, certificates, location, legs));
    let easy = |leg: &LegSpec| (leg.transport().code(), leg.addr().is_ipv6());
    if let Some(leg) = legs.iter().map(|leg| leg.spec).min_by_key(easy) {
        try_it(&mut text, settings, users.is_some(), leg);
    }
    text
}

/// What the settings mean, in a few lines; `location` says where bindings are kept.
pub(crate) fn meaning(
    settings: &Settings,
    users: Option<&Users>,
    certificates: &Certificates,
    location: &str,
    legs: &[Leg],
) -> String {
    let mut text = String::new();
    let listeners: Vec<_> = legs.iter().map(listener).collect();
    line(&mut text, "listening", &listeners.join("  "));
    if let Some(certificates) = certificates.says() {
        line(&mut text, "certified", &certificates);
    }
    let domains = if serves_all(settings) { "every domain".to_owned() } else { settings.domains.join(", ") };
    line(&mut text, "domains", &domains);
    let anybody =
        || "anybody may register as anybody: nobody is asked for a password, since no users are configured".to_owned();
    line(&mut text, "users", &users.map_or_else(anybody, Users::says));
    let registrar = &settings.registrar;
    let limits = registrar.limits;
    let bindings = format!(
        "at most {} in all, {} for a user, {} to {} s each",
        registrar.max_bindings, limits.max_contacts, limits.min_expires, limits.max_expires
    );
    line(&mut text, "bindings", &bindings);
    line(&mut text, "location", location);
    if registrar.redirect {
        line(&mut text, "redirect", "on: callers are told where a user can be reached");
    }
    text
}

/// A listener with what is particular about it.
fn listener(leg: &Leg) -> String {
    let mut text = leg.spec.to_string();
    if let Some(advertised) = &leg.advertised {
        text.push_str(&format!(" (as {advertised})"));
    }
    if !leg.trusted_proxies.is_empty() {
        let proxies: Vec<_> = leg.trusted_proxies.iter().map(ToString::to_string).collect();
        text.push_str(&format!(" (behind {})", proxies.join(", ")));
    }
    text
}

/// How to try it with a phone, or without one.
fn try_it(text: &mut String, settings: &Settings, has_users: bool, leg: LegSpec) {
    let (host, port) = (try_host(leg.addr().ip()), leg.addr().port());
    let domain = settings.domains.first().filter(|_| !serves_all(settings)).map(|domain| domain.replace('*', "any"));
    let user = format!("alice@{}", domain.as_deref().unwrap_or(&host));
    let transport = leg.transport();
    let whom =
        if has_users { "one of its users, with its password".to_owned() } else { format!("{user}, any password") };
    line(text, "try it", &format!("set up a phone for {whom}, registrar {host}, port {port}, {transport}"));
    // sipsak has no IPv6, and looks the user's domain up even if it is told where to send to.
    let sipsak = match transport {
        Transport::Udp => Some("-i -v"),
        Transport::Tcp => Some("-i -v -E tcp"),
        _ => None,
    };
    if let Some(options) = sipsak.filter(|_| leg.addr().is_ipv4() && domain.is_none() && !has_users) {
        let expires = settings.registrar.limits.default_expires;
        let contact = format!("-C sip:alice@127.0.0.1:7777 -x {expires}");
        line(text, "", &format!("or: sipsak {options} -U -s sip:{user} -p {host}:{port} {contact}"));
    }
}

fn serves_all(settings: &Settings) -> bool {
    settings.domains.is_empty() || settings.domains.iter().any(|domain| domain == "*")
}

fn line(text: &mut String, name: &str, value: &str) {
    text.push_str(&format!("  {name:<11}{value}\n"));
}

/// An address at which one on this machine can try it.
fn try_host(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
        IpAddr::V6(ip) if ip.is_unspecified() => "[::1]".to_owned(),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}
