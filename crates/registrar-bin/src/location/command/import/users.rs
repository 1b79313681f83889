//! Addresses of record as Kamailio has them: the user without escapes, and the domain perhaps elsewhere.

use crate::users::Address;

/// The URI of a user.
///
/// # Errors
/// There is no domain, or they make no address.
pub(super) fn aor(name: &str, domain: Option<&str>) -> Result<String, String> {
    let domain = domain.ok_or_else(|| format!("{name} has no domain: --domain says in which domain such users are"))?;
    let address = Address::of(name, domain).map_err(|error| error.to_string())?;
    Ok(format!("sip:{address}"))
}

/// The same of both in one text, as Kamailio has it with `use_domain`.
pub(super) fn split_aor(text: &str, domain: Option<&str>) -> Result<String, String> {
    match text.rsplit_once('@') {
        Some((name, domain)) => aor(name, Some(domain)),
        None => aor(text, domain),
    }
}
