//! What the sender of a request shows for itself.

use std::borrow::Cow;

use sip_dispatch::Exchange;
use sip_message::HeaderId;
use sip_message::header::{Algorithm, DigestCredentials, Quoted};

use super::Algorithms;
use super::digest::{Answered, Qop};
use super::hash::from_hex;
use super::{HashFunction, Policy};

/// Credentials for a realm, read but not yet checked.
#[derive(Clone, Debug)]
pub(crate) struct Attempt<'e> {
    /// As it was sent; empty with `userhash`.
    pub(crate) username: Cow<'e, [u8]>,
    pub(crate) realm: Cow<'e, [u8]>,
    /// The name as its hash (RFC 7616 §3.4.4).
    pub(crate) userhash: Option<[u8; 32]>,
    pub(crate) algorithm: Algorithm,
    pub(crate) answered: Answered<'e>,
    /// `None`: an answer without qop.
    pub(crate) count: Option<u32>,
    /// What was answered; `None` if that cannot be right.
    pub(crate) response: Option<[u8; 32]>,
}

/// Why credentials are not looked at further. None of it depends on who the user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// None for this realm.
    Missing,
    /// Not by an algorithm, or not with the `opaque`, that this server offers.
    NotOffered,
    /// They break a rule of RFC 7616, which the phrase names.
    Malformed(&'static str),
}

impl<'e> Attempt<'e> {
    /// The credentials for `realm` in the headers of this kind. Those for other realms are for others.
    pub(crate) fn read(
        ex: &Exchange<'e>,
        kind: HeaderId,
        realm: &[u8],
        opaque: Option<&str>,
        policy: &Policy,
        offered: Algorithms,
    ) -> Result<Self, Unfit> {
        let digest = pick(ex, kind, realm)?;
        if opaque.is_some_and(|opaque| !digest.opaque.is_some_and(|sent| sent.is(opaque.as_bytes()))) {
            return Err(Unfit::NotOffered);
        }
        let algorithm = match digest.algorithm {
            Some(name) => name.plain().and_then(Algorithm::from_name),
            None => Some(Algorithm::Md5),
        };
        let algorithm = algorithm.filter(|algorithm| offered.contains(*algorithm)).ok_or(Unfit::NotOffered)?;
        let (function, session) = HashFunction::of(algorithm);
        let (counted, count) = counted(&digest, policy)?;
        let cnonce = digest.cnonce.map(text).unwrap_or_default();
        if (session || counted.is_some()) && cnonce.is_empty() {
            return Err(Unfit::Malformed("Missing cnonce"));
        }
        let userhash = if digest.userhash {
            if !policy.userhash {
                return Err(Unfit::NotOffered);
            }
            let hash = digest.username.plain().and_then(|hash| from_hex(function, hash));
            Some(hash.ok_or(Unfit::Malformed("Malformed userhash"))?)
        } else {
            None
        };
        let username = match digest.username_ext {
            _ if userhash.is_some() => Cow::default(),
            Some(encoded) => Cow::Owned(extended(encoded).ok_or(Unfit::Malformed("Malformed username*"))?),
            None => text(digest.username),
        };
        let realm = text(digest.realm);
        let answered = Answered { nonce: text(digest.nonce), cnonce, uri: text(digest.uri), counted, session };
        let response = digest.response.plain().and_then(|response| from_hex(function, response));
        Ok(Self { username, realm, userhash, algorithm, answered, count, response })
    }
}

fn pick<'e>(ex: &Exchange<'e>, kind: HeaderId, realm: &[u8]) -> Result<DigestCredentials<'e>, Unfit> {
    let mut found = Err(Unfit::Missing);
    for line in ex.message().lines(kind) {
        match ex.digest(line) {
            Ok(Some(digest)) if digest.realm.is(realm) => {
                if found.is_ok() {
                    return Err(Unfit::Malformed("Credentials Twice"));
                }
                found = Ok(digest);
            }
            Ok(_) => {}
            Err(_) => return Err(Unfit::Malformed("Malformed Credentials")),
        }
    }
    found
}

type Counted<'e> = Option<(&'e [u8], &'e [u8], Qop)>;

/// The nonce count with its qop, if there is a qop.
fn counted<'e>(digest: &DigestCredentials<'e>, policy: &Policy) -> Result<(Counted<'e>, Option<u32>), Unfit> {
    let Some(qop) = digest.qop else {
        // Some phones answer as if no qop had been offered.
        let is_allowed = policy.qops.is_empty() || (policy.qop_may_be_missing && policy.qops.contains(&Qop::Auth));
        return if is_allowed { Ok((None, None)) } else { Err(Unfit::Malformed("Missing qop")) };
    };
    let name = qop.plain().unwrap_or_default();
    let known = Qop::from_name(name).filter(|qop| policy.qops.contains(qop));
    let qop = known.ok_or(Unfit::Malformed("qop Was Not Offered"))?;
    let count = digest.nonce_count().filter(|count| *count > 0).ok_or(Unfit::Malformed("Malformed nc"))?;
    let digits = digest.nc.map(|nc| nc.0).unwrap_or_default();
    Ok((Some((digits, name, qop)), Some(count)))
}

fn text(quoted: Quoted<'_>) -> Cow<'_, [u8]> {
    quoted.plain().map_or_else(|| Cow::Owned(quoted.bytes().collect()), Cow::Borrowed)
}

/// A value in the encoding of RFC 8187: `UTF-8''J%C3%A4s%C3%B8n`.
fn extended(encoded: Quoted<'_>) -> Option<Vec<u8>> {
    let mut parts = encoded.plain()?.splitn(3, |byte| *byte == b'\'');
    let (charset, _language, value) = (parts.next()?, parts.next()?, parts.next()?);
    let is_right = charset.eq_ignore_ascii_case(b"UTF-8") && sip_message::uri::escape::is_well_formed(value);
    is_right.then(|| sip_message::uri::escape::unescape(value).collect())
}
