//! Nonces that need no memory: each says itself when it was made, and a signature says that it was made here.
//!
//! ```text
//!   key id 1 │ time 4 │ serial 8 │ HMAC-SHA-256 over these, the realm and, if wanted, the source, cut to 17
//! ```
//!
//! 30 bytes, 40 characters. The keys that sign are made anew from a secret every hour, so that none of them signs much;
//! nodes that share the secret know each other's nonces.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use sip_transport::Timestamp;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

type HmacSha256 = Hmac<Sha256>;

const BYTES: usize = 30;
/// What is signed.
const SIGNED: usize = 13;
/// A nonce as it is written.
pub(crate) const TEXT: usize = 40;
/// Seconds for which a key signs.
const EPOCH: u32 = 3600;
/// How far in the future a nonce of a node with another clock may have been made, in seconds.
pub(crate) const SKEW: u32 = 60;
/// How old a nonce may be, in seconds, to be known as one that was made here.
const MEMORY: u32 = 24 * EPOCH;
/// Room for the keys of that time and of the future.
const KEYS: usize = 32;

/// Why there are no keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// No secret was given.
    #[error("nonces need at least one secret")]
    None,
    /// A secret can be guessed.
    #[error("a secret for nonces has at least 32 bytes, this one has {0}")]
    Short(usize),
    /// The system has no random numbers.
    #[error("no random numbers: {0}")]
    Random(String),
}

/// What signs nonces.
///
/// The first secret signs, the others are only recognised: to change the secret of several nodes, add the new one at
/// the end everywhere, then move it to the front everywhere, then remove the old one.
pub struct NonceKeys {
    secrets: Box<[Secret]>,
    /// The part of a serial that tells processes apart.
    process: u64,
    serial: AtomicU64,
}

struct Secret {
    id: u8,
    root: Zeroizing<[u8; 32]>,
    /// The keys of the last hours, each at its hour's place.
    derived: RwLock<[Option<Derived>; KEYS]>,
}

#[derive(Clone)]
struct Derived {
    epoch: u32,
    key: HmacSha256,
}

/// Where a nonce comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From here, and it may be used.
    Fresh(Nonce),
    /// From here, too long ago.
    Old,
    /// From elsewhere, from before a restart, forged or damaged.
    Foreign,
}

/// A nonce that was made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nonce {
    /// When, in seconds.
    pub(crate) made: u32,
    /// No other nonce has it.
    pub(crate) serial: u64,
    /// This very process made it, and not another with the same secret.
    pub(crate) own: bool,
}

impl NonceKeys {
    /// Whether they are made of the same secrets, in the same order.
    pub(crate) fn has_secrets_of(&self, other: &Self) -> bool {
        let roots = |keys: &'_ Self| keys.secrets.iter().map(|secret| secret.root.clone()).collect::<Vec<_>>();
        roots(self) == roots(other)
    }

    /// Keys of this process alone: its nonces mean nothing to others, nor to itself after a restart.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn random() -> Result<Self, KeysError> {
        let mut secret = [0; 32];
        fill(&mut secret)?;
        Self::shared([secret])
    }

    /// Keys from these secrets of at least 32 bytes each, which other nodes may have too.
    ///
    /// # Errors
    /// There is none, one is too short, or the system has no random numbers.
    pub fn shared<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, KeysError> {
        let secrets = secrets.into_iter().map(|secret| Secret::new(secret.as_ref())).collect::<Result<Box<_>, _>>()?;
        if secrets.is_empty() {
            return Err(KeysError::None);
        }
        let mut process = [0; 8];
        fill(&mut process)?;
        Ok(Self { secrets, process: u64::from_ne_bytes(process), serial: AtomicU64::new(0) })
    }

    /// A new nonce, as it is written.
    pub(crate) fn make(&self, realm: &[u8], source: Option<IpAddr>, now: Timestamp) -> [u8; TEXT] {
        let made = seconds(now);
        let serial = self.process.wrapping_add(self.serial.fetch_add(1, Ordering::Relaxed));
        let mut bytes = [0; BYTES];
        if let Some(secret) = self.secrets.first() {
            let head = head(secret.id, made, serial);
            if let Some((signed, signature)) = bytes.split_first_chunk_mut::<SIGNED>() {
                *signed = head;
                let right = secret.sign(&head, made, realm, source);
                if let Some(right) = right.get(..signature.len()) {
                    signature.copy_from_slice(right);
                }
            }
        }
        let mut text = [b'A'; TEXT];
        // 30 bytes are 40 characters.
        drop(URL_SAFE_NO_PAD.encode_slice(bytes, &mut text));
        text
    }

    /// Reads a nonce that was perhaps made here, or by a node that shares a secret, for this realm and source, and may
    /// be used for `life` seconds.
    pub(crate) fn read(&self, text: &[u8], realm: &[u8], source: Option<IpAddr>, life: u32, now: Timestamp) -> Origin {
        match self.nonce(text, realm, source, now) {
            Some(nonce) if seconds(now).saturating_sub(nonce.made) <= life => Origin::Fresh(nonce),
            Some(_) => Origin::Old,
            None => Origin::Foreign,
        }
    }

    fn nonce(&self, text: &[u8], realm: &[u8], source: Option<IpAddr>, now: Timestamp) -> Option<Nonce> {
        let mut bytes = [0; BYTES];
        if text.len() != TEXT || URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) != Ok(BYTES) {
            return None;
        }
        let (signed, signature) = bytes.split_first_chunk::<SIGNED>()?;
        let [id, made @ .., _, _, _, _, _, _, _, _] = signed;
        let [.., a, b, c, d, e, f, g, h] = signed;
        let (made, serial) = (u32::from_be_bytes(*made), u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]));
        let now = seconds(now);
        if now.saturating_sub(made) > MEMORY || made.saturating_sub(now) > SKEW {
            return None;
        }
        let secret = self.secrets.iter().find(|secret| secret.id == *id)?;
        let right = secret.sign(signed, made, realm, source);
        let is_right = bool::from(right.get(..BYTES - SIGNED)?.ct_eq(signature));
        let own = serial.wrapping_sub(self.process) < self.serial.load(Ordering::Relaxed);
        is_right.then_some(Nonce { made, serial, own })
    }
}

