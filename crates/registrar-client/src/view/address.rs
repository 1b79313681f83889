//! Addresses of record and their bindings.

use std::fmt::Write;

use registrar_api::{Aor, Binding, BindingState, Removed};

use super::{Column, Ink, Look, clean, span, table, when};

/// A line for each binding.
#[must_use]
pub fn addresses(aors: &[Aor], look: Look) -> String {
    let columns = [
        Column::Key("ADDRESS"),
        Column::Key("CONTACT"),
        Column::Word("STATE"),
        Column::Right("EXPIRES"),
        Column::Left("SOURCE"),
        Column::Word("OVER"),
        Column::Left("USER AGENT"),
    ];
    let rows = aors.iter().flat_map(|aor| aor.bindings.iter().map(|binding| row(&aor.aor, binding)));
    table(look, &columns, rows)
}

/// One address with all that is known of its bindings.
#[must_use]
pub fn address(aor: &Aor, look: Look) -> String {
    let mut text = look.ink(Ink::Head, clean(&aor.aor));
    text.push('\n');
    if aor.bindings.is_empty() {
        text += "  no binding\n";
    }
    text + &bindings(&aor.bindings, look)
}

/// What was removed.
#[must_use]
pub fn removed(removed: &Removed) -> String {
    let mut text = String::new();
    for contact in &removed.removed {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "removed {}", clean(contact));
    }
    let _ = match removed.left {
        0 => writeln!(text, "{} has no binding left", clean(&removed.aor)),
        1 => writeln!(text, "{} has 1 binding left", clean(&removed.aor)),
        left => writeln!(text, "{} has {left} bindings left", clean(&removed.aor)),
    };
    text
}

/// The bindings of one address, each as a paragraph.
pub(super) fn bindings(bindings: &[Binding], look: Look) -> String {
    let mut text = String::new();
    for binding in bindings {
        let (state, ink) = state(binding.state);
        let nat = if binding.nat { ", through a NAT" } else { "" };
        let mut facts = vec![
            ("state", look.ink(ink, state)),
            ("expires", format!("in {}, at {} UTC", span(binding.expires_in.into()), when(&binding.expires_at))),
            ("registered", format!("at {} UTC for {}", when(&binding.registered_at), span(binding.granted.into()))),
            ("from", format!("{} over {}{nat}", clean(&binding.source), clean(&binding.transport))),
        ];
        if let Some(flow) = &binding.flow {
            let follows = if binding.follows_flow { ", and ends with it" } else { ", and outlives it" };
            facts.push(("flow", format!("{}{follows}", clean(flow))));
        }
        let q = (binding.q < 1000).then(|| format!("0.{:03}", binding.q).trim_end_matches('0').to_owned());
        let optional = [
            ("q", &q.map(|q| if q.ends_with('.') { "0".to_owned() } else { q })),
            ("instance", &binding.instance),
            ("reg-id", &binding.reg_id.map(|id| id.to_string())),
            ("path", &binding.path),
            ("user agent", &binding.user_agent),
            ("round trip", &binding.round_trip_ms.map(|ms| format!("{ms} ms"))),
        ];
        facts.extend(optional.into_iter().filter_map(|(name, value)| Some((name, clean(value.as_deref()?)))));
        facts.push(("Call-ID", format!("{}, CSeq {}", clean(&binding.call_id), binding.cseq)));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}", clean(&binding.contact));
        for (name, value) in facts {
            let _ = writeln!(text, "    {name:<11} {value}");
        }
    }
    text
}

fn row(aor: &str, binding: &Binding) -> Vec<(String, Option<Ink>)> {
    let (state, ink) = state(binding.state);
    vec![
        (clean(aor), None),
        (clean(&binding.uri), None),
        (state.to_owned(), Some(ink)),
        (span(binding.expires_in.into()), None),
        (clean(&binding.source), None),
        (clean(&binding.transport), None),
        (clean(binding.user_agent.as_deref().unwrap_or("-")), None),
    ]
}

fn state(state: BindingState) -> (&'static str, Ink) {
    match state {
        BindingState::Reachable => ("reachable", Ink::Good),
        BindingState::Suspect => ("suspect", Ink::Warn),
    }
}
