//! Digest authentication as a client does it, written from RFC 7616 and without the code under test.

use std::fmt::{Display, Formatter, Result, Write};

use md5::{Digest, Md5};
use sha2::{Sha256, Sha512_256};

use super::Response;

/// A challenge, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) realm: String,
    pub(crate) nonce: String,
    pub(crate) algorithm: String,
    pub(crate) opaque: Option<String>,
    pub(crate) stale: bool,
}

impl Challenge {
    /// The first of a 401.
    pub(crate) fn of(response: &Response) -> Self {
        Self::all(response).swap_remove(0)
    }

    /// Those of a 401, in their order.
    pub(crate) fn all(response: &Response) -> Vec<Self> {
        assert_eq!(response.status(), 401, "{}", response.text());
        response.all("WWW-Authenticate").into_iter().map(Self::read).collect()
    }

    fn read(value: &str) -> Self {
        // No value of a challenge that these tests cause has a comma in it.
        let params: Vec<_> = value.strip_prefix("Digest ").unwrap().split(", ").collect();
        let get = |name: &str| {
            let mut values = params.iter().filter_map(|param| param.strip_prefix(name)?.strip_prefix('='));
            let value = values.next().map(|value| value.trim_matches('"').to_owned());
            assert_eq!(values.next(), None, "{name} in {params:?}");
            value
        };
        Self {
            realm: get("realm").unwrap(),
            nonce: get("nonce").unwrap(),
            algorithm: get("algorithm").unwrap(),
            opaque: get("opaque"),
            stale: get("stale").is_some_and(|stale| stale == "true"),
        }
    }
}

/// Who answers a challenge, and how. Whatever is changed here, the response is computed over it.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) method: String,
    pub(crate) uri: String,
    /// `None`: as in RFC 2069, without count and client nonce.
    pub(crate) qop: Option<String>,
    pub(crate) nc: String,
    pub(crate) cnonce: String,
}

impl Answer {
    /// How a user of [`Guarded`](super::Guarded) registers.
    pub(crate) fn of(user: &str) -> Self {
        Self {
            username: user.to_owned(),
            password: format!("secret-of-{user}"),
            method: "REGISTER".to_owned(),
            uri: "sip:example.com".to_owned(),
            qop: Some("auth".to_owned()),
            nc: "00000001".to_owned(),
            cnonce: "0a4f113b".to_owned(),
        }
    }

    /// The same for another request.
    pub(crate) fn sending(mut self, method: &str, uri: &str) -> Self {
        method.clone_into(&mut self.method);
        uri.clone_into(&mut self.uri);
        self
    }

    pub(crate) fn to(&self, Challenge { realm, nonce, algorithm, opaque, .. }: &Challenge) -> Credentials {
        let Self { username, password, method, uri, qop, nc, cnonce } = self;
        let hash = |text: String| hash(algorithm, &text);
        let (a1, a2) = (hash(format!("{username}:{realm}:{password}")), hash(format!("{method}:{uri}")));
        let response = match qop {
            Some(qop) => hash(format!("{a1}:{nonce}:{nc}:{cnonce}:{qop}:{a2}")),
            None => hash(format!("{a1}:{nonce}:{a2}")),
        };
        let quoted =
            [("username", username), ("realm", realm), ("nonce", nonce), ("uri", uri), ("response", &response)];
        let mut credentials = Credentials(Vec::new());
        for (name, value) in quoted {
            credentials.add(name, value, true);
        }
        credentials.add("algorithm", algorithm, false);
        if let Some(qop) = qop {
            credentials.add("qop", qop, false);
            credentials.add("nc", nc, false);
            credentials.add("cnonce", cnonce, true);
        }
        if let Some(opaque) = opaque {
            credentials.add("opaque", opaque, true);
        }
        credentials
    }
}

/// In hexadecimal.
pub(crate) fn hash(algorithm: &str, text: &str) -> String {
    let bytes = match algorithm {
        "MD5" => Md5::digest(text).to_vec(),
        "SHA-256" => Sha256::digest(text).to_vec(),
        "SHA-512-256" => Sha512_256::digest(text).to_vec(),
        other => panic!("{other}"),
    };
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// The value of an Authorization header, parameter by parameter.
#[derive(Clone, Debug)]
pub(crate) struct Credentials(pub(crate) Vec<Param>);

#[derive(Clone, Debug)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) quoted: bool,
}

impl Credentials {
    pub(crate) fn add(&mut self, name: &str, value: &str, quoted: bool) {
        self.0.push(Param { name: name.to_owned(), value: value.to_owned(), quoted });
    }

    /// With another value for a parameter that is there.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        let param = self.0.iter_mut().find(|param| param.name == name).unwrap();
        value.clone_into(&mut param.value);
        self
    }

    /// Without a parameter that is there.
    pub(crate) fn without(mut self, name: &str) -> Self {
        let before = self.0.len();
        self.0.retain(|param| param.name != name);
        assert_eq!(self.0.len() + 1, before, "{name}");
        self
    }

    /// The whole header.
    pub(crate) fn header(&self) -> String {
        format!("Authorization: {self}")
    }
}

impl Display for Credentials {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("Digest ")?;
        for (at, Param { name, value, quoted }) in self.0.iter().enumerate() {
            let (comma, quote) = (if at > 0 { ", " } else { "" }, if *quoted { "\"" } else { "" });
            write!(f, "{comma}{name}={quote}{value}{quote}")?;
        }
        Ok(())
    }
}
