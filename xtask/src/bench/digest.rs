//! The users' side of digest authentication (RFC 7616), as desk phones do it.

use std::io::Write as _;

use anyhow::{Context, Result};
use md5::{Digest, Md5};
use sha2::Sha256;

use super::requests::DOMAIN;

/// The password of every user.
pub(crate) const PASSWORD: &str = "correct horse";

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hash {
    Md5,
    Sha256,
}

/// Hexadecimal digits of a hash; those of MD5 are the first 32.
type Hex = [u8; 64];

impl Hash {
    /// As it is written in challenges.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    /// H(name:realm:password), in hexadecimal; the realm is the domain.
    pub(crate) fn ha1(self, name: &str, password: &str) -> String {
        let mut hex = [0; 64];
        let digits = self.hex(&[name.as_bytes(), DOMAIN.as_bytes(), password.as_bytes()], &mut hex);
        String::from_utf8_lossy(digits).into_owned()
    }

    /// The hash of the parts with colons between them.
    fn hex<'h>(self, parts: &[&[u8]], hex: &'h mut Hex) -> &'h [u8] {
        match self {
            Self::Md5 => hex_of::<Md5>(parts, hex),
            Self::Sha256 => hex_of::<Sha256>(parts, hex),
        }
    }
}

fn hex_of<'h, D: Digest>(parts: &[&[u8]], hex: &'h mut Hex) -> &'h [u8] {
    let mut digest = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            digest.update(b":");
        }
        digest.update(part);
    }
    let hash = digest.finalize();
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    for (two, byte) in hex.chunks_exact_mut(2).zip(hash.iter()) {
        two.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    hex.get(..hash.len() * 2).unwrap_or_default()
}

/// How users answer a challenge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Login {
    pub(crate) hash: Hash,
    pub(crate) password: &'static str,
}

/// A nonce, and how often it has been used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nonce {
    text: Vec<u8>,
    count: u32,
}

impl Nonce {
    /// Takes the nonce of a challenge.
    pub(crate) fn renew(&mut self, challenge: &[u8]) -> Result<()> {
        const NONCE: &[u8] = b"nonce=\"";
        let at = challenge.windows(NONCE.len()).position(|window| window == NONCE);
        let rest = at.and_then(|at| challenge.get(at + NONCE.len()..)).context("a challenge without a nonce")?;
        let text = rest.split(|byte| *byte == b'"').next().unwrap_or_default();
        self.text.clear();
        self.text.extend_from_slice(text);
        self.count = 0;
        Ok(())
    }
}

impl Login {
    /// Writes the header line of a REGISTER with the next count of a nonce.
    pub(crate) fn write(&self, user: u32, nonce: &mut Nonce, line: &mut Vec<u8>) -> Result<()> {
        const CNONCE: &str = "0a4f113b";
        nonce.count += 1;
        let name = name_of(user);
        let uri = format!("sip:{DOMAIN}");
        let count = format!("{:08x}", nonce.count);
        let ha1 = self.hash.ha1(&name, self.password);
        let (mut ha2, mut response) = ([0; 64], [0; 64]);
        let ha2 = self.hash.hex(&[b"REGISTER", uri.as_bytes()], &mut ha2);
        let parts = [ha1.as_bytes(), &nonce.text, count.as_bytes(), CNONCE.as_bytes(), b"auth", ha2];
        let response = self.hash.hex(&parts, &mut response);
        line.clear();
        write!(line, "Authorization: Digest username=\"{name}\", realm=\"{DOMAIN}\", nonce=\"")?;
        line.extend_from_slice(&nonce.text);
        write!(line, "\", uri=\"{uri}\", response=\"")?;
        line.extend_from_slice(response);
        write!(line, "\", algorithm={}, cnonce=\"{CNONCE}\", qop=auth, nc={count}\r\n", self.hash.name())?;
        Ok(())
    }
}

/// The user part of a user's address.
pub(crate) fn name_of(user: u32) -> String {
    format!("u{user:08}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures from `printf … | md5sum` and `sha256sum`.
    #[test]
    fn the_hash_of_name_realm_and_password_is_what_a_users_file_holds() {
        let name = name_of(17);
        assert_eq!(name, "u00000017");
        assert_eq!(Hash::Md5.ha1(&name, PASSWORD), "07b2a78d0ea8a8ef836e5f836b795e53");
        let sha256 = "ad36686097063bc9da5e6d98ba1ba492a0d819fc18105b8d4bc29fae2533b44b";
        assert_eq!(Hash::Sha256.ha1(&name, PASSWORD), sha256);
    }

    #[test]
    fn every_use_of_a_nonce_has_a_higher_count_and_another_response() {
        let mut nonce = Nonce::default();
        nonce.renew(b"WWW-Authenticate: Digest realm=\"bench.test\", nonce=\"abc\", qop=\"auth\"\r\n").unwrap();
        let login = Login { hash: Hash::Md5, password: PASSWORD };
        let mut lines = Vec::new();
        for _ in 0..2 {
            let mut line = Vec::new();
            login.write(17, &mut nonce, &mut line).unwrap();
            lines.push(String::from_utf8(line).unwrap());
        }
        let [first, second] = &lines[..] else { panic!("two lines") };
        assert!(first.contains("nc=00000001\r\n") && second.contains("nc=00000002\r\n"), "{lines:?}");
        assert!(first.contains("response=\"bbe01a098a6c598049f48b8cccba6918\""), "{first}");
        assert!(second.contains("response=\"01e2abae3e1d263e68962e9bc6c47740\""), "{second}");
        nonce.renew(b"nonce=\"abc\"").unwrap();
        let mut line = Vec::new();
        login.write(17, &mut nonce, &mut line).unwrap();
        assert_eq!(line, first.as_bytes());
        assert!(nonce.renew(b"SIP/2.0 401 Unauthorized\r\n\r\n").is_err());
    }
}
