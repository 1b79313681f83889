//! Digest authentication as a client does it (RFC 7616 §3.4, RFC 8760).

use std::fmt::Write;

use md5::{Digest, Md5};
use sha2::{Sha256, Sha512_256};
use sip_message::HeaderId;
use sip_message::Message;
use sip_message::header::{Algorithm, Challenge as Header, Quoted};
use zeroize::Zeroizing;

/// Who answers a challenge.
#[derive(Clone)]
pub struct Account {
    /// The user name, as in `username=`.
    pub name: String,
    /// The password.
    pub password: Zeroizing<String>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A digest challenge that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// `realm`.
    pub realm: String,
    /// `nonce`.
    pub nonce: String,
    /// `opaque`.
    pub opaque: Option<String>,
    /// The algorithm; MD5 if none is named.
    pub algorithm: Algorithm,
    /// Whether one was named.
    pub names_algorithm: bool,
    /// `qop`, as it came.
    pub qops: Vec<String>,
    /// `stale`.
    pub stale: bool,
    /// Whether it came with 407.
    pub proxy: bool,
}

/// Which use of a nonce this is, and the client's own nonce.
#[derive(Clone, Debug)]
pub struct Count {
    /// From 1 on.
    pub nc: u32,
    /// Unique to the client.
    pub cnonce: String,
}

impl Challenge {
    /// Every digest challenge of a 401 or 407, the best liked of the server first, and the names of all algorithms that
    /// were offered, known here or not.
    #[must_use]
    pub fn all(message: &Message<'_>) -> (Vec<Self>, Vec<String>) {
        let (mut known, mut names) = (Vec::new(), Vec::new());
        for (id, proxy) in [(HeaderId::WwwAuthenticate, false), (HeaderId::ProxyAuthenticate, true)] {
            for value in message.lines(id) {
                let Ok(header) = Header::parse(value) else { continue };
                let Ok(Some(digest)) = header.digest() else {
                    names.push(String::from_utf8_lossy(header.scheme).into_owned());
                    continue;
                };
                let named = digest.algorithm.map(text);
                names.push(named.clone().unwrap_or_else(|| "MD5".to_owned()));
                let algorithm =
                    named.as_ref().map_or(Some(Algorithm::Md5), |name| Algorithm::from_name(name.as_bytes()));
                if let Some(algorithm) = algorithm {
                    known.push(Self {
                        realm: text(digest.realm),
                        nonce: text(digest.nonce),
                        opaque: digest.opaque.map(text),
                        algorithm,
                        names_algorithm: named.is_some(),
                        qops: digest.qops().map(|qop| String::from_utf8_lossy(qop).into_owned()).collect(),
                        stale: digest.stale,
                        proxy,
                    });
                }
            }
        }
        (known, names)
    }

    /// The `qop` that is used: `auth` if it is offered.
    #[must_use]
    pub fn qop(&self) -> Option<&'static str> {
        let offers = |name: &str| self.qops.iter().any(|qop| qop.eq_ignore_ascii_case(name));
        ["auth", "auth-int"].into_iter().find(|name| offers(name))
    }

    /// The name and value of the header that answers it, for a request without a body.
    #[must_use]
    pub fn answer(&self, account: &Account, method: &str, uri: &str, count: &Count) -> (HeaderId, String) {
        let hash = |parts: &[&str]| hash(self.algorithm, &parts.join(":"));
        let Self { realm, nonce, .. } = self;
        let Count { nc, cnonce } = count;
        let nc = format!("{nc:08x}");
        let secret = Zeroizing::new(hash(&[&account.name, realm, &account.password]));
        let session = matches!(self.algorithm, Algorithm::Md5Sess | Algorithm::Sha256Sess | Algorithm::Sha512_256Sess);
        let a1 = Zeroizing::new(if session { hash(&[&secret, nonce, cnonce]) } else { secret.to_string() });
        let qop = self.qop();
        let a2 = match qop {
            Some("auth-int") => hash(&[method, uri, &hash(&[""])]),
            _ => hash(&[method, uri]),
        };
        let response = match qop {
            Some(qop) => hash(&[&a1, nonce, &nc, cnonce, qop, &a2]),
            None => hash(&[&a1, nonce, &a2]),
        };
        let mut value = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{response}\"",
            quoted(&account.name),
            quoted(realm),
            quoted(nonce),
            quoted(uri),
        );
        // Writing to a string cannot fail.
        if self.names_algorithm {
            let _ = write!(value, ", algorithm={}", self.algorithm.name());
        }
        if let Some(qop) = qop {
            let _ = write!(value, ", qop={qop}, nc={nc}");
        }
        if qop.is_some() || session {
            let _ = write!(value, ", cnonce=\"{}\"", quoted(cnonce));
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(value, ", opaque=\"{}\"", quoted(opaque));
        }
        (if self.proxy { HeaderId::ProxyAuthorization } else { HeaderId::Authorization }, value)
    }
}

fn hash(algorithm: Algorithm, text: &str) -> String {
    match algorithm {
        Algorithm::Sha256 | Algorithm::Sha256Sess => hex(&Sha256::digest(text)),
        Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => hex(&Sha512_256::digest(text)),
        _ => hex(&Md5::digest(text)),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn text(quoted: Quoted<'_>) -> String {
    String::from_utf8_lossy(&quoted.bytes().collect::<Vec<_>>()).into_owned()
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_message::{Framing, Index};

    fn challenges(lines: &str) -> (Vec<Challenge>, Vec<String>) {
        let text = format!("SIP/2.0 401 Unauthorized\r\n{lines}\r\nContent-Length: 0\r\n\r\n");
        let mut index = Index::new();
        Challenge::all(&index.read(text.as_bytes(), Framing::Datagram).unwrap())
    }

    /// RFC 7616 §3.9.1, as far as it can be: the method and URI are arguments here too.
    #[test]
    fn the_examples_of_the_rfc_come_out() {
        let account = Account { name: "Mufasa".to_owned(), password: Zeroizing::new("Circle of Life".to_owned()) };
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ".to_owned();
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let line = format!(
                "WWW-Authenticate: Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
                 algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            );
            let (known, _) = challenges(&line);
            let count = Count { nc: 1, cnonce: cnonce.clone() };
            let (id, value) = known[0].answer(&account, "GET", "/dir/index.html", &count);
            assert_eq!(id, HeaderId::Authorization);
            assert!(value.contains(&format!("response=\"{response}\"")), "{value}");
            assert!(value.contains("nc=00000001") && value.contains("opaque=\"FQhe"), "{value}");
        }
    }

    /// RFC 2617 §3.5 without qop is RFC 2069: the response of its errata.
    #[test]
    fn what_is_not_offered_is_not_used() {
        let (known, names) = challenges(
            "WWW-Authenticate: Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"\r\n\
             Proxy-Authenticate: Digest realm=\"p\", nonce=\"n\", algorithm=SHA-3, stale=true\r\n\
             WWW-Authenticate: Bearer realm=\"x\"",
        );
        assert_eq!(names, ["MD5", "Bearer", "SHA-3"]);
        assert_eq!(known.len(), 1);
        let account = Account { name: "Mu\"fasa".to_owned(), password: Zeroizing::new("CircleOfLife".to_owned()) };
        let count = Count { nc: 1, cnonce: "c".to_owned() };
        let (_, value) = known[0].answer(&account, "REGISTER", "sip:host.com", &count);
        assert!(["qop=", "nc=", "cnonce=", "algorithm="].iter().all(|name| !value.contains(name)), "{value}");
        assert!(value.starts_with("Digest username=\"Mu\\\"fasa\", "), "{value}");
    }
}
