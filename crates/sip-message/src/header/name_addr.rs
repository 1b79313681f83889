//! name-addr and addr-spec with parameters: From, To, Route, Record-Route, Path, Service-Route (RFC 3261 §20.10).

use super::params::{Params, once, params};
use super::{ListItem, SingleHeader, sealed};
use crate::chars::{SPACE, TOKEN};
use crate::step::{Step, byte, quoted, stop, sws, whole};
use crate::uri::{Uri, uri};
use crate::{HeaderId, ParseError, Part};

/// An address with what stands around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name as it came, with its quotes if it has them; empty if there is none.
    pub display: &'a [u8],
    /// The address.
    pub uri: Uri<'a>,
    /// Whether the address stood between `<` and `>`. If not, all parameters are the header's.
    pub bracketed: bool,
    /// The header's parameters.
    pub params: Params<'a>,
    /// The `tag` of From and To.
    pub tag: Option<&'a [u8]>,
}

impl<'a> NameAddr<'a> {
    /// Reads a whole value.
    ///
    /// # Errors
    /// It is no address, or its `tag` is empty or stands twice.
    #[inline]
    pub fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        whole(Part::NameAddr, value, name_addr(value))
    }

    /// The same, where the value may begin with all of another that has been read: in a REGISTER, From is usually To with a
    /// tag.
    ///
    /// # Errors
    /// As [`NameAddr::parse`].
    #[inline]
    pub fn parse_beside(value: &'a [u8], (other, read): (&'a [u8], &Self)) -> Result<Self, ParseError> {
        // What ends with its bracket is the same whatever follows.
        let same = read.bracketed && read.params.as_bytes().is_empty();
        match value.strip_prefix(other).filter(|_| same) {
            Some(rest) => {
                let Self { display, uri, bracketed, .. } = *read;
                whole(Part::NameAddr, value, parameters(rest, (display, uri, bracketed)))
            }
            None => Self::parse(value),
        }
    }
}

impl<'a> ListItem<'a> for NameAddr<'a> {}
impl<'a> sealed::Item<'a> for NameAddr<'a> {
    const PART: Part = Part::NameAddr;
    fn item(input: &'a [u8]) -> Step<'a, Self> {
        name_addr(input)
    }
}

macro_rules! named {
    ($($name:ident)*) => {$(
        #[doc = concat!("The ", stringify!($name), " header.")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<'a>(pub NameAddr<'a>);
        impl<'a> SingleHeader<'a> for $name<'a> {
            const ID: HeaderId = HeaderId::$name;
            #[inline(always)]
            fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
                NameAddr::parse(value).map(Self)
            }
        }
    )*};
}
named!(From To);

#[inline(always)]
fn name_addr(input: &[u8]) -> Step<'_, NameAddr<'_>> {
    let (rest, address) = address(input)?;
    parameters(rest, address)
}

/// What stands behind an address.
#[inline(always)]
fn parameters<'a>(input: &'a [u8], (display, uri, bracketed): (&'a [u8], Uri<'a>, bool)) -> Step<'a, NameAddr<'a>> {
    let mut tag = None;
    let (rest, params) = params(input, |name, value| {
        !name.eq_ignore_ascii_case(b"tag") || value.is_some_and(|value| !value.is_empty() && once(&mut tag, value))
    })?;
    Ok((rest, NameAddr { display, uri, bracketed, params, tag }))
}

/// Display name, address, and whether it was bracketed.
#[inline(always)]
pub(super) fn address(input: &[u8]) -> Step<'_, (&[u8], Uri<'_>, bool)> {
    let start = sws(input);
    let (after_display, display) = match start.first() {
        Some(b'<') => (start, [].as_slice()),
        Some(b'"') => quoted(start)?,
        _ if start.get(TOKEN.run(start)) == Some(&b':') => {
            let (rest, uri) = bare(start)?;
            return Ok((rest, ([].as_slice(), uri, false)));
        }
        _ => display_tokens(start)?,
    };
    let (inner, ()) = byte(b'<')(sws(after_display))?;
    let (rest, uri) = uri(inner)?;
    let (rest, ()) = byte(b'>')(rest)?;
    Ok((rest, (display, uri, true)))
}

/// An address without brackets ends before the first `;`, `,`, `?` or white space (RFC 3261 §20).
fn bare(input: &[u8]) -> Step<'_, Uri<'_>> {
    let end = input.iter().position(|&b| matches!(b, b';' | b',' | b'?' | b' ' | b'\t' | b'\r')).unwrap_or(input.len());
    let Some((uri, rest)) = input.split_at_checked(end) else { return stop(input) };
    match Uri::parse(uri) {
        Ok(uri) => Ok((rest, uri)),
        Err(_) => stop(input),
    }
}

/// Words before `<`: tokens, and bytes beyond ASCII, which phones send without quotes.
fn display_tokens(input: &[u8]) -> Step<'_, &[u8]> {
    let mut end = 0;
    while let Some(&byte) = input.get(end) {
        match byte {
            b'<' => {
                let Some((display, rest)) = input.split_at_checked(end) else { return stop(input) };
                return Ok((rest, crate::step::trim_end(display)));
            }
            // A fold; its CR is seen before its LF.
            b'\r' if matches!(input.get(end + 1..end + 3), Some([b'\n', white]) if SPACE.has(*white)) => end += 1,
            0x80.. => {}
            _ if TOKEN.has(byte) || SPACE.has(byte) => {}
            _ => break,
        }
        end += 1;
    }
    stop(input.get(end..).unwrap_or_default())
}
