//! The address of a user.

use sip_message::Uri;
use sip_message::uri::escape;
use sip_registrar::{Aor, AorError};

/// `alice@example.com`, canonical: two texts that mean one user are one address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Address {
    text: Box<str>,
    /// Where the `@` before the domain is.
    at: usize,
}

/// Why a text is no address of a user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no address of a user: write alice@example.com{}", .why.map(|why| format!(" ({why})")).unwrap_or_default())]
pub(crate) struct AddressError {
    text: String,
    why: Option<AorError>,
}

impl Address {
    /// From `alice@example.com` or `sip:alice@example.com`, without anything beside: what else a URI can have would be
    /// left out in silence.
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let wrong = |why| AddressError { text: text.to_owned(), why };
        let with_scheme = if has_scheme(text) { text.to_owned() } else { format!("sip:{text}") };
        let uri = Uri::parse(with_scheme.as_bytes()).map_err(|_| wrong(None))?;
        let sip = uri.sip().ok_or_else(|| wrong(Some(AorError::Scheme)))?;
        let more = sip.password().is_some() || sip.port().is_some();
        if more || !sip.raw_params().is_empty() || !sip.raw_headers().is_empty() {
            return Err(wrong(None));
        }
        let mut buffer = Vec::new();
        let aor = Aor::from_uri(&uri, &mut buffer).map_err(|why| wrong(Some(why)))?;
        let canonical = aor.as_bytes().strip_prefix(b"sip:").and_then(|aor| std::str::from_utf8(aor).ok());
        let canonical = canonical.ok_or_else(|| wrong(None))?;
        match canonical.rfind('@') {
            Some(at) if at > 0 => Ok(Self { text: canonical.into(), at }),
            _ => Err(wrong(None)),
        }
    }

    /// Of a name as it is, with no escapes in it, in a domain.
    pub(crate) fn of(name: &str, domain: &str) -> Result<Self, AddressError> {
        let mut user = Vec::new();
        escape::escape_user(name.as_bytes(), &mut user);
        Self::parse(&format!("sip:{}@{domain}", String::from_utf8_lossy(&user)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The user part, decoded.
    pub(crate) fn name(&self) -> Vec<u8> {
        escape::unescape(self.text.as_bytes().get(..self.at).unwrap_or_default()).collect()
    }

    /// In lower case; IPv6 in brackets.
    pub(crate) fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

fn has_scheme(text: &str) -> bool {
    let scheme = text.split(':').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_one_user_is_one_address() {
        let alice = Address::parse("alice@example.com").unwrap();
        for text in ["sip:alice@example.com", "sips:%61lice@EXAMPLE.com", "alice@example.com."] {
            assert_eq!(Address::parse(text).as_ref(), Ok(&alice), "{text}");
        }
        assert_eq!((alice.name().as_slice(), alice.domain()), (&b"alice"[..], "example.com"));
        assert_ne!(Address::parse("Alice@example.com").unwrap(), alice);
    }

    #[test]
    fn a_name_is_decoded_and_a_plain_one_escaped() {
        let address = Address::parse("j%40s%C3%A4@[2001:DB8:0::1]").unwrap();
        assert_eq!((address.name(), address.domain()), ("j@sä".as_bytes().to_vec(), "[2001:db8::1]"));
        assert_eq!(Address::of("j@sä", "[2001:db8::1]").unwrap(), address);
        assert_eq!(Address::of("sip", "example.com").unwrap().as_str(), "sip@example.com");
        assert_eq!(Address::of("%61", "example.com").unwrap().as_str(), "%2561@example.com");
    }

    #[test]
    fn what_is_more_or_less_than_an_address_is_refused_by_name() {
        for text in [
            "",
            "alice",
            "@example.com",
            "example.com",
            "alice@",
            "alice@exa mple",
            "alice:secret@example.com",
            "alice@example.com:5060",
            "alice@example.com;transport=tcp",
            "alice@example.com?a=b",
            "tel:+49",
            "sip:example.com",
            "al%ice@example.com",
            "alice@example.com\n",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
        assert!(Address::parse(&format!("{}@example.com", "x".repeat(600))).unwrap_err().to_string().contains("512"));
    }
}
