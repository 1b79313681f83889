//! How the registrar is.

use std::fmt::Write;

use registrar_api::{State, Status};

use super::text::grouped;
use super::{Ink, Look, clean, count, span, when};

/// A certificate that ends sooner is worth a word: so many days.
const SOON: i64 = 14;

/// How it is, in a few lines.
#[must_use]
pub fn status(status: &Status, look: Look) -> String {
    let (state, ink) = state(status.state);
    let mut text = look.ink(Ink::Head, format_args!("registrar {}", clean(&status.version)));
    let mut line = |name: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {name:<12} {value}");
    };
    let workers = count(status.workers.into(), "worker", "workers");
    line("state", format!("{}, process {}, {workers}", look.ink(ink, state), status.pid));
    line("since", format!("{} UTC ({})", when(&status.started_at), span(status.uptime)));
    for listener in &status.listeners {
        let advertise = listener.advertise.as_deref().map(|name| format!(", known as {}", clean(name)));
        line("listening", format!("{}{}", clean(&listener.leg), advertise.unwrap_or_default()));
    }
    let domains = status.domains.iter().map(|domain| clean(domain)).collect::<Vec<_>>().join(" ");
    line("domains", if domains.is_empty() { "every domain".to_owned() } else { domains });
    let location = &status.location;
    let place = location.directory.as_deref().map(|place| format!(" in {}", clean(place))).unwrap_or_default();
    let (bindings, most) = (number(location.bindings), number(location.max_bindings));
    let bindings = format!("{} of at most {}", grouped(bindings), grouped(most));
    line("bindings", format!("{bindings}, kept {}{place}", clean(&location.mode)));
    if let Some(failure) = &location.failure {
        line("", look.ink(Ink::Bad, format_args!("nothing can be kept: {}", clean(failure))));
    }
    for backend in &status.backends {
        let delay = backend.delay_ms.map(|ms| format!(", {ms} ms")).unwrap_or_default();
        let state = match &backend.failure {
            _ if backend.up => look.ink(Ink::Good, "up"),
            failure => look.ink(Ink::Bad, format_args!("down: {}", clean(failure.as_deref().unwrap_or("unknown")))),
        };
        line(&clean(&backend.name), format!("{}, {state}{delay}", clean(&backend.kind)));
    }
    for hook in &status.webhooks {
        let state = match &hook.failure {
            _ if hook.up => look.ink(Ink::Good, "up"),
            failure => look.ink(Ink::Bad, format_args!("down: {}", clean(failure.as_deref().unwrap_or("unknown")))),
        };
        let (delivered, queued, missed) = (grouped(hook.delivered), grouped(hook.queued), grouped(hook.missed));
        line("webhook", format!("{}, {state}: {delivered} taken, {queued} queued, {missed} missed", clean(&hook.url)));
    }
    for certificate in &status.certificates {
        let left = match certificate.days_left {
            days @ ..0 => look.ink(Ink::Bad, format_args!("ended {} days ago", days.unsigned_abs())),
            days @ 0..SOON => look.ink(Ink::Warn, format_args!("{days} days left")),
            days => format!("{days} days left"),
        };
        let names = certificate.names.iter().map(|name| clean(name)).collect::<Vec<_>>().join(" ");
        line("certificate", format!("{names}: {left} ({})", clean(&certificate.file)));
    }
    let counters: Vec<_> = status.counters.iter().map(|(name, n)| format!("{} {}", clean(name), grouped(*n))).collect();
    let mut pieces = counters.chunks(3).map(|chunk| chunk.join("  "));
    line("counted", pieces.next().unwrap_or_else(|| "nothing yet".to_owned()));
    for piece in pieces {
        line("", piece);
    }
    text.push('\n');
    text
}

fn state(state: State) -> (&'static str, Ink) {
    match state {
        State::Serving => ("serving", Ink::Good),
        State::Draining => ("draining", Ink::Warn),
    }
}

fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
