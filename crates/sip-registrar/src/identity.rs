//! Which binding a contact renews.

use sip_message::Uri;
use sip_message::uri::equivalent;

use crate::plan::Change;
use crate::record::Binding;

/// A URI parameter by which phones mark themselves, such as `rinstance` or `line`: contacts of one user with the same
/// value are one phone, whatever address it has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityParam(pub String);

/// Whether `change` is about `binding`.
///
/// * `reg-id` on either side: both must have the same, and the same instance (RFC 5626 §6);
/// * an instance on both sides: it must be the same, so that a phone that comes back with a new address replaces itself;
/// * else the URIs are compared (RFC 3261 §19.1.4), or the chosen parameter.
pub(crate) fn is_same(binding: &Binding<'_>, change: &Change<'_>, param: Option<&IdentityParam>) -> bool {
    let binding_names = (binding.instance, binding.reg_id);
    same_phone(binding_names, (change.instance, change.reg_id)).unwrap_or_else(|| {
        binding.uri == change.uri.as_bytes()
            || binding.parsed_uri().is_some_and(|uri| same_uri(&uri, &change.uri, param))
    })
}

/// Whether two values of one request name the same binding.
pub(crate) fn are_same(a: &Change<'_>, b: &Change<'_>, param: Option<&IdentityParam>) -> bool {
    same_phone((a.instance, a.reg_id), (b.instance, b.reg_id)).unwrap_or_else(|| same_uri(&a.uri, &b.uri, param))
}

/// What instance and reg-id say; `None` if they say nothing.
fn same_phone(a: (&[u8], Option<u32>), b: (&[u8], Option<u32>)) -> Option<bool> {
    let both = !a.0.is_empty() && !b.0.is_empty();
    if a.1.is_some() || b.1.is_some() {
        return Some(a.1 == b.1 && both && same_instance(a.0, b.0));
    }
    both.then(|| same_instance(a.0, b.0))
}

/// Instance ids are URNs; those with UUIDs, which nearly all are, do not know case (RFC 5626 §4.1, RFC 4122 §3).
fn same_instance(a: &[u8], b: &[u8]) -> bool {
    const UUID: &[u8] = b"<urn:uuid:";
    if a.get(..UUID.len()).is_some_and(|start| start.eq_ignore_ascii_case(UUID)) {
        a.eq_ignore_ascii_case(b)
    } else {
        a == b
    }
}

fn same_uri(a: &Uri<'_>, b: &Uri<'_>, param: Option<&IdentityParam>) -> bool {
    param.is_some_and(|param| same_mark(a, b, &param.0)) || equivalent(a, b)
}

/// Both have the parameter, with the same value, and the same user.
fn same_mark(a: &Uri<'_>, b: &Uri<'_>, name: &str) -> bool {
    let (Uri::Sip(a), Uri::Sip(b)) = (a, b) else { return false };
    let value = a.param(name.as_bytes()).flatten();
    value.is_some() && value == b.param(name.as_bytes()).flatten() && a.user() == b.user()
}
