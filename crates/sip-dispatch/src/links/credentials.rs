//! Credentials that two readers could understand in two ways.

use sip_message::HeaderId;
use sip_message::header::Quoted;

use crate::Exchange;

/// How many credentials of one kind a request may have: one for each realm on its way.
const MAX: usize = 8;

/// Whether every Authorization and Proxy-Authorization can be read in one way only: it is well-formed, a digest has no
/// parameter twice, and no two digests of one kind are for the same realm. Whether they are right is not asked here.
pub(super) fn are_plain(ex: &Exchange<'_>) -> bool {
    [HeaderId::Authorization, HeaderId::ProxyAuthorization].into_iter().all(|kind| are_plain_in(ex, kind))
}

fn are_plain_in(ex: &Exchange<'_>, kind: HeaderId) -> bool {
    if ex.message().value(kind).is_none() {
        return true;
    }
    let mut realms: [Option<Quoted<'_>>; MAX] = [None; MAX];
    for (at, line) in ex.message().lines(kind).enumerate() {
        let Some(place) = realms.get_mut(at) else { return false };
        match ex.digest(line) {
            Ok(digest) => *place = digest.map(|digest| digest.realm),
            Err(_) => return false,
        }
        let Some((last, before)) = realms.get(..=at).and_then(<[_]>::split_last) else { continue };
        if last.is_some_and(|realm| before.iter().flatten().any(|other| other.bytes().eq(realm.bytes()))) {
            return false;
        }
    }
    true
}
