//! Texts of SIP in JSON, which knows only Unicode: what is UTF-8 stands as it is, what is not in Base64 under the same
//! key with `_base64` after it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What stands under the key, and under the other one.
pub(super) fn to_json(bytes: &[u8]) -> (Option<String>, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Some(text.to_owned()), None),
        Err(_) => (None, Some(STANDARD.encode(bytes))),
    }
}

/// The bytes; `None` if neither is there.
///
/// # Errors
/// What is wrong with them.
pub(super) fn from_json(key: &str, text: Option<String>, base64: Option<String>) -> Result<Option<Vec<u8>>, String> {
    match (text, base64) {
        (Some(_), Some(_)) => Err(format!("both {key} and {key}_base64")),
        (Some(text), None) => Ok(Some(text.into_bytes())),
        (None, Some(base64)) => {
            STANDARD.decode(base64).map(Some).map_err(|_| format!("{key}_base64 is no Base64 (RFC 4648 §4)"))
        }
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_come_back() {
        for bytes in [b"".as_slice(), b"alice", "ü".as_bytes(), b"\xff\x00", b"a\xfcb"] {
            let (text, base64) = to_json(bytes);
            assert!(text.is_some() != base64.is_some());
            assert_eq!(from_json("contact", text, base64), Ok(Some(bytes.to_vec())));
        }
        assert_eq!(from_json("contact", None, None), Ok(None));
        assert!(from_json("contact", Some(String::new()), Some(String::new())).is_err());
        assert!(from_json("contact", None, Some("ü".to_owned())).is_err());
    }
}
