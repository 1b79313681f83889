//! `[flows]`: what becomes of bindings when their connections end.

use std::time::Duration;

use sip_transport::StreamConfig;

use super::section::Section;

/// How bindings follow their connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlowSettings {
    /// Whether a binding ends with its connection.
    pub(crate) follow: bool,
    /// How long a phone has for coming back.
    pub(crate) grace: Duration,
    /// The same after a restart.
    pub(crate) restart_grace: Duration,
    /// Whether contacts that name the address they come from outlive their connection.
    pub(crate) keep_reachable: bool,
    /// After how long a silence a peer is asked whether it is there; `None`: never.
    pub(crate) keepalive: Option<Duration>,
    /// How often a silent peer is pinged; `None`: never.
    pub(crate) ping: Option<Duration>,
    /// After how many pings in vain a WebSocket has ended.
    pub(crate) ping_failures: u32,
}

impl Default for FlowSettings {
    fn default() -> Self {
        Self {
            follow: true,
            grace: Duration::from_secs(5),
            restart_grace: Duration::from_secs(60),
            keep_reachable: false,
            keepalive: StreamConfig::default().keepalive,
            ping: None,
            ping_failures: StreamConfig::default().ping_failures,
        }
    }
}

pub(super) fn read(section: &mut Section<'_, '_>, flows: &mut FlowSettings) {
    let follow = section.flag("follow");
    flows.follow = follow.unwrap_or(flows.follow);
    let mut seconds = |key, most| section.number(key, 0..=most).map(|(n, at)| (Duration::from_secs(n), at));
    let grace = seconds("grace", 300);
    let restart_grace = seconds("restart_grace", 3600);
    let keepalive = seconds("keepalive", 7200);
    let ping = seconds("ping", 3600);
    if let Some(failures) = section.number("ping_failures", 1..=10).and_then(|(n, _)| u32::try_from(n).ok()) {
        flows.ping_failures = failures;
    }
    let keep_reachable = section.flag("keep_reachable");
    if let Some((_, at)) = grace.as_ref().or(restart_grace.as_ref()).filter(|_| !flows.follow) {
        let help = "with follow = false a binding outlives its connection: leave the other out";
        section.problems.add(at.clone(), "[flows] a grace with follow = false", Some(help.to_owned()));
    }
    flows.grace = grace.map_or(flows.grace, |(grace, _)| grace);
    flows.restart_grace = restart_grace.map_or(flows.restart_grace, |(grace, _)| grace);
    if let Some((silence, _)) = keepalive {
        flows.keepalive = (!silence.is_zero()).then_some(silence);
    }
    if let Some((interval, _)) = ping {
        flows.ping = (!interval.is_zero()).then_some(interval);
    }
    flows.keep_reachable = keep_reachable.unwrap_or(flows.keep_reachable);
}
