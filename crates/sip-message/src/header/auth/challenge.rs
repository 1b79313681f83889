//! WWW-Authenticate and Proxy-Authenticate.

use super::credentials::scheme;
use super::params::{AuthParam, AuthParams, Name, Quoted, params};
use crate::step::{Step, stop, whole};
use crate::{ParseError, Part};

/// The value of one WWW-Authenticate or Proxy-Authenticate header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// `Digest`, `Bearer` and so on, as it came.
    pub scheme: &'a [u8],
    /// What stands behind the scheme.
    pub rest: &'a [u8],
}

impl<'a> Challenge<'a> {
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
    /// A parameter is malformed or stands twice, or realm or nonce is missing.
    pub fn digest(&self) -> Result<Option<DigestChallenge<'a>>, ParseError> {
        if !self.scheme.eq_ignore_ascii_case(b"Digest") {
            return Ok(None);
        }
        whole(Part::Auth, self.rest, digest(self.rest)).map(Some)
    }
}

/// A digest challenge (RFC 7616 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestChallenge<'a> {
    /// `realm`.
    pub realm: Quoted<'a>,
    /// `nonce`.
    pub nonce: Quoted<'a>,
    /// `domain`.
    pub domain: Option<Quoted<'a>>,
    /// `opaque`.
    pub opaque: Option<Quoted<'a>>,
    /// `algorithm`.
    pub algorithm: Option<Quoted<'a>>,
    /// `qop`: a list.
    pub qop: Option<Quoted<'a>>,
    /// `stale`.
    pub stale: bool,
    /// `userhash`.
    pub userhash: bool,
    /// Everything, in order.
    pub params: AuthParams<'a>,
}

impl<'a> DigestChallenge<'a> {
    /// The values of `qop` that are offered.
    pub fn qops(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.qop.map_or([].as_slice(), |qop| qop.0).split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
    }
}

fn digest(input: &[u8]) -> Step<'_, DigestChallenge<'_>> {
    let (mut realm, mut nonce, mut domain, mut opaque, mut algorithm, mut qop) = Default::default();
    let (mut stale, mut userhash) = (false, false);
    let (rest, params) = params(input, |AuthParam { name, value, .. }| {
        let slot = match name {
            _ if name.eq_ignore_ascii_case(b"realm") => &mut realm,
            _ if name.eq_ignore_ascii_case(b"nonce") => &mut nonce,
            _ if name.eq_ignore_ascii_case(b"domain") => &mut domain,
            _ if name.eq_ignore_ascii_case(b"opaque") => &mut opaque,
            _ if name.eq_ignore_ascii_case(b"algorithm") => &mut algorithm,
            _ if name.eq_ignore_ascii_case(b"qop") => &mut qop,
            _ => {
                let yes = value.0.eq_ignore_ascii_case(b"true");
                stale |= yes && name.eq_ignore_ascii_case(b"stale");
                userhash |= yes && name.eq_ignore_ascii_case(b"userhash");
                return Name::Other;
            }
        };
        Name::note(slot, value)
    })?;
    match (realm, nonce) {
        (Some(realm), Some(nonce)) => {
            Ok((rest, DigestChallenge { realm, nonce, domain, opaque, algorithm, qop, stale, userhash, params }))
        }
        _ => stop(input),
    }
}
