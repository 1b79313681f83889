//! From text to [`Settings`].

use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

use registrar_admin::TracesConfig;
use sip_dispatch::MaddrPolicy;
use sip_dispatch::links::Rate;
use sip_registrar::{Domains, Eviction, ForeignDomain};
use toml::de::DeTable;
use tracing_subscriber::EnvFilter;

use super::section::Section;
use super::tls::{self, TlsKeys};
use super::{Keep, Problems, Settings, Wrong, admin, auth, flows, listen, location, origins, users};
use crate::Failure;
use crate::cli::ServeArgs;
use crate::message_log::Of;

/// A year in seconds: longer expiries are slips of the finger.
const YEAR: u64 = 365 * 86_400;

/// The settings of a file.
///
/// # Errors
/// The file cannot be read, or everything that is wrong with it.
pub(crate) fn from_file(path: &Path) -> Result<Settings, Failure> {
    from_file_over(path, &TlsKeys::default()).map_err(Wrong::into_failure)
}

/// The same where the command line names a certificate.
fn from_file_over(path: &Path, tls: &TlsKeys) -> Result<Settings, Wrong> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Wrong::Text(format!("error: cannot read the configuration file {file}: {error}")))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&text, folder, tls).map_err(|problems| Wrong::File { file, text: text.clone(), problems })
}

/// The settings of the command line, over those of its file if it names one.
///
/// # Errors
/// The file cannot be read, everything that is wrong with it, or what is wrong with the command line's own values.
pub(crate) fn from_args(args: &ServeArgs) -> Result<Settings, Wrong> {
    let certificate = args.certificate.clone().zip(args.key.clone());
    let tls = certificate.map_or_else(TlsKeys::default, |(chain, key)| TlsKeys::with_certificate(chain, key));
    let mut settings = match &args.config {
        Some(path) => from_file_over(path, &tls)?,
        None => Settings { tls, ..Settings::default() },
    };
    let wrong = |option: &str, error: &dyn std::fmt::Display| Wrong::Text(format!("error: {option}: {error}"));
    if !args.listen.is_empty() {
        let legs = listen::from_specs(&args.listen, &settings).map_err(|error| wrong("--listen", &error))?;
        settings.listen = Some(legs);
    }
    if !args.domain.is_empty() {
        Domains::new(&args.domain).map_err(|error| wrong("--domain", &error))?;
        settings.domains.clone_from(&args.domain);
    }
    if let Some(level) = &args.log {
        check_level(level).map_err(|error| wrong("--log", &error))?;
        settings.log.level.clone_from(level);
    }
    let location = &mut settings.location;
    if let Some(mode) = args.location {
        location.keep = mode.keep(location.keep.interval());
    }
    if let Some(path) = &args.data_dir {
        if location.keep == Keep::InMemory {
            return Err(wrong("--data-dir", &"nothing is written with location mode memory: leave one of them out"));
        }
        if let Some(what) = location::no_directory(path) {
            return Err(wrong("--data-dir", &what));
        }
        location.directory = Some(path.clone());
    }
    Ok(settings)
}

/// Files that `text` names are meant from `folder`. `tls`: what the command line says, over what the text says.
fn parse(text: &str, folder: &Path, tls: &TlsKeys) -> Result<Settings, Problems> {
    let mut problems = Problems::default();
    let mut settings = Settings::default();
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        problems.add(error.span().unwrap_or(0..0), format!("this is no TOML: {}", error.message().trim()), None);
    }
    // What was made of a file that cannot be read as a whole says nothing about what was meant.
    if errors.is_empty() {
        let mut top = Section::top(&table, &mut problems);
        top.section("tls", |section| settings.tls = tls::read(section, folder));
        settings.tls = tls.clone().or(&settings.tls);
        top.section("websocket", |section| settings.origins = origins::read(section));
        listen::read(&mut top, folder, &mut settings);
        read_top(&mut top, &mut settings);
        top.section("log", |log| read_log(log, &mut settings));
        top.section("registrar", |registrar| read_registrar(registrar, &mut settings));
        top.section("throttle", |throttle| read_throttle(throttle, &mut settings));
        top.section("sip", |sip| read_sip(sip, &mut settings));
        top.section("udp", |udp| read_udp(udp, &mut settings));
        top.section("tcp", |tcp| read_tcp(tcp, &mut settings));
        top.section("flows", |section| flows::read(section, &mut settings.flows));
        top.section("admin", |section| settings.admin = Some(admin::read(section, folder)));
        top.section("traces", |traces| read_traces(traces, &mut settings));
        top.section("location", |section| location::read(section, folder, &mut settings.location));
        top.section("users", |section| users::read(section, folder, &mut settings.users));
        let mut auth_at = None;
        top.section("auth", |section| {
            auth_at = Some(section.at.clone());
            auth::read(section, folder, &mut settings.auth);
        });
        if let Some(at) = auth_at.filter(|_| !top.has("users")) {
            let help = "write [users] with file = \"users.toml\"; registrar user add makes that file";
            top.problems.add(at, "[auth] without [users]: nobody could prove anything", Some(help.to_owned()));
        }
        top.finish();
    }
    if problems.0.is_empty() { Ok(settings) } else { Err(problems) }
}

