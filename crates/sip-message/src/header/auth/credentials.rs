//! Authorization and Proxy-Authorization.

use super::params::{AuthParam, AuthParams, Quoted, params};
use crate::chars::TOKEN;
use crate::step::{Step, some, stop, sws, whole};
use crate::{ParseError, Part};

/// The value of one Authorization or Proxy-Authorization header. Each header holds one: its commas separate parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// `Digest`, `Bearer` and so on, as it came.
    pub scheme: &'a [u8],
    /// What stands behind the scheme.
    pub rest: &'a [u8],
}

impl<'a> Credentials<'a> {
    /// Divides a value into scheme and rest.
    ///
    /// # Errors
    /// There is no scheme, or nothing behind it.
    pub fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        let (scheme, rest) = whole(Part::Auth, value, scheme(value))?;
        Ok(Self { scheme, rest })
    }

    /// The parameters of a Digest, or `None` for another scheme.
    ///
    /// # Errors
    /// A parameter is malformed or stands twice, or one without which no digest can be checked is missing: username
    /// (or `username*`), realm, nonce, uri, response.
    pub fn digest(&self) -> Result<Option<DigestCredentials<'a>>, ParseError> {
        if !self.scheme.eq_ignore_ascii_case(b"Digest") {
            return Ok(None);
        }
        whole(Part::Auth, self.rest, digest(self.rest)).map(Some)
    }
}

/// Scheme and what follows it, taking the whole input.
pub(super) fn scheme(input: &[u8]) -> Step<'_, (&[u8], &[u8])> {
    let (rest, scheme) = some(TOKEN)(input)?;
    let parameters = sws(rest);
    if parameters.is_empty() || parameters.len() == rest.len() {
        return stop(rest);
    }
    Ok((&[], (scheme, parameters)))
}

/// An answer to a digest challenge. Values as they came: a missing one may be right for some clients and not for
/// others, and that is decided where the answer is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestCredentials<'a> {
    /// `username`; empty if only `username*` came.
    pub username: Quoted<'a>,
    /// `username*` (RFC 7616 §3.4), still encoded as in RFC 8187.
    pub username_ext: Option<Quoted<'a>>,
    /// `realm`.
    pub realm: Quoted<'a>,
    /// `nonce`.
    pub nonce: Quoted<'a>,
    /// `uri`, which may differ from the Request-URI.
    pub uri: Quoted<'a>,
    /// `response`, in hexadecimal.
    pub response: Quoted<'a>,
    /// `algorithm`, with or without quotes.
    pub algorithm: Option<Quoted<'a>>,
    /// `cnonce`.
    pub cnonce: Option<Quoted<'a>>,
    /// `opaque`.
    pub opaque: Option<Quoted<'a>>,
    /// `qop`, with or without quotes.
    pub qop: Option<Quoted<'a>>,
    /// `nc`: eight hexadecimal digits, if it is well-formed.
    pub nc: Option<Quoted<'a>>,
    /// `userhash`.
    pub userhash: bool,
    /// Everything, in order.
    pub params: AuthParams<'a>,
}

impl DigestCredentials<'_> {
    /// The nonce count, if it is there and eight hexadecimal digits.
    #[must_use]
    pub fn nonce_count(&self) -> Option<u32> {
        let digits: &[u8; 8] = self.nc?.0.try_into().ok()?;
        digits.iter().try_fold(0, |count, &digit| Some(count << 4 | char::from(digit).to_digit(16)?))
    }
}

fn digest(input: &[u8]) -> Step<'_, DigestCredentials<'_>> {
    let (mut username, mut username_ext, mut realm, mut nonce, mut uri, mut response) = Default::default();
    let (mut algorithm, mut cnonce, mut opaque, mut qop, mut nc) = Default::default();
    let mut userhash = false;
    let (rest, params) = params(input, |AuthParam { name, value, .. }| {
        let slot = match name.len() {
            8 if name.eq_ignore_ascii_case(b"username") => &mut username,
            9 if name.eq_ignore_ascii_case(b"username*") => &mut username_ext,
            5 if name.eq_ignore_ascii_case(b"realm") => &mut realm,
            5 if name.eq_ignore_ascii_case(b"nonce") => &mut nonce,
            3 if name.eq_ignore_ascii_case(b"uri") => &mut uri,
            8 if name.eq_ignore_ascii_case(b"response") => &mut response,
            9 if name.eq_ignore_ascii_case(b"algorithm") => &mut algorithm,
            6 if name.eq_ignore_ascii_case(b"cnonce") => &mut cnonce,
            6 if name.eq_ignore_ascii_case(b"opaque") => &mut opaque,
            3 if name.eq_ignore_ascii_case(b"qop") => &mut qop,
            2 if name.eq_ignore_ascii_case(b"nc") => &mut nc,
            8 if name.eq_ignore_ascii_case(b"userhash") => {
                userhash = value.0.eq_ignore_ascii_case(b"true");
                return true;
            }
            _ => return true,
        };
        *slot = Some(value);
        true
    })?;
    // A username is either plain or extended (RFC 7616 §3.4).
    let username = match (username, username_ext) {
        (Some(username), None) => username,
        (None, Some(_)) => Quoted::default(),
        _ => return stop(input),
    };
    let (Some(realm), Some(nonce), Some(uri), Some(response)) = (realm, nonce, uri, response) else {
        return stop(input);
    };
    let credentials = DigestCredentials {
        username,
        username_ext,
        realm,
        nonce,
        uri,
        response,
        algorithm,
        cnonce,
        opaque,
        qop,
        nc,
        userhash,
        params,
    };
    Ok((rest, credentials))
}
