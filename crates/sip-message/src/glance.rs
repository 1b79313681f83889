//! What a message seems to be about.

use memchr::{memchr, memchr_iter};

/// An address as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// `sip:alice@example.com`: without port and parameters.
    pub uri: &'a [u8],
    /// What stands before the `@`.
    pub user: &'a [u8],
    /// What stands behind it.
    pub host: &'a [u8],
}

/// The address that To seems to name.
///
/// This is a guess for whoever wants to get ready for a message that is not his turn yet: no rule of SIP is applied, so
/// it may be none, or another than the message means when it is read. Only the beginning of the message is looked at, so
/// that long ones cost no more than others.
#[must_use]
pub fn to(message: &[u8]) -> Option<Address<'_>> {
    let message = message.get(..BEGINNING).unwrap_or(message);
    let mut lines = memchr_iter(b'\n', message).filter_map(|end| message.get(end + 1..));
    let value = lines.find_map(|line| line.strip_prefix(b"To:").or_else(|| line.strip_prefix(b"t:")))?;
    let value = value.get(..memchr(b'\r', value)?)?;
    let at = memchr(b'@', value)?;
    let (before, rest) = value.split_at(at);
    let scheme = memchr_iter(b':', before).find_map(|colon| {
        let scheme = colon.checked_sub(SCHEME.len())?;
        before.get(scheme..colon).filter(|text| *text == SCHEME).map(|_| scheme)
    })?;
    let end = rest.iter().position(|byte| matches!(byte, b'>' | b';' | b':' | b'?' | b' ')).unwrap_or(rest.len());
    Some(Address {
        uri: value.get(scheme..at + end)?,
        user: before.get(scheme + SCHEME.len() + 1..)?,
        host: rest.get(1..end)?,
    })
}

const SCHEME: &[u8] = b"sip";

/// In these bytes To stands in nearly all messages.
const BEGINNING: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_seen_as_it_is_written() {
        for (line, seen) in [
            ("To: <sip:alice@example.com>", Some("sip:alice@example.com")),
            ("t:\"A\" <sip:alice@example.com:5070;a>;tag=1", Some("sip:alice@example.com")),
            ("To: sip:alice@example.com;tag=1", Some("sip:alice@example.com")),
            ("To: sip:alice@example.com", Some("sip:alice@example.com")),
            ("To: <sip:example.com>", None),
            ("To: <tel:+49>", None),
            ("From: <sip:alice@example.com>", None),
            ("", None),
        ] {
            let message = format!("REGISTER sip:example.com SIP/2.0\r\n{line}\r\nCSeq: 1 REGISTER\r\n\r\n");
            let seen_uri = to(message.as_bytes()).map(|Address { uri, user, host }| {
                assert_eq!((user, host), (&b"alice"[..], &b"example.com"[..]));
                String::from_utf8_lossy(uri)
            });
            assert_eq!(seen_uri.as_deref(), seen, "{line}");
        }
        assert_eq!(to(b"\nTo: sip:alice@example.com"), None);
        let behind = |bytes: usize| format!("{}\nTo: <sip:alice@example.com>\r\n", "x".repeat(bytes));
        assert!(to(behind(BEGINNING - 40).as_bytes()).is_some() && to(behind(BEGINNING).as_bytes()).is_none());
    }
}
