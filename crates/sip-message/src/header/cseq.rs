//! CSeq (RFC 3261 §20.16).

use super::SingleHeader;
use crate::chars::TOKEN;
use crate::step::{Step, number, some, stop, sws, whole};
use crate::{HeaderId, Method, ParseError, Part};

/// A sequence number and a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Less than 2^31 (§8.1.1.5).
    pub number: u32,
    /// The method of the request.
    pub method: Method<'a>,
}

impl<'a> SingleHeader<'a> for CSeq<'a> {
    const ID: HeaderId = HeaderId::CSeq;
    fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        whole(Part::CSeq, value, cseq(value))
    }
}

fn cseq(input: &[u8]) -> Step<'_, CSeq<'_>> {
    let (rest, number) = number(input)?;
    if let [b' ', name @ ..] = rest
        && name == b"REGISTER"
        && number <= 0x7FFF_FFFF
    {
        return Ok((&[], CSeq { number, method: Method::Register }));
    }
    let method = sws(rest);
    if number > 0x7FFF_FFFF || method.len() == rest.len() {
        return stop(rest);
    }
    let (rest, method) = some(TOKEN)(method)?;
    Ok((rest, CSeq { number, method: Method::from_name(method) }))
}
