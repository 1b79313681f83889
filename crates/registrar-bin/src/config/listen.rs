//! `listen`: where it listens, and which listeners can stand beside each other.

use std::ops::Range;
use std::path::Path;

use sip_transport::{Advertised, IpNet, LegSpec, TlsFiles, Transport};

use super::auth::network;
use super::section::{Item, Section};
use super::{Problems, Settings, origins, tls};

/// A listener, with what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) spec: LegSpec,
    /// What others reach it by.
    pub(crate) advertised: Option<Advertised>,
    pub(crate) tls: Option<TlsFiles>,
    /// Which web sites may open WebSockets; `None`: any.
    pub(crate) origins: Option<Vec<String>>,
    /// The balancers that connections come from; empty: none.
    pub(crate) trusted_proxies: Vec<IpNet>,
}

impl Listener {
    /// A listener with what the settings have for all.
    ///
    /// # Errors
    /// It needs a certificate.
    fn new(spec: LegSpec, settings: &Settings) -> Result<Self, String> {
        let tls = match spec.transport().is_secure() {
            true => Some(settings.tls.files().map_err(|error| format!("leg {spec}: {error}"))?),
            false => None,
        };
        Ok(Self { tls, origins: settings.origins.clone(), ..Self::from(spec) })
    }
}

impl From<LegSpec> for Listener {
    /// A listener of a transport that needs nothing else.
    fn from(spec: LegSpec) -> Self {
        Self { spec, advertised: None, tls: None, origins: None, trusted_proxies: Vec::new() }
    }
}

/// The listeners of the command line.
///
/// # Errors
/// What is wrong with the first of them with which something is.
pub(super) fn from_specs(specs: &[String], settings: &Settings) -> Result<Vec<Listener>, String> {
    let mut listeners: Vec<Listener> = Vec::new();
    for spec in specs {
        let spec: LegSpec = spec.parse().map_err(|error| format!("{error}"))?;
        if let Some(conflict) = conflict(&listeners, spec) {
            return Err(conflict);
        }
        listeners.push(Listener::new(spec, settings)?);
    }
    Ok(listeners)
}

/// Reads `listen`. What the settings have for all listeners has been read before; files are meant from `folder`.
pub(super) fn read(top: &mut Section<'_, '_>, folder: &Path, settings: &mut Settings) {
    const WANTED: &str =
        "a list of listeners, as in [\"udp:0.0.0.0\", { leg = \"tls:0.0.0.0\", advertise = \"sip.example.com\" }]";
    let mut listeners: Vec<Listener> = Vec::new();
    let mut named = false;
    let place = top.items("listen", WANTED, |item| {
        named = true;
        match item {
            Item::Text((spec, at), problems) => {
                if let Some(spec) = read_spec(spec, &at, &listeners, problems) {
                    match Listener::new(spec, settings) {
                        Ok(listener) => listeners.push(listener),
                        Err(error) => problems.add(at, error, None),
                    }
                }
            }
            Item::Table(table) => listeners.extend(read_table(table, folder, &listeners, settings)),
        }
        Ok(())
    });
    let Some(place) = place else { return };
    if !named {
        top.problems.add(place, "listen is empty: name at least one leg, or leave it out for the loopback", None);
    }
    settings.listen = Some(listeners);
}

fn read_spec(spec: &str, at: &Range<usize>, others: &[Listener], problems: &mut Problems) -> Option<LegSpec> {
    let spec = match spec.parse::<LegSpec>() {
        Ok(spec) => spec,
        Err(error) => {
            problems.add(at.clone(), error.to_string(), None);
            return None;
        }
    };
    if let Some(conflict) = conflict(others, spec) {
        problems.add(at.clone(), conflict, None);
        return None;
    }
    Some(spec)
}

