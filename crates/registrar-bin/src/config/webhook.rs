//! `[[admin.webhook]]`: who is told of events.

use std::path::Path;

use registrar_admin::Webhook;

use super::section::{Placed, Section};

/// One of them.
pub(super) fn read(table: &mut Section<'_, '_>, folder: &Path) -> Option<Webhook> {
    let url = table.text("url");
    let secret = read_secret(table, folder);
    let events = table.texts("events").map(|(names, _)| names).unwrap_or_default();
    let domains = table.texts("domains").map(|(domains, _)| domains).unwrap_or_default();
    let Some((url, at)) = url else {
        if !table.has("url") {
            let at = table.at.clone();
            table.problems.add(at, "[admin.webhook] without url: write url = \"https://…\"", None);
        }
        return None;
    };
    let names = events.iter().map(|(name, _)| *name);
    let hook = Webhook::new(url, &secret?).and_then(|hook| hook.kinds(names));
    match hook {
        Ok(hook) => Some(hook.domains(domains.into_iter().map(|(domain, _)| domain))),
        Err(error) => {
            table.problems.add(at, format!("[admin.webhook] {error}"), None);
            None
        }
    }
}

/// As it stands here, in a file, or in a variable of the environment.
fn read_secret(table: &mut Section<'_, '_>, folder: &Path) -> Option<String> {
    let given: [Option<Placed<'_>>; 3] = [table.text("secret"), table.text("secret_file"), table.text("secret_env")];
    let found = match given {
        [Some((text, _)), None, None] => Ok(text.to_owned()),
        [None, Some((file, at)), None] => {
            let path = folder.join(file);
            std::fs::read_to_string(&path).map_err(|error| (at, format!("secret_file {}: {error}", path.display())))
        }
        [None, None, Some((name, at))] => {
            std::env::var(name).map_err(|error| (at, format!("secret_env {name}: {error}")))
        }
        _ => Err((table.at.clone(), "needs one of secret, secret_file and secret_env".to_owned())),
    };
    let failed = |(at, what)| table.problems.add(at, format!("[admin.webhook] {what}"), None);
    found.map_err(failed).ok()
}
