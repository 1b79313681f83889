//! What a server has to know of a password.

use zeroize::Zeroize;

use super::hash::{HashFunction, Hashed, Hex, from_hex};

/// H(username:realm:password): as good as the password, for this realm. It is never shown, and overwritten when it is
/// dropped.
#[derive(Clone)]
pub struct Ha1(Hashed);

impl Ha1 {
    /// Of a password.
    #[must_use]
    pub fn of(function: HashFunction, username: &[u8], realm: &[u8], password: &[u8]) -> Self {
        // Part by part, so that no copy of a password stays behind.
        Self(function.digest(&[username, b":", realm, b":", password]))
    }

    /// From hexadecimal digits, as `htdigest` and the tables of other servers keep it. `None` if there are not as many
    /// as the function gives.
    #[must_use]
    pub fn from_hex(function: HashFunction, text: &[u8]) -> Option<Self> {
        from_hex(function, text).map(|bytes| Self(Hashed { function, bytes }))
    }

    /// The function that made it.
    #[must_use]
    pub fn function(&self) -> HashFunction {
        self.0.function
    }

    /// As hexadecimal digits, for those who keep users. Handle it like a password.
    #[must_use]
    pub fn reveal(&self) -> String {
        String::from_utf8_lossy(&self.0.hex()).into_owned()
    }

    pub(crate) fn hex(&self) -> Hex {
        self.0.hex()
    }
}

impl Drop for Ha1 {
    fn drop(&mut self) {
        self.0.bytes.zeroize();
    }
}

impl std::fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ha1({}, secret)", self.function().name())
    }
}