fn read_table(mut table: Section<'_, '_>, folder: &Path, others: &[Listener], settings: &Settings) -> Option<Listener> {
    let leg = table.text("leg");
    let advertised = table
        .text("advertise")
        .and_then(|(text, at)| text.parse().map_err(|error| table.problems.add(at, format!("{error}"), None)).ok());
    let own_tls = tls::read(&mut table, folder);
    let own_origins = origins::read(&mut table);
    let trusted_proxies = read_proxies(&mut table);
    let listener = leg.and_then(|(spec, at)| {
        let spec = read_spec(spec, &at, others, table.problems)?;
        let transport = spec.transport();
        let mut useless = |keys: &str, of: &str| {
            table.problems.add(at.clone(), format!("leg {spec} has {keys}, which only {of} can use"), None);
        };
        if !transport.is_secure() && !own_tls.is_empty() {
            useless("keys of TLS", "tls: and wss:");
        }
        if !matches!(transport, Transport::Ws | Transport::Wss) && own_origins.is_some() {
            useless("origins", "ws: and wss:");
        }
        if !transport.is_stream() && !trusted_proxies.is_empty() {
            useless("trusted_proxies", "legs of connections");
        }
        let files = || own_tls.clone().or(&settings.tls).files();
        let tls = match transport.is_secure().then(files).transpose() {
            Ok(tls) => tls,
            Err(error) => {
                table.problems.add(at, format!("leg {spec}: {error}"), None);
                None
            }
        };
        let origins = own_origins.or_else(|| settings.origins.clone());
        Some(Listener { spec, advertised, tls, origins, trusted_proxies })
    });
    if !table.has("leg") {
        let at = table.at.clone();
        table.problems.add(at, "a listener without leg: write leg = \"tls:0.0.0.0\" or the like", None);
    }
    table.finish();
    listener
}

/// The balancers in front of a listener.
fn read_proxies(table: &mut Section<'_, '_>) -> Vec<IpNet> {
    let mut proxies = Vec::new();
    let Some((texts, at)) = table.texts("trusted_proxies") else { return proxies };
    if texts.is_empty() {
        let help = "name the balancers, or leave it out if there are none";
        table.problems.add(at, "trusted_proxies is empty: nobody could connect", Some(help.to_owned()));
    }
    for (text, at) in texts {
        match network(text) {
            Some(network) => proxies.push(network),
            None => {
                let what = format!("{text:?} is no network: write 192.0.2.0/24, 2001:db8::/32 or one address");
                table.problems.add(at, what, None);
            }
        }
    }
    proxies
}

/// Why there cannot be `leg` where there is one of `others`, as the kernel would say later and with fewer words.
fn conflict(others: &[Listener], leg: LegSpec) -> Option<String> {
    let other = others.iter().map(|other| other.spec).find(|other| overlap(*other, leg))?;
    Some(if other == leg {
        format!("leg {leg} is named twice")
    } else if other.addr() == leg.addr() {
        format!(
            "leg {leg} and leg {other} share a port, and a connection does not say which it is for: give one another"
        )
    } else {
        let (wide, narrow) = if other.addr().ip().is_unspecified() { (other, leg) } else { (leg, other) };
        format!("leg {narrow} is part of leg {wide}, which is on every address of this machine: leave one of them out")
    })
}

fn overlap(one: LegSpec, other: LegSpec) -> bool {
    let (a, b) = (one.addr(), other.addr());
    let same_port =
        one.transport().is_stream() == other.transport().is_stream() && a.port() == b.port() && a.port() != 0;
    // A leg on [::] takes IPv6 only.
    let same_place = a.is_ipv4() == b.is_ipv4() && (a == b || a.ip().is_unspecified() || b.ip().is_unspecified());
    same_port && same_place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legs_conflict_where_a_request_could_arrive_at_either() {
        for (one, other, conflicts) in [
            ("udp:127.0.0.1:5060", "udp:127.0.0.1:5060", true),
            ("udp:127.0.0.1", "udp:127.0.0.1:5060", true),
            ("udp:0.0.0.0:5060", "udp:127.0.0.1:5060", true),
            ("tcp:[::1]:5060", "tcp:[::]:5060", true),
            ("udp:127.0.0.1:0", "udp:127.0.0.1:0", false),
            ("udp:127.0.0.1:5060", "tcp:127.0.0.1:5060", false),
            ("udp:127.0.0.1:5060", "udp:127.0.0.1:5061", false),
            ("udp:127.0.0.1:5060", "udp:127.0.0.2:5060", false),
            ("udp:0.0.0.0:5060", "udp:[::]:5060", false),
            ("tcp:127.0.0.1:443", "wss:127.0.0.1", true),
            ("tls:0.0.0.0:5060", "tcp:127.0.0.1:5060", true),
            ("tls:0.0.0.0:5060", "udp:127.0.0.1:5060", false),
        ] {
            let leg = |spec: &str| spec.parse::<LegSpec>().unwrap();
            assert_eq!(conflict(&[leg(one).into()], leg(other)).is_some(), conflicts, "{one} {other}");
            assert_eq!(conflict(&[leg(other).into()], leg(one)).is_some(), conflicts, "{other} {one}");
        }
    }
}
