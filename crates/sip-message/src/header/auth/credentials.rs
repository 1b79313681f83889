//! Authorization and Proxy-Authorization.

use super::params::{AuthParam, AuthParams, Name, Quoted, params};
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
        if self.scheme != b"Digest" && !self.scheme.eq_ignore_ascii_case(b"Digest") {
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

/// Where the value of a parameter of this name, in lower case, stands among those of [`digest`].
fn place(name: &[u8]) -> Option<usize> {
    Some(match name {
        b"username" => 0,
        b"username*" => 1,
        b"realm" => 2,
        b"nonce" => 3,
        b"uri" => 4,
        b"response" => 5,
        b"algorithm" => 6,
        b"cnonce" => 7,
        b"opaque" => 8,
        b"qop" => 9,
        b"nc" => 10,
        b"userhash" => 11,
        _ => return None,
    })
}

/// The same in any case.
#[cold]
fn place_in_any_case(name: &[u8]) -> Option<usize> {
    let mut lower = [0; 9];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    place(lower)
}

fn digest(input: &[u8]) -> Step<'_, DigestCredentials<'_>> {
    let mut values = [None; 12];
    let (rest, params) = params(input, |AuthParam { name, value, .. }| {
        // Nearly all write names in lower case.
        let place = place(name).or_else(|| place_in_any_case(name));
        place.and_then(|place| values.get_mut(place)).map_or(Name::Other, |place| Name::note(place, value))
    })?;
    let [username, username_ext, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc, userhash] = values;
    let userhash = userhash.is_some_and(|value| value.0.eq_ignore_ascii_case(b"true"));
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
