//! What identifies a server transaction.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;

use sip_message::header::Via;
use sip_message::{HeaderId, Message};
use sip_transport::Peer;

/// A server transaction: a keyed hash, so that nobody can choose two that are taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TransactionKey(pub(crate) u64);

/// Makes the keys and tags of one worker.
#[derive(Debug, Default)]
pub(crate) struct Keys(RandomState);

impl Keys {
    /// RFC 3261 §17.2.3, with the source, and with what a phone changes even when it repeats its branch: Call-ID and
    /// CSeq. Without a unique branch, all that RFC 2543 compares.
    pub(crate) fn transaction(&self, message: Message<'_>, via: &Via<'_>, peer: &Peer) -> TransactionKey {
        let cseq = message.value(HeaderId::CSeq).unwrap_or_default();
        let call_id = message.value(HeaderId::CallId).unwrap_or_default();
        let mut hasher = self.0.build_hasher();
        hasher.write(prefix(peer, [via.bytes, cseq, call_id]).as_flattened());
        hasher.write(via.bytes);
        hasher.write(cseq);
        hasher.write(call_id);
        if via.unique_branch().is_none() {
            let uri = message.request().map_or(b"".as_slice(), |request| request.uri);
            let from = message.value(HeaderId::From).unwrap_or_default();
            let to = message.value(HeaderId::To).unwrap_or_default();
            hasher.write(prefix(peer, [uri, from, to]).as_flattened());
            hasher.write(uri);
            hasher.write(from);
            hasher.write(to);
        }
        TransactionKey(hasher.finish())
    }

    /// The To tag of every answer in a transaction: the same for all, not to be guessed from outside (RFC 3261 §19.3),
    /// and telling nothing of the key.
    pub(crate) fn to_tag(&self, key: TransactionKey) -> [u8; 16] {
        // Half a byte stands in each of sixteen, and becomes a letter from a to p.
        let halves = u128::from(self.0.hash_one(key));
        let halves = (halves | halves << 32) & 0x0000_0000_FFFF_FFFF_0000_0000_FFFF_FFFF;
        let halves = (halves | halves << 16) & 0x0000_FFFF_0000_FFFF_0000_FFFF_0000_FFFF;
        let halves = (halves | halves << 8) & 0x00FF_00FF_00FF_00FF_00FF_00FF_00FF_00FF;
        let halves = (halves | halves << 4) & 0x0F0F_0F0F_0F0F_0F0F_0F0F_0F0F_0F0F_0F0F;
        (halves + u128::from_le_bytes([b'a'; 16])).to_le_bytes()
    }
}

/// The source, and the lengths of what follows, so that it can be divided in one way only.
fn prefix(peer: &Peer, [a, b, c]: [&[u8]; 3]) -> [[u8; 8]; 3] {
    let ip = match peer.remote.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    let [high, low] = [ip.to_bits() >> 64, ip.to_bits()].map(|half| (half as u64).to_be_bytes());
    // No part is longer than a message, whose length has 16 bits.
    let numbers = [usize::from(peer.remote.port()), a.len(), b.len(), c.len()];
    let packed = numbers.into_iter().fold(0, |packed, number| packed << 16 | number as u64);
    [high, low, packed.to_be_bytes()]
}
