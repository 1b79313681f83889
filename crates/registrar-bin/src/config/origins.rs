//! `origins`: the web sites whose pages may open WebSockets (RFC 6454).

use super::Problems;
use super::section::{Placed, Section};

/// `origins` of `[websocket]`, or of a listener; `None` if nothing is said.
pub(super) fn read(section: &mut Section<'_, '_>) -> Option<Vec<String>> {
    let (texts, _) = section.texts("origins")?;
    let mut origins = Vec::new();
    for origin in texts {
        check(&origin, section.problems);
        origins.push(origin.0.to_ascii_lowercase());
    }
    Some(origins)
}

/// An origin is a scheme, a host, and a port if it is not the scheme's own; a slash behind it would never match.
fn check((origin, at): &Placed<'_>, problems: &mut Problems) {
    let place = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let is_good = place.is_some_and(|place| {
        !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
    });
    if !is_good {
        let help = "write what the browser sends as Origin, as in https://phone.example.com or http://localhost:8000";
        problems.add(at.clone(), format!("{origin:?} is no origin of web pages"), Some(help.to_owned()));
    }
}
