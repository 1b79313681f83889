//! What a binding of an import must be, whoever wrote it.

use sip_message::Uri;
use sip_message::header::{Contact, ContactValue, QValue};

/// What REGISTER requests are held to as well, in bytes.
const MAX_CONTACT: usize = 1024;
const MAX_PATH: usize = 2048;
const MAX_CALL_ID: usize = 256;
/// More of it is not kept.
const MAX_USER_AGENT: usize = 64;

/// What a contact says of itself.
pub(super) struct ContactParts<'a> {
    pub(super) uri: Uri<'a>,
    pub(super) instance: &'a [u8],
    pub(super) reg_id: Option<u32>,
    pub(super) q: QValue,
}

impl<'a> ContactParts<'a> {
    /// # Errors
    /// Why it cannot be stored.
    pub(super) fn read(contact: &'a [u8]) -> Result<Self, String> {
        if contact.len() > MAX_CONTACT {
            return Err(format!("a contact of more than {MAX_CONTACT} bytes"));
        }
        let shown = || String::from_utf8_lossy(contact).escape_debug().to_string();
        let Ok(ContactValue::Addr(Contact { bytes, uri, expires, q, instance, reg_id, .. })) =
            ContactValue::parse(contact)
        else {
            return Err(format!("{} is no Contact value", shown()));
        };
        // A folded or padded one would not be read again as it is.
        if bytes != contact || contact.contains(&b'\r') {
            return Err(format!("{} has more in it than a Contact value", shown()));
        }
        if matches!(uri, Uri::Other(_)) {
            return Err(format!("{}: nobody can be reached by this scheme", shown()));
        }
        if expires.is_some() {
            return Err(format!("{}: the expiry stands in the contact", shown()));
        }
        let instance = instance.unwrap_or_default();
        let reg_id = reg_id.filter(|_| !instance.is_empty());
        Ok(Self { uri, instance, reg_id, q: q.unwrap_or(QValue::ONE) })
    }
}

/// What a binding was registered with.
pub(super) struct Texts {
    pub(super) call_id: Vec<u8>,
    pub(super) path: Vec<u8>,
    pub(super) user_agent: Vec<u8>,
}

impl Texts {
    /// # Errors
    /// Which of them cannot be stored.
    pub(super) fn checked(mut self) -> Result<Self, String> {
        for (name, text, max) in [
            ("Call-ID", &self.call_id, MAX_CALL_ID),
            ("path", &self.path, MAX_PATH),
            ("User-Agent", &self.user_agent, usize::MAX),
        ] {
            if text.len() > max {
                return Err(format!("a {name} of more than {max} bytes"));
            }
            if text.iter().any(|byte| b"\r\n\0".contains(byte)) {
                return Err(format!("a {name} of more than one line"));
            }
        }
        self.user_agent.truncate(MAX_USER_AGENT);
        Ok(self)
    }
}