fn read_top(top: &mut Section<'_, '_>, settings: &mut Settings) {
    let domains = top.texts("domains").map(|(domains, _)| domains);
    for (domain, at) in domains.unwrap_or_default() {
        match Domains::new([domain]) {
            Ok(_) => settings.domains.push(domain.to_owned()),
            Err(error) => top.problems.add(at, error.to_string(), None),
        }
    }
    if let Some((workers, _)) = top.number("workers", 1..=1024) {
        settings.workers = u16::try_from(workers).ok().and_then(NonZeroU16::new);
    }
}

fn read_log(log: &mut Section<'_, '_>, settings: &mut Settings) {
    if let Some((level, at)) = log.text("level") {
        match check_level(level) {
            Ok(()) => settings.log.level = level.to_owned(),
            Err(error) => log.problems.add(at, error, None),
        }
    }
    if let Some(json) = log.choice("format", &[("text", false), ("json", true)]) {
        settings.log.json = json;
    }
    let messages = &mut settings.log.messages;
    let every = log.number("sip_every", 0..=1_000_000_000).map(|(every, _)| every);
    for (of, at) in log.texts("sip_of").map(|(texts, _)| texts).unwrap_or_default() {
        match Of::parse(of) {
            Some(of) => messages.of.push(of),
            None => log.wrong("sip_of", at, "addresses of record, IP addresses or networks"),
        }
    }
    // Who names some wants theirs, all of them.
    messages.every = every.unwrap_or(u64::from(!messages.of.is_empty()));
}

fn read_traces(traces: &mut Section<'_, '_>, settings: &mut Settings) {
    let every = traces.number("every", 1..=1_000_000_000).map_or(100, |(every, _)| every);
    match traces.text("endpoint") {
        Some((endpoint, at)) => match TracesConfig::new(endpoint, every) {
            Ok(config) => settings.traces = Some(config),
            Err(error) => traces.problems.add(at, format!("[traces] {error}"), None),
        },
        None if traces.has("endpoint") => {}
        None => {
            let at = traces.at.clone();
            traces.problems.add(at, "[traces] without endpoint: nobody would collect them", None);
        }
    }
}

fn check_level(level: &str) -> Result<(), String> {
    let help = "write error, warn, info, debug or trace, also by module, as in info,sip_transport=debug";
    // An unknown word would be taken for the name of a module that logs everything.
    let words = ["off", "error", "warn", "info", "debug", "trace"];
    let known = |part: &str| part.contains('=') || words.contains(&part.trim().to_lowercase().as_str());
    match EnvFilter::builder().parse(level) {
        Ok(_) if level.split(',').all(known) => Ok(()),
        _ => Err(format!("{level:?} is no log level: {help}")),
    }
}

