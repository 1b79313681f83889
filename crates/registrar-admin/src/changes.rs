//! What became of each binding when a record changed.

use registrar_api::EventKind;
use sip_dispatch::Reason;
use sip_registrar::{Binding, Record, reason};
use sip_transport::Now;

/// What became of a binding.
pub(crate) struct Change<'a> {
    pub(crate) kind: EventKind,
    pub(crate) why: Reason,
    /// As it is now, or as it was, if it is gone.
    pub(crate) binding: &'a Binding<'a>,
}

/// Tells of each binding of which there is something to tell; `why` is that of the whole change.
pub(crate) fn each(
    before: Option<&Record>,
    after: Option<&Record>,
    why: Reason,
    now: Now,
    mut tell: impl FnMut(Change<'_>),
) {
    let before: Vec<_> = before.iter().flat_map(|record| record.bindings()).collect();
    let after: Vec<_> = after.iter().flat_map(|record| record.bindings()).collect();
    for binding in after.iter().filter(|binding| binding.is_live(now.at)) {
        let old = before.iter().find(|old| is_same(old, binding) && old.is_live(now.at));
        let (kind, why) = match old {
            None => (EventKind::Registered, why),
            Some(old) if binding.is_suspect() && !old.is_suspect() => (EventKind::Lost, reason::SUSPECT),
            Some(old) if (old.call_id, old.cseq) != (binding.call_id, binding.cseq) => (EventKind::Refreshed, why),
            Some(_) => continue,
        };
        tell(Change { kind, why, binding });
    }
    for old in before.iter().filter(|old| !after.iter().any(|binding| is_same(old, binding))) {
        let (kind, why) = match old.is_live(now.at) {
            false if old.is_suspect() => (EventKind::Lost, reason::LOST),
            false => (EventKind::Expired, reason::EXPIRED),
            true if why == reason::EVICTED => (EventKind::Evicted, why),
            true => (EventKind::Removed, why),
        };
        tell(Change { kind, why, binding: old });
    }
}

/// Whether it is the same binding, at another time (RFC 5626 §6, RFC 3261 §10.3).
fn is_same(a: &Binding<'_>, b: &Binding<'_>) -> bool {
    if a.instance.is_empty() || b.instance.is_empty() {
        a.uri == b.uri
    } else {
        (a.instance, a.reg_id) == (b.instance, b.reg_id)
    }
}
