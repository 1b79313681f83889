//! What the answer to a challenge must be (RFC 7616 §3.4.1 to §3.4.3; without qop RFC 2069).

use std::borrow::Cow;
use std::cell::RefCell;

use super::Ha1;
use super::hash::{HashFunction, Hashed};

/// How far the answer protects the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Qop {
    /// `auth`: method and digest uri.
    Auth,
    /// `auth-int`: the body too.
    AuthInt,
}

impl Qop {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }

    /// The qop of that name, in any case.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Auth, Self::AuthInt].into_iter().find(|qop| qop.name().as_bytes().eq_ignore_ascii_case(name))
    }
}

/// The values that an answer is made of, as they were sent.
#[derive(Clone, Debug)]
pub(crate) struct Answered<'a> {
    pub(crate) nonce: Cow<'a, [u8]>,
    pub(crate) cnonce: Cow<'a, [u8]>,
    pub(crate) uri: Cow<'a, [u8]>,
    /// The eight digits of nc, and qop as it was written; `None`: an answer as in RFC 2069.
    pub(crate) counted: Option<(&'a [u8], &'a [u8], Qop)>,
    /// Whether A1 is one of a session.
    pub(crate) session: bool,
}

/// What `response` must be for a request of this method with this body.
pub(crate) fn response(ha1: &Ha1, answered: &Answered<'_>, method: &[u8], body: &[u8]) -> Hashed {
    let function = ha1.function();
    let Answered { nonce, cnonce, uri, counted, session } = answered;
    let a1 = if *session { function.hash(&[&ha1.hex(), b":", nonce, b":", cnonce]).hex() } else { ha1.hex() };
    let a2 = match counted {
        Some((_, _, Qop::AuthInt)) => function.hash(&[method, b":", uri, b":", &function.hash(&[body]).hex()]),
        _ => plain_a2(function, method, uri),
    };
    match counted {
        Some((nc, qop, _)) => function.hash(&[&a1, b":", nonce, b":", nc, b":", cnonce, b":", qop, b":", &a2.hex()]),
        None => function.hash(&[&a1, b":", nonce, b":", &a2.hex()]),
    }
}

/// H(A2) without a body. There is nothing secret in it, and most who come one after the other have the same, so the last
/// is kept.
fn plain_a2(function: HashFunction, method: &[u8], uri: &[u8]) -> Hashed {
    /// No longer text is kept.
    const LONGEST: usize = 256;
    thread_local! {
        static LAST: RefCell<([u8; LONGEST], usize, Option<Hashed>)> = const { RefCell::new(([0; LONGEST], 0, None)) };
    }
    LAST.with_borrow_mut(|(text, end, last)| {
        let is_it = |last: &Hashed| {
            let text = text.get(..*end).unwrap_or_default();
            let rest = text.strip_prefix(method).and_then(|rest| rest.strip_prefix(b":"));
            last.function == function && rest == Some(uri)
        };
        if let Some(last) = last.filter(is_it) {
            return last;
        }
        let hashed = function.hash(&[method, b":", uri]);
        *end = 0;
        for part in [method, b":", uri] {
            let Some(place) = text.get_mut(*end..*end + part.len()) else {
                *last = None;
                return hashed;
            };
            place.copy_from_slice(part);
            *end += part.len();
        }
        *last = Some(hashed);
        hashed
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered<'a>(nonce: &'a str, cnonce: &'a str, uri: &'a str, qop: Option<Qop>, session: bool) -> Answered<'a> {
        Answered {
            nonce: Cow::Borrowed(nonce.as_bytes()),
            cnonce: Cow::Borrowed(cnonce.as_bytes()),
            uri: Cow::Borrowed(uri.as_bytes()),
            counted: qop.map(|qop| (b"00000001".as_slice(), qop.name().as_bytes(), qop)),
            session,
        }
    }

    fn hex(ha1: &Ha1, answered: &Answered<'_>, method: &str, body: &str) -> String {
        String::from_utf8_lossy(&response(ha1, answered, method.as_bytes(), body.as_bytes()).hex()).into_owned()
    }

    /// RFC 7616 §3.9.1; RFC 8760 has no vectors of its own and refers to these.
    #[test]
    fn the_vectors_of_rfc_7616_3_9_1() {
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let answered = answered(nonce, cnonce, "/dir/index.html", Some(Qop::Auth), false);
        for (function, expected) in [
            (HashFunction::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (HashFunction::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let ha1 = Ha1::of(function, b"Mufasa", b"http-auth@example.org", b"Circle of Life");
            assert_eq!(hex(&ha1, &answered, "GET", ""), expected);
        }
    }

    /// RFC 7616 §3.9.2 with its erratum: the values that are printed there are those of SHA-512 cut to 256 bits, which is
    /// not SHA-512/256.
    #[test]
    fn the_vector_of_rfc_7616_3_9_2_with_its_userhash() {
        let function = HashFunction::Sha512_256;
        let username = "J\u{e4}s\u{f8}n Doe";
        let realm = b"api@example.org";
        let ha1 = Ha1::of(function, username.as_bytes(), realm, b"Secret, or not?");
        let nonce = "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK";
        let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
        let answered = answered(nonce, cnonce, "/doe.json", Some(Qop::Auth), false);
        assert_eq!(hex(&ha1, &answered, "GET", ""), "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
        let userhash = function.hash(&[username.as_bytes(), b":", realm]).hex();
        assert_eq!(
            String::from_utf8_lossy(&userhash),
            "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
        );
    }

    #[test]
    fn what_is_kept_is_the_hash_of_the_same_and_of_nothing_else() {
        let long = vec![b'x'; 1000];
        let texts = [b"REGISTER".as_slice(), b"INVITE", b"REGISTER:sip", b""];
        let uris = [b"sip:example.com".as_slice(), b"sip:example.org", b":sip:example.com", b"", &long];
        for (method, uri) in texts.iter().flat_map(|method| uris.iter().map(move |uri| (*method, *uri))) {
            for function in HashFunction::ALL.into_iter().flat_map(|function| [function; 2]) {
                let expected = function.hash(&[method, b":", uri]).hex();
                assert_eq!(*plain_a2(function, method, uri).hex(), *expected);
            }
        }
    }

    /// RFC 2617 §3.5 and RFC 2069 §2.4 (with its erratum 749).
    #[test]
    fn the_older_vectors_with_and_without_qop() {
        let ha1 = Ha1::of(HashFunction::Md5, b"Mufasa", b"testrealm@host.com", b"Circle Of Life");
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let auth = answered(nonce, "0a4f113b", "/dir/index.html", Some(Qop::Auth), false);
        assert_eq!(hex(&ha1, &auth, "GET", ""), "6629fae49393a05397450978507c4ef1");
        let ha1 = Ha1::of(HashFunction::Md5, b"Mufasa", b"testrealm@host.com", b"CircleOfLife");
        let old = answered(nonce, "", "/dir/index.html", None, false);
        assert_eq!(hex(&ha1, &old, "GET", ""), "1949323746fe6a43ef61f9606e7febea");
    }
}
