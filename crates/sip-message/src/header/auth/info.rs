//! Authentication-Info (RFC 7615, RFC 7616 §3.5).

use super::params::{AuthParam, AuthParams, Name, Quoted, params};
use crate::header::SingleHeader;
use crate::step::{Step, whole};
use crate::{HeaderId, ParseError, Part};

/// What a server says after right credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthenticationInfo<'a> {
    /// The nonce to use next.
    pub nextnonce: Option<Quoted<'a>>,
    /// `qop` that was used.
    pub qop: Option<Quoted<'a>>,
    /// The server's own digest.
    pub rspauth: Option<Quoted<'a>>,
    /// The client's nonce, repeated.
    pub cnonce: Option<Quoted<'a>>,
    /// The nonce count, repeated.
    pub nc: Option<Quoted<'a>>,
    /// Everything, in order.
    pub params: AuthParams<'a>,
}

impl<'a> SingleHeader<'a> for AuthenticationInfo<'a> {
    const ID: HeaderId = HeaderId::AuthenticationInfo;
    fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        whole(Part::Auth, value, info(value))
    }
}

fn info(input: &[u8]) -> Step<'_, AuthenticationInfo<'_>> {
    let (mut nextnonce, mut qop, mut rspauth, mut cnonce, mut nc) = Default::default();
    let (rest, params) = params(input, |AuthParam { name, value, .. }| {
        let slot = match name {
            _ if name.eq_ignore_ascii_case(b"nextnonce") => &mut nextnonce,
            _ if name.eq_ignore_ascii_case(b"qop") => &mut qop,
            _ if name.eq_ignore_ascii_case(b"rspauth") => &mut rspauth,
            _ if name.eq_ignore_ascii_case(b"cnonce") => &mut cnonce,
            _ if name.eq_ignore_ascii_case(b"nc") => &mut nc,
            _ => return Name::Other,
        };
        Name::note(slot, value)
    })?;
    Ok((rest, AuthenticationInfo { nextnonce, qop, rspauth, cnonce, nc, params }))
}
