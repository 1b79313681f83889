//! Why somebody is, or is not, reachable.

use std::fmt::Write;

use registrar_api::{Outcome, Why};

use super::address::bindings;
use super::text::when;
use super::{Ink, Look, clean, count};

/// The answer first, then what to do, then what it was found from.
#[must_use]
pub fn why(why: &Why, look: Look) -> String {
    let mut text = look.ink(Ink::Head, clean(&why.aor)) + "\n  " + &clean(&why.summary) + "\n";
    // Writing to a string cannot fail.
    if !why.advice.is_empty() {
        text += "what to do\n";
    }
    for advice in &why.advice {
        let _ = writeln!(text, "  {}: {}", look.ink(Ink::Warn, clean(&advice.reason)), clean(&advice.says));
    }
    if !why.bindings.is_empty() {
        text += "bindings\n";
        text += &bindings(&why.bindings, look);
    }
    if !why.outcomes.is_empty() {
        text += "what happened, the newest first (UTC)\n";
        text += &outcomes(&why.outcomes, look);
    }
    text
}

/// How requests ended, a line each.
#[must_use]
pub fn outcomes(outcomes: &[Outcome], look: Look) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let status = outcome.status.map_or_else(|| "---".to_owned(), |status| status.to_string());
        let ink = match outcome.status {
            Some(200..300) => Ink::Good,
            Some(401 | 407) | None => Ink::Faint,
            Some(_) => Ink::Bad,
        };
        let status = look.ink(ink, format_args!("{status} {}", clean(&outcome.reason)));
        let times = match (outcome.count, &outcome.since) {
            (0 | 1, _) | (_, None) => String::new(),
            (n, Some(since)) => format!("  {} since {}", count(n, "time", "times"), when(since)),
        };
        let agent = outcome.user_agent.as_deref().map(|agent| format!("  {}", clean(agent))).unwrap_or_default();
        let (source, over) = (clean(&outcome.source), clean(&outcome.transport));
        let method = clean(outcome.method.as_deref().unwrap_or("(a binding)"));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}  {method} {status}  from {source} over {over}{agent}{times}", when(&outcome.at));
    }
    text
}
