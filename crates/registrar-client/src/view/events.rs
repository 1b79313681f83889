//! Events, a line each.

use registrar_api::{Event, EventKind, Missed};

use super::text::time_of_day;
use super::{Ink, Look, clean};

/// One line, with its end.
#[must_use]
pub fn event(event: &Event, look: Look) -> String {
    let ink = match event.kind {
        EventKind::Registered | EventKind::BackendUp => Ink::Good,
        EventKind::Refreshed => Ink::Faint,
        EventKind::Removed | EventKind::Expired => Ink::Head,
        EventKind::Evicted | EventKind::Lost => Ink::Warn,
        EventKind::Refused | EventKind::BackendDown => Ink::Bad,
    };
    let mut words = vec![look.ink(Ink::Faint, time_of_day(&event.at))];
    words.push(look.ink(ink, format_args!("{:<12}", event.kind.name())));
    // What the kind says already, the reason need not say again.
    let reason = (event.reason != event.kind.name()).then(|| clean(&event.reason));
    let status = event.status.map(|status| status.to_string());
    let texts = [&event.backend, &event.aor, &event.contact].map(|text| text.as_deref().map(clean));
    words.extend(texts.into_iter().flatten());
    words.extend(event.expires.filter(|_| is_granted(event.kind)).map(|seconds| format!("for {seconds} s")));
    words.extend(status);
    words.extend(reason);
    if let Some(source) = &event.source {
        let over = event.transport.as_deref().map(|over| format!(" over {}", clean(over))).unwrap_or_default();
        words.push(format!("from {}{over}", clean(source)));
    }
    words.extend(event.user_agent.as_deref().map(|agent| look.ink(Ink::Faint, clean(agent))));
    words.join("  ") + "\n"
}

/// So much was not seen.
#[must_use]
pub fn missed(missed: Missed, look: Look) -> String {
    let says = match missed.missed {
        Some(n) => format!("{n} events were missed: they came faster than they were read"),
        None => "events were missed, nobody knows how many".to_owned(),
    };
    look.ink(Ink::Warn, says) + "\n"
}

fn is_granted(kind: EventKind) -> bool {
    matches!(kind, EventKind::Registered | EventKind::Refreshed)
}
