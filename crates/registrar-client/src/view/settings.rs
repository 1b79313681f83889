//! What is configured.

use std::fmt::Write;

use registrar_api::{DomainSettings, Effective, Reloaded, Setting};

use super::{Column, Ink, Look, clean, table};

/// Every setting, its value and where it comes from.
#[must_use]
pub fn effective(effective: &Effective, look: Look) -> String {
    let file = effective.file.as_deref().map_or("no configuration file".to_owned(), clean);
    let mut text = look.ink(Ink::Head, file) + "\n" + &settings(&effective.settings, look);
    for of in &effective.domains {
        text.push('\n');
        text += &domain(of, look);
    }
    text
}

/// What holds for a domain.
#[must_use]
pub fn domain(domain: &DomainSettings, look: Look) -> String {
    let head = look.ink(Ink::Head, format_args!("domain {}", clean(&domain.domain)));
    format!("{head}\n{}", settings(&domain.settings, look))
}

/// What a reload did.
#[must_use]
pub fn reloaded(reloaded: &Reloaded, look: Look) -> String {
    let mut text = String::new();
    for (what, ink, keys) in [
        ("in force: ", Ink::Good, &reloaded.applied),
        ("needs a restart: ", Ink::Warn, &reloaded.needs_restart),
        ("warning: ", Ink::Warn, &reloaded.warnings),
    ] {
        for key in keys {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}{}", look.ink(ink, what), clean(key));
        }
    }
    if reloaded.applied.is_empty() && reloaded.needs_restart.is_empty() {
        text += "nothing has changed\n";
    }
    text
}

fn settings(settings: &[Setting], look: Look) -> String {
    let columns = [Column::Key("SETTING"), Column::Left("VALUE"), Column::Left("FROM"), Column::Word("CHANGES")];
    let rows = settings.iter().map(|setting| {
        let ink = (setting.origin == "default").then_some(Ink::Faint);
        let changes = if setting.live { "reload" } else { "restart" };
        vec![
            (clean(&setting.key), None),
            (clean(&setting.value), None),
            (clean(&setting.origin), ink),
            (changes.to_owned(), None),
        ]
    });
    table(look, &columns, rows)
}
