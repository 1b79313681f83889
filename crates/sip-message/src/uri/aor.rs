//! The canonical address of record (RFC 3261 §10.3 step 5), the key of the location service.

use super::Uri;
use super::escape::{push_user_byte, unescape};

/// Why a URI is no address of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AorError {
    /// The scheme is neither `sip` nor `sips` (RFC 3261 §6, Address-of-Record).
    #[error("an address of record is a sip or sips URI")]
    Scheme,
}

/// Appends the canonical form of an address of record: scheme, user and host, as in `sip:alice@example.com`. It is
/// itself a URI and its own canonical form. Its user is never longer than the one it comes from.
///
/// - The scheme and a host name are in lower case, addresses as [`super::Host::write_canonical`] writes them.
/// - Parameters are removed, escapes are decoded (§10.3). A byte that cannot stand in a user part as it is, such as
///   `@`, `:`, `%` or NUL, stays escaped, in the one form `%XX` in upper case. So `%61` and `a` are one user, `%3b`
///   and `;` too, but no two users that differ when decoded become one, and no user can look like a host.
/// - The password, the headers and the port are removed: the first is no part of who is addressed, and §19.1.1
///   (Table 1) allows neither headers nor a port in To, and has them ignored if they are there. A phone that writes
///   the port of its registrar into To is reached under the same address as one that does not.
///
/// # Errors
/// [`AorError::Scheme`]; nothing is appended then.
pub fn write_aor(uri: &Uri<'_>, out: &mut Vec<u8>) -> Result<(), AorError> {
    let Uri::Sip(uri) = uri else { return Err(AorError::Scheme) };
    out.extend_from_slice(if uri.is_secure() { b"sips:" } else { b"sip:" });
    if let Some(user) = uri.user() {
        // Without an escape every byte is a user character.
        if memchr::memchr(b'%', user).is_none() {
            out.extend_from_slice(user);
        } else {
            unescape(user).for_each(|byte| push_user_byte(byte, out));
        }
        out.push(b'@');
    }
    uri.host().write_canonical(out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aor(uri: &str) -> String {
        let mut out = Vec::new();
        write_aor(&Uri::parse(uri.as_bytes()).unwrap(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_canonical_form_has_scheme_user_and_host() {
        for (written, canonical) in [
            ("sip:alice@interop.test", "sip:alice@interop.test"),
            ("SIP:Alice@Interop.TEST;transport=tcp;user=phone", "sip:Alice@interop.test"),
            ("sips:alice:secret@example.com?subject=x", "sips:alice@example.com"),
            ("sip:alice@example.com:5060", "sip:alice@example.com"),
            ("sip:alice@[2001:DB8:0::1]:5070;lr", "sip:alice@[2001:db8::1]"),
            ("sip:alice@127.0.0.01", "sip:alice@127.0.0.1"),
            ("sip:Example.com", "sip:example.com"),
            ("sip:alice;day=tuesday@atlanta.com", "sip:alice;day=tuesday@atlanta.com"),
        ] {
            assert_eq!(aor(written), canonical);
        }
    }

    #[test]
    fn escapes_are_decoded_where_the_result_is_not_ambiguous() {
        for (written, canonical) in [
            ("sip:%61lice@h", "sip:alice@h"),
            ("sip:null-%00-null@example.com", "sip:null-%00-null@example.com"),
            ("sip:j%40s0n@h", "sip:j%40s0n@h"),
            ("sip:a%3ab@h", "sip:a%3Ab@h"),
            ("sip:%3b%2F@h", "sip:;/@h"),
            ("sip:%2561@h", "sip:%2561@h"),
            ("sip:%e4%C3@h", "sip:%E4%C3@h"),
            ("sip:I%20have%20spaces@example.net", "sip:I%20have%20spaces@example.net"),
            ("sip:sips%3Auser%40example.com@example.net", "sip:sips%3Auser%40example.com@example.net"),
        ] {
            assert_eq!(aor(written), canonical);
        }
    }

    #[test]
    fn other_schemes_are_no_address_of_record_and_write_nothing() {
        for other in ["tel:+1", "isbn:2983792873"] {
            let mut out = b"kept".to_vec();
            assert_eq!(write_aor(&Uri::parse(other.as_bytes()).unwrap(), &mut out), Err(AorError::Scheme));
            assert_eq!(out, b"kept");
        }
    }
}
