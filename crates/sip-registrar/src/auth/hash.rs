//! The hash functions of digest authentication (RFC 7616 §3.3, RFC 8760 §2).

use md5::{Digest, Md5};
use sha2::{Sha256, Sha512_256};
use sip_message::header::Algorithm;

/// A hash function, without regard to sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashFunction {
    /// MD5: what every phone can do.
    Md5,
    /// SHA-256.
    Sha256,
    /// SHA-512 cut to 256 bits, with initial values of its own.
    Sha512_256,
}

impl HashFunction {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Md5, Self::Sha256, Self::Sha512_256];

    /// The function that an algorithm uses, and whether it is one of a session (`-sess`).
    #[must_use]
    pub const fn of(algorithm: Algorithm) -> (Self, bool) {
        match algorithm {
            Algorithm::Md5 => (Self::Md5, false),
            Algorithm::Md5Sess => (Self::Md5, true),
            Algorithm::Sha256 => (Self::Sha256, false),
            Algorithm::Sha256Sess => (Self::Sha256, true),
            Algorithm::Sha512_256 => (Self::Sha512_256, false),
            Algorithm::Sha512_256Sess => (Self::Sha512_256, true),
            // An algorithm that is not known here is never offered.
            _ => (Self::Sha512_256, true),
        }
    }

    /// As it is written in a challenge.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
        }
    }

    /// How many bytes its result has.
    #[must_use]
    pub(crate) const fn size(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha256 | Self::Sha512_256 => 32,
        }
    }

    /// The hash of the parts, one behind the other.
    pub(crate) fn hash(self, parts: &[&[u8]]) -> Hashed {
        fn feed<D: Digest>(parts: &[&[u8]], into: &mut [u8]) {
            let mut digest = D::new();
            parts.iter().for_each(|part| digest.update(part));
            for (to, from) in into.iter_mut().zip(digest.finalize()) {
                *to = from;
            }
        }
        let mut bytes = [0; 32];
        match self {
            Self::Md5 => feed::<Md5>(parts, &mut bytes),
            Self::Sha256 => feed::<Sha256>(parts, &mut bytes),
            Self::Sha512_256 => feed::<Sha512_256>(parts, &mut bytes),
        }
        Hashed { function: self, bytes }
    }
}

/// The result of a hash function.
#[derive(Clone, Copy)]
pub(crate) struct Hashed {
    pub(crate) function: HashFunction,
    /// As many as the function gives; the rest is 0.
    pub(crate) bytes: [u8; 32],
}

impl Hashed {
    pub(crate) fn hex(&self) -> Hex {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'0');
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.bytes) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        Hex { text, len: 2 * self.function.size() }
    }
}

/// A hash in hexadecimal, in lower case.
#[derive(Clone, Copy)]
pub(crate) struct Hex {
    text: [u8; 64],
    len: usize,
}

impl std::ops::Deref for Hex {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }
}

/// Reads as many hexadecimal digits as `function` gives, in any case.
pub(crate) fn from_hex(function: HashFunction, text: &[u8]) -> Option<[u8; 32]> {
    if text.len() != 2 * function.size() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4 and RFC 1321: the hashes of "abc".
    #[test]
    fn the_functions_are_those_of_their_standards() {
        for (function, hex) in [
            (HashFunction::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (HashFunction::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (HashFunction::Sha512_256, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
        ] {
            let hashed = function.hash(&[b"a", b"", b"bc"]);
            assert_eq!(String::from_utf8_lossy(&hashed.hex()), hex);
            assert_eq!(from_hex(function, hex.to_uppercase().as_bytes()), Some(hashed.bytes));
            assert_eq!(from_hex(function, &hex.as_bytes()[1..]), None);
            assert_eq!(from_hex(function, hex.replace('0', "g").as_bytes()), None);
        }
    }
}
