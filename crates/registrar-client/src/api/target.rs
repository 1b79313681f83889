//! Where the API is.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use zeroize::Zeroizing;

/// Where the API of a registrar is, and what proves that one may use it.
#[derive(Clone, Debug)]
pub enum Target {
    /// A Unix socket: whoever may open it may do everything.
    Unix(PathBuf),
    /// A TCP address.
    Tcp {
        /// Host and port, as in `127.0.0.1:8060`.
        authority: String,
        /// The bearer token, where one is needed.
        token: Option<Token>,
    },
}

/// A bearer token. It is never shown.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

/// Why an address is none of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Another scheme than `http:`, or none.
    #[error("the API is at unix:PATH or http://HOST:PORT; to a machine far away, go through ssh -L")]
    Scheme,
    /// No host, no port, or more than them.
    #[error("after http:// stand a host and a port, and nothing else: http://127.0.0.1:8060")]
    Authority,
    /// A token with something in it that no token has.
    #[error("a token is one word of visible ASCII")]
    Token,
}

impl Target {
    /// Reads `unix:PATH` or `http://HOST:PORT`. The token is for the latter.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str, token: Option<Token>) -> Result<Self, TargetError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        let authority = text.strip_prefix("http://").ok_or(TargetError::Scheme)?.trim_end_matches('/');
        match authority.rsplit_once(':') {
            Some((host, port)) if is_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0) => {
                Ok(Self::Tcp { authority: authority.to_owned(), token })
            }
            _ => Err(TargetError::Authority),
        }
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { authority, .. } => write!(f, "http://{authority}"),
        }
    }
}

impl Token {
    /// A token, without the white space around it.
    ///
    /// # Errors
    /// It is empty, or has something in it that cannot stand in a header.
    pub fn new(text: &str) -> Result<Self, TargetError> {
        let text = text.trim_ascii();
        let is_word = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_word { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(TargetError::Token) }
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Token(secret)")
    }
}

fn is_host(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match inner {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_or_host_and_port_and_nothing_else() {
        for text in
            ["unix:/run/registrar/admin.sock", "http://127.0.0.1:8060", "http://[::1]:8060", "http://pbx-1.lan:1"]
        {
            assert_eq!(Target::parse(text, None).unwrap().to_string(), text);
        }
        assert_eq!(Target::parse("http://localhost:8060/", None).unwrap().to_string(), "http://localhost:8060");
        for text in ["https://a:1", "a:1", "/run/admin.sock", ""] {
            assert_eq!(Target::parse(text, None).err(), Some(TargetError::Scheme), "{text}");
        }
        for text in
            ["http://a", "http://a:0", "http://a:b", "http://u@a:1", "http://a:1/api", "http://:1", "http://[x]:1"]
        {
            assert_eq!(Target::parse(text, None).err(), Some(TargetError::Authority), "{text}");
        }
    }

    #[test]
    fn a_token_is_a_word_and_never_shown() {
        let token = Token::new(" open-sesame\n").unwrap();
        assert_eq!(token.reveal(), "open-sesame");
        assert!(!format!("{token:?}").contains("sesame"));
        assert!(["", " \n", "two words", "a\r\nb", "ü"].iter().all(|text| Token::new(text).is_err()));
    }
}