/// Seconds since the epoch; enough until 2106.
pub(crate) fn seconds(now: Timestamp) -> u32 {
    u32::try_from(now.seconds()).unwrap_or(u32::MAX)
}

/// HMAC fills its key with zeros to the length of a block (RFC 2104 §2).
fn keyed(key: &[u8; 32]) -> HmacSha256 {
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    HmacSha256::new(&block.into())
}

fn head(id: u8, made: u32, serial: u64) -> [u8; SIGNED] {
    let ([a, b, c, d], [e, f, g, h, i, j, k, l]) = (made.to_be_bytes(), serial.to_be_bytes());
    [id, a, b, c, d, e, f, g, h, i, j, k, l]
}

fn fill(bytes: &mut [u8]) -> Result<(), KeysError> {
    getrandom::fill(bytes).map_err(|error| KeysError::Random(error.to_string()))
}

impl Secret {
    fn new(root: &[u8]) -> Result<Self, KeysError> {
        if root.len() < 32 {
            return Err(KeysError::Short(root.len()));
        }
        let root = Zeroizing::new(Sha256::digest(root).into());
        let mut secret = Self { id: 0, root, derived: RwLock::default() };
        let [id, ..] = secret.derive(b"nonce key id", 0);
        secret.id = id;
        Ok(secret)
    }

    fn derive(&self, purpose: &[u8], epoch: u32) -> [u8; 32] {
        let mut mac = keyed(&self.root);
        mac.update(purpose);
        mac.update(&epoch.to_be_bytes());
        mac.finalize().into_bytes().into()
    }

    fn sign(&self, head: &[u8; SIGNED], made: u32, realm: &[u8], source: Option<IpAddr>) -> [u8; 32] {
        let mut mac = self.key(made / EPOCH);
        mac.update(head);
        if let Some(ip) = source {
            let ip = match ip.to_canonical() {
                IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                IpAddr::V6(ip) => ip,
            };
            mac.update(&ip.octets());
        }
        mac.update(realm);
        mac.finalize().into_bytes().into()
    }

    /// The key of an hour that is not far from the present.
    fn key(&self, epoch: u32) -> HmacSha256 {
        let at = epoch as usize % KEYS;
        let known =
            self.derived.read().get(at).and_then(Option::as_ref).filter(|derived| derived.epoch == epoch).cloned();
        if let Some(derived) = known {
            return derived.key;
        }
        let key = keyed(&self.derive(b"nonce key", epoch));
        if let Some(place) = self.derived.write().get_mut(at) {
            *place = Some(Derived { epoch, key: key.clone() });
        }
        key
    }
}

