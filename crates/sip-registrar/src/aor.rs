//! Addresses of record.

use sip_message::Uri;
use sip_message::uri::write_aor;

/// Why a URI is no address of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AorError {
    /// The scheme is neither `sip` nor `sips`.
    #[error("an address of record is a sip: or sips: URI")]
    Scheme,
    /// Not a URI at all.
    #[error("not a URI")]
    Malformed,
    /// Longer than [`Aor::MAX_LEN`].
    #[error("an address of record has at most 512 bytes")]
    TooLong,
}

/// A canonical address of record: `sip:alice@example.com`, without parameters, port and needless escapes, the host in
/// lower case (RFC 3261 §10.3 step 5). `sips:` is written as `sip:`, since both name one resource (RFC 5630 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Aor<'a>(&'a [u8]);

impl<'a> Aor<'a> {
    /// The longest address of record, in bytes.
    pub const MAX_LEN: usize = 512;

    /// The address of record that `uri` names, written into `buffer`, which is emptied first.
    ///
    /// # Errors
    /// The scheme is another, or the address is too long.
    pub fn from_uri(uri: &Uri<'_>, buffer: &'a mut Vec<u8>) -> Result<Self, AorError> {
        buffer.clear();
        write_aor(uri, buffer).map_err(|_| AorError::Scheme)?;
        if buffer.starts_with(b"sips:") {
            buffer.remove(3);
        }
        // The root of the DNS, which only host names can end with.
        if buffer.ends_with(b".") {
            buffer.pop();
        }
        if buffer.len() > Self::MAX_LEN {
            return Err(AorError::TooLong);
        }
        Ok(Self(buffer))
    }

    /// As [`Aor::from_uri`], from text; `alice@example.com` without a scheme is taken as `sip:`.
    ///
    /// # Errors
    /// It is no URI, has another scheme, or is too long.
    pub fn parse(text: &str, buffer: &'a mut Vec<u8>) -> Result<Self, AorError> {
        match Uri::parse(text.as_bytes()) {
            Ok(uri @ Uri::Sip(_)) => Self::from_uri(&uri, buffer),
            other => match Uri::parse(format!("sip:{text}").as_bytes()) {
                Ok(uri) if text.contains('@') => Self::from_uri(&uri, buffer),
                _ => Err(if other.is_ok() { AorError::Scheme } else { AorError::Malformed }),
            },
        }
    }

    /// Bytes that are canonical already, as they come back from a store.
    #[must_use]
    pub const fn from_canonical(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The canonical bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl std::fmt::Display for Aor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sip_and_sips_and_every_spelling_are_one_address() {
        let mut buffer = Vec::new();
        for text in [
            "sip:alice@example.com",
            "sips:alice@EXAMPLE.com",
            "SIP:%61lice@example.com;transport=tcp",
            "alice@example.com",
            "sip:alice@example.com:5070",
            "sip:alice@example.com.",
        ] {
            assert_eq!(Aor::parse(text, &mut buffer).unwrap().as_bytes(), b"sip:alice@example.com", "{text}");
        }
        assert_eq!(Aor::parse("tel:+49", &mut buffer), Err(AorError::Scheme));
        assert_eq!(Aor::parse("not an address", &mut buffer), Err(AorError::Malformed));
        assert_eq!(Aor::parse(&format!("sip:{}@a", "x".repeat(600)), &mut buffer), Err(AorError::TooLong));
    }
}