fn read_registrar(section: &mut Section<'_, '_>, settings: &mut Settings) {
    let registrar = &mut settings.registrar;
    let limits = &mut registrar.limits;
    let seconds = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let min = section.number("min_expires", 1..=YEAR);
    let max = section.number("max_expires", 1..=YEAR);
    let default = section.number("default_expires", 1..=YEAR);
    if let Some((n, _)) = min {
        limits.min_expires = seconds(n);
    }
    if let Some((n, _)) = max {
        limits.max_expires = seconds(n);
    }
    limits.default_expires = default.as_ref().map_or(limits.max_expires, |(n, _)| seconds(*n));
    let (low, high, default_expires) = (limits.min_expires, limits.max_expires, limits.default_expires);
    if low > high
        && let Some((_, at)) = max.or(min)
    {
        let what = format!("[registrar] min_expires ({low}) is greater than max_expires ({high})");
        section.problems.add(at, what, None);
    } else if let Some((_, at)) = default.filter(|_| !(low..=high).contains(&default_expires)) {
        let what = format!(
            "[registrar] default_expires ({default_expires}) is not between min_expires ({low}) and max_expires ({high})"
        );
        section.problems.add(at, what, None);
    }
    if let Some((percent, _)) = section.number("jitter", 0..=100) {
        limits.jitter = u8::try_from(percent).unwrap_or(100);
    }
    if let Some((contacts, _)) = section.number("max_contacts", 1..=255) {
        limits.max_contacts = usize::try_from(contacts).unwrap_or(255);
    }
    let evictions = [("soonest-to-expire", Eviction::SoonestToExpire), ("refuse", Eviction::Refuse)];
    if let Some(eviction) = section.choice("eviction", &evictions) {
        limits.eviction = eviction;
    }
    if let Some((bindings, _)) = section.number("max_bindings", 1..=u64::from(u32::MAX)) {
        registrar.max_bindings = usize::try_from(bindings).unwrap_or(usize::MAX);
    }
    let foreign = [("not-found", ForeignDomain::NotFound), ("pass", ForeignDomain::Pass)];
    if let Some(foreign) = section.choice("foreign_domain", &foreign) {
        registrar.foreign_domain = foreign;
    }
    if let Some((name, at)) = section.text("identity_param") {
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            registrar.identity_param = Some(name.to_owned());
        } else {
            let what = format!("[registrar] identity_param {name:?} is no name of a URI parameter, such as rinstance");
            section.problems.add(at, what, None);
        }
    }
    registrar.redirect = section.flag("redirect").unwrap_or(registrar.redirect);
}

fn read_throttle(section: &mut Section<'_, '_>, settings: &mut Settings) {
    let mut rate = |rate: &'static str, burst: &'static str| {
        let per_second = section.number(rate, 1..=1_000_000);
        let burst_size = section.number(burst, 1..=1_000_000);
        match (per_second, burst_size) {
            (Some((per_second, _)), burst) => {
                let per_second = u32::try_from(per_second).unwrap_or(u32::MAX);
                // Ten seconds' worth at once: phones come in waves.
                let burst = burst.map_or(per_second.saturating_mul(10), |(n, _)| u32::try_from(n).unwrap_or(u32::MAX));
                Some(Rate { per_second, burst })
            }
            (None, Some((_, at))) => {
                section.problems.add(at, format!("[throttle] {burst} without {rate}"), None);
                None
            }
            (None, None) => None,
        }
    };
    settings.throttle.source = rate("per_source", "source_burst");
    settings.throttle.network = rate("per_network", "network_burst");
}

fn read_sip(section: &mut Section<'_, '_>, settings: &mut Settings) {
    settings.route.force_rport = section.flag("force_rport").unwrap_or(false);
    let policies = [("only-source", MaddrPolicy::OnlySource), ("obey", MaddrPolicy::Obey)];
    if let Some(maddr) = section.choice("maddr", &policies) {
        settings.route.maddr = maddr;
    }
    if let Some((text, at)) = section.text("server_header") {
        if text.is_empty() || text.len() > 100 || !text.bytes().all(|byte| (b' '..0x7F).contains(&byte)) {
            section.problems.add(at, "[sip] server_header must be 1 to 100 printable ASCII characters", None);
        } else {
            settings.server_header = Some(text.to_owned());
        }
    }
}

fn read_udp(section: &mut Section<'_, '_>, settings: &mut Settings) {
    if let Some((millis, _)) = section.number("gather", 0..=100) {
        settings.gather = Duration::from_millis(millis);
    }
}

fn read_tcp(section: &mut Section<'_, '_>, settings: &mut Settings) {
    let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    settings.connections = section.number("connections", 1..=10_000_000).map(|(n, _)| count(n));
    settings.connections_per_source = section.number("connections_per_source", 1..=10_000_000).map(|(n, _)| count(n));
}

#[cfg(test)]
mod tests;
