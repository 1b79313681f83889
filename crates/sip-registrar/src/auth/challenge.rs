//! WWW-Authenticate and Proxy-Authenticate, as they are sent.

use sip_message::header::Algorithm;
use sip_message::{Own, Put, Sink};

use super::Policy;

/// One challenge (RFC 7616 §3.3).
pub(super) struct Challenge<'a> {
    /// Nothing in it needs a backslash.
    pub(super) realm: &'a [u8],
    pub(super) nonce: &'a [u8],
    pub(super) algorithm: Algorithm,
    pub(super) opaque: Option<&'a str>,
    pub(super) policy: &'a Policy,
    pub(super) stale: bool,
}

impl Put for Challenge<'_> {
    fn put(&self, sink: &mut Sink<'_>) {
        let Self { realm, nonce, algorithm, opaque, policy, stale } = self;
        sink.put(&(Own("Digest realm=\""), *realm, Own("\", nonce=\""), *nonce));
        sink.put(&(Own("\", algorithm="), Own(algorithm.name())));
        for (at, qop) in policy.qops.iter().enumerate() {
            sink.put(&(Own(if at == 0 { ", qop=\"" } else { "," }), Own(qop.name())));
        }
        if !policy.qops.is_empty() {
            sink.put(&Own("\""));
        }
        if let Some(opaque) = opaque {
            sink.put(&(Own(", opaque=\""), *opaque, Own("\"")));
        }
        if policy.userhash {
            sink.put(&Own(", userhash=true"));
        }
        if *stale {
            sink.put(&Own(", stale=true"));
        }
    }
}

/// Whether a text can stand between quotes as it is.
pub(super) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\')
}
