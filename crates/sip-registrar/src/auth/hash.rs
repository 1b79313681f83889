//! The hash functions of digest authentication (RFC 7616 §3.3, RFC 8760 §2).

use md5::{Digest, Md5};
use sha2::{Sha256, Sha512_256};
use sip_message::header::Algorithm;
use subtle::ConstantTimeEq;

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
        /// Room for all that an answer to a challenge is usually made of: a digest takes one piece of many bytes more easily
        /// than many of a few.
        const USUAL: usize = 512;
        let mut together = [0; USUAL];
        let mut end = 0;
        for part in parts {
            match together.get_mut(end..end + part.len()) {
                Some(place) => place.copy_from_slice(part),
                None => return self.digest(parts),
            }
            end += part.len();
        }
        self.digest(&[together.get(..end).unwrap_or_default()])
    }

    /// The same, for which nothing is copied.
    pub(crate) fn digest(self, parts: &[&[u8]]) -> Hashed {
        fn feed<D: Digest>(parts: &[&[u8]], into: &mut [u8]) {
            let mut digest = D::new();
            parts.iter().for_each(|part| digest.update(part));
            let made = digest.finalize();
            if let Some(place) = into.get_mut(..made.len()) {
                place.copy_from_slice(&made);
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
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.bytes) {
            pair.copy_from_slice(&[byte >> 4, byte & 15]);
        }
        // Sums instead of a table, which many are made of at once, and which take the same time for every digit.
        for value in &mut text {
            *value = value.wrapping_add(if *value < 10 { b'0' } else { b'a' - 10 });
        }
        Hex { text, len: 2 * self.function.size() }
    }

    /// Whether another has these bytes, in a time that does not depend on them.
    pub(crate) fn is(&self, other: &[u8; 32]) -> bool {
        let words = |bytes: &[u8; 32]| {
            let (words, _) = bytes.as_chunks();
            [0, 1, 2, 3].map(|at: usize| u64::from_ne_bytes(words.get(at).copied().unwrap_or_default()))
        };
        words(&self.bytes).ct_eq(&words(other)).into()
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
    let mut digits = [b'0'; 64];
    digits.get_mut(..text.len())?.copy_from_slice(text);
    // Many at once, as where they are written.
    let mut values = [0; 64];
    for (value, digit) in values.iter_mut().zip(digits) {
        *value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' => digit - b'A' + 10,
            _ => u8::MAX,
        };
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(values.chunks_exact(2)) {
        if let [high, low] = pair {
            *byte = high << 4 | low;
        }
    }
    (values.iter().fold(0, |all, value| all | value) < 16).then_some(bytes)
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
            assert!(hashed.is(&hashed.bytes));
            for at in 0..function.size() {
                let mut other = hashed.bytes;
                other[at] ^= 1;
                assert!(!hashed.is(&other), "{at}");
            }
        }
    }

    #[test]
    fn what_is_hashed_may_be_long() {
        let long = [b'a'; 1000];
        for function in HashFunction::ALL {
            for (first, second) in [(0, 512), (1, 511), (511, 2), (512, 1), (513, 0), (1, 999)] {
                let together = function.digest(&[&long[..first + second]]);
                assert!(function.hash(&[&long[..first], &long[..second]]).is(&together.bytes), "{first} {second}");
            }
        }
    }

    #[test]
    fn no_other_byte_is_a_digit() {
        for byte in 0..=u8::MAX {
            let expected = char::from(byte).to_digit(16).map(|value| [value as u8; 16]);
            for at in [0, 31] {
                let mut text = [b'0'; 32];
                text[at] = byte;
                let read = from_hex(HashFunction::Md5, &text);
                assert_eq!(read.is_some(), expected.is_some(), "{byte}");
                if let (Some(read), Some([value, ..])) = (read, expected) {
                    assert_eq!(read[at / 2], if at == 0 { value << 4 } else { value }, "{byte}");
                }
            }
        }
    }
}