impl std::fmt::Debug for NonceKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NonceKeys").field("secrets", &self.secrets.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);
    const LIFE: u32 = 300;

    fn later(seconds: u64) -> Timestamp {
        NOW.plus_seconds(seconds)
    }

    fn origin(keys: &NonceKeys, text: &[u8], now: Timestamp) -> Origin {
        keys.read(text, b"example.com", None, LIFE, now)
    }

    fn is_fresh(origin: Origin) -> bool {
        matches!(origin, Origin::Fresh(_))
    }

    #[test]
    fn a_nonce_is_known_for_its_life_and_as_an_old_one_for_a_day() {
        let keys = NonceKeys::random().unwrap();
        let nonce = keys.make(b"example.com", None, NOW);
        assert!(nonce.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)));
        assert!(is_fresh(origin(&keys, &nonce, later(300))));
        assert_eq!(origin(&keys, &nonce, later(301)), Origin::Old);
        assert_eq!(origin(&keys, &nonce, later(24 * 3600)), Origin::Old);
        assert_eq!(origin(&keys, &nonce, later(24 * 3600 + 1)), Origin::Foreign);
        assert!(is_fresh(origin(&keys, &nonce, Timestamp(NOW.0 - 60_000))));
        assert_eq!(origin(&keys, &nonce, Timestamp(NOW.0 - 61_000)), Origin::Foreign);
    }

    #[test]
    fn whatever_is_changed_or_cut_makes_it_foreign() {
        let keys = NonceKeys::random().unwrap();
        let nonce = keys.make(b"example.com", None, NOW);
        for at in 0..TEXT {
            for bit in [1, 2, 4, 8, 16, 32] {
                let mut forged = nonce;
                forged[at] ^= bit;
                assert_eq!(origin(&keys, &forged, NOW), Origin::Foreign, "{at} {bit}");
            }
            assert_eq!(origin(&keys, &nonce[..at], NOW), Origin::Foreign);
        }
        assert_eq!(origin(&keys, &[&nonce[..], b"A"].concat(), NOW), Origin::Foreign);
        assert_eq!(keys.read(&nonce, b"example.org", None, LIFE, NOW), Origin::Foreign);
        assert_eq!(origin(&NonceKeys::random().unwrap(), &nonce, NOW), Origin::Foreign);
    }

    #[test]
    fn a_nonce_for_a_source_is_for_no_other() {
        let keys = NonceKeys::random().unwrap();
        let [one, mapped, other] = ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"].map(|ip| Some(ip.parse().unwrap()));
        let nonce = keys.make(b"a", one, NOW);
        assert!(is_fresh(keys.read(&nonce, b"a", mapped, LIFE, NOW)));
        assert_eq!(keys.read(&nonce, b"a", other, LIFE, NOW), Origin::Foreign);
        assert_eq!(keys.read(&nonce, b"a", None, LIFE, NOW), Origin::Foreign);
    }

    #[test]
    fn nodes_that_share_a_secret_know_each_others_nonces_while_it_is_changed() {
        let [old, new] = [[7; 32], [8; 32]];
        let nodes = |secrets: &[[u8; 32]]| NonceKeys::shared(secrets).unwrap();
        let before = nodes(&[old]).make(b"example.com", None, NOW);
        let after = nodes(&[new, old]).make(b"example.com", None, NOW);
        for node in [nodes(&[old, new]), nodes(&[new, old])] {
            assert!(is_fresh(origin(&node, &before, later(100))) && is_fresh(origin(&node, &after, later(100))));
        }
        assert_eq!(origin(&nodes(&[new]), &before, NOW), Origin::Foreign);
    }

    #[test]
    fn no_nonce_is_made_twice_and_keys_change_every_hour() {
        let keys = NonceKeys::shared([[7; 32]]).unwrap();
        let other = NonceKeys::shared([[7; 32]]).unwrap();
        let mut seen = std::collections::HashSet::new();
        for n in 0..100 {
            assert!(seen.insert(keys.make(b"a", None, later(n * 3600))));
            assert!(seen.insert(keys.make(b"a", None, later(n * 3600))));
            assert!(seen.insert(other.make(b"a", None, later(n * 3600))));
        }
        let head = [0; SIGNED];
        let [one, two] = [EPOCH - 1, EPOCH].map(|made| keys.secrets[0].sign(&head, made, b"a", None));
        assert_ne!(one, two);
        // The place of a key that has gone is that of one 32 hours later.
        assert_eq!(keys.secrets[0].sign(&head, EPOCH - 1, b"a", None), one);
        assert_ne!(keys.secrets[0].sign(&head, 33 * EPOCH - 1, b"a", None), one);
        assert_eq!(keys.secrets[0].sign(&head, EPOCH - 1, b"a", None), one);
    }

    #[test]
    fn secrets_that_can_be_guessed_are_refused() {
        assert_eq!(NonceKeys::shared([[0u8; 31]]).unwrap_err(), KeysError::Short(31));
        assert_eq!(NonceKeys::shared::<[u8; 32]>([]).unwrap_err(), KeysError::None);
    }
}
