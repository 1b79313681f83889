//! The page of all reasons, from the tables that the program uses.

use sip_dispatch::Reason;

/// In Markdown.
pub(crate) fn page() -> String {
    let (all, registrations) = (rows(sip_dispatch::reason::ALL), rows(sip_registrar::reason::ALL));
    format!(
        "# Reason codes\n\n\
         Why a request or a binding ended as it did: the `reason` in the log, in [`why`, refusals and events](admin.md) and in\n\
         [metrics](metrics.md). Codes are stable: each keeps its meaning. The status is the usual one: with `proxy`, 401 is 407.\n\n\
         This page is written by `cargo xtask reasons` from the tables in the code; do not edit it.\n\n\
         ## Of every request\n\n\
         `crates/sip-dispatch/src/reason.rs`\n\n{all}\n\
         ## Of registrations and redirections\n\n\
         `crates/sip-registrar/src/reason.rs`; those without a status are of bindings that no request has ended.\n\n\
         {registrations}"
    )
}

fn rows(reasons: &[Reason]) -> String {
    let row = |reason: &Reason| {
        let status = reason.status().map(|status| status.to_string()).unwrap_or_default();
        format!("| `{}` | {status} | {} |\n", reason.code(), reason.says())
    };
    "| code | status | what happened, and what to do |\n|---|---|---|\n".to_owned()
        + &reasons.iter().map(row).collect::<String>()
}
