//! Bearer tokens.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// To look.
    Read,
    /// To look and to change.
    Write,
}

/// A token, of which only a hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    hash: [u8; 32],
    scope: Scope,
}

/// Why a text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It can be guessed.
    #[error("a token needs at least 16 characters: openssl rand -hex 32 makes one")]
    Short,
    /// It cannot stand in a header.
    #[error("a token is one word of visible ASCII")]
    Word,
}

impl Token {
    /// A token, without the white space around it.
    ///
    /// # Errors
    /// It is too short, or no word.
    pub fn new(text: &str, scope: Scope) -> Result<Self, TokenError> {
        let text = text.trim_ascii();
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Word);
        }
        if text.len() < 16 { Err(TokenError::Short) } else { Ok(Self { hash: hash(text.as_bytes()), scope }) }
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({:?}, secret)", self.scope)
    }
}

/// What the text of a token allows, and its number; the time it takes says nothing of the tokens that are known.
pub(super) fn find(tokens: &[Token], text: &[u8]) -> Option<(usize, Scope)> {
    let hash = hash(text);
    let mut found = None;
    for (number, token) in tokens.iter().enumerate() {
        if bool::from(token.hash.ct_eq(&hash)) {
            found = Some((number, token.scope));
        }
    }
    found
}

fn hash(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_by_what_they_say_and_never_shown() {
        let token = |text, scope| Token::new(text, scope).unwrap();
        let tokens = [token("read-read-read-read", Scope::Read), token(" write-write-write\n", Scope::Write)];
        assert_eq!(find(&tokens, b"read-read-read-read"), Some((0, Scope::Read)));
        assert_eq!(find(&tokens, b"write-write-write"), Some((1, Scope::Write)));
        assert_eq!(find(&tokens, b"write-write-writ"), None);
        assert_eq!(find(&[], b""), None);
        assert_eq!(Token::new("too short", Scope::Read).err(), Some(TokenError::Word));
        assert_eq!(Token::new("tooshort", Scope::Read).err(), Some(TokenError::Short));
        assert_eq!(format!("{:?}", tokens[1]), "Token(Write, secret)");
    }
}
