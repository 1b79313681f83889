//! `auth-param *(COMMA auth-param)`.

use crate::chars::TOKEN;
use crate::step::{Step, byte, padded, quoted, some, stop, sws};

/// The text of a value without its quotes, in which a backslash may still protect the next byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quoted<'a>(pub &'a [u8]);

impl<'a> Quoted<'a> {
    /// The text itself, byte by byte.
    pub fn bytes(self) -> impl Iterator<Item = u8> + use<'a> {
        let mut raw = self.0.iter().copied();
        std::iter::from_fn(move || match raw.next()? {
            b'\\' => raw.next(),
            byte => Some(byte),
        })
    }

    /// The text, if nothing in it is escaped, so that the raw bytes are it.
    #[must_use]
    pub fn plain(self) -> Option<&'a [u8]> {
        memchr::memchr(b'\\', self.0).is_none().then_some(self.0)
    }

    /// Whether the text is `other`.
    #[must_use]
    pub fn is(self, other: &[u8]) -> bool {
        match self.plain() {
            Some(plain) => plain == other,
            None => self.bytes().eq(other.iter().copied()),
        }
    }

    /// Appends the text.
    pub fn unescape_into(self, out: &mut Vec<u8>) {
        out.extend(self.bytes());
    }
}

/// A parameter of a challenge or of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthParam<'a> {
    /// Its name as it came.
    pub name: &'a [u8],
    /// Its value without quotes.
    pub value: Quoted<'a>,
    /// Whether it had quotes.
    pub quoted: bool,
}

/// Parameters separated by commas, as they came. Iterating ends at the first that is malformed; the typed views look
/// at all of them when they are made, and refuse a name that stands twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthParams<'a>(pub(super) &'a [u8]);

impl<'a> AuthParams<'a> {
    /// The parameters in their order.
    pub fn iter(&self) -> impl Iterator<Item = AuthParam<'a>> + use<'a> {
        let mut rest = Some(self.0);
        std::iter::from_fn(move || {
            let (tail, param) = param(sws(rest.take()?)).ok()?;
            rest = padded(b',')(tail).ok().map(|(tail, ())| tail);
            Some(param)
        })
    }
}

/// Whether a reader knows a parameter's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// Yes, and it stands here first.
    Known,
    /// Yes, and it stood before.
    Repeated,
    /// No.
    Other,
}

impl Name {
    /// Notes a value that is known, in its place.
    pub(super) fn note<T>(place: &mut Option<T>, value: T) -> Self {
        match place.replace(value) {
            None => Self::Known,
            Some(_) => Self::Repeated,
        }
    }
}

/// Reads all parameters, shows each to `see`, and refuses a name that stands twice.
pub(super) fn params<'a>(input: &'a [u8], mut see: impl FnMut(AuthParam<'a>) -> Name) -> Step<'a, AuthParams<'a>> {
    /// Digest has 13; more are not worth a search for repetitions.
    const MAX: usize = 24;
    let (mut names, mut others): ([&[u8]; MAX], _) = ([&[]; MAX], 0);
    let mut rest = input;
    for _ in 0..MAX {
        let (tail, param) = param(sws(rest))?;
        let is_repeated = match see(param) {
            Name::Known => false,
            Name::Repeated => true,
            Name::Other => {
                let known = names.get(..others).unwrap_or_default();
                let is_repeated = known.iter().any(|name| name.eq_ignore_ascii_case(param.name));
                if let Some(place) = names.get_mut(others) {
                    *place = param.name;
                }
                others += 1;
                is_repeated
            }
        };
        if is_repeated {
            return stop(rest);
        }
        match padded(b',')(tail) {
            Ok((tail, ())) if !tail.is_empty() => rest = tail,
            // A comma at the end is harmless, and some write it.
            Ok((tail, ())) => return Ok((tail, AuthParams(input))),
            Err(_) => return Ok((sws(tail), AuthParams(input))),
        }
    }
    stop(rest)
}

fn param(input: &[u8]) -> Step<'_, AuthParam<'_>> {
    let (rest, name) = some(TOKEN)(input)?;
    let (rest, ()) = byte(b'=')(sws(rest))?;
    let rest = sws(rest);
    if rest.first() == Some(&b'"') {
        let (rest, value) = quoted(rest)?;
        let value = value.get(1..value.len() - 1).unwrap_or_default();
        return Ok((rest, AuthParam { name, value: Quoted(value), quoted: true }));
    }
    let end = rest.iter().position(|&b| matches!(b, b',' | b' ' | b'\t' | b'\r' | b'"')).unwrap_or(rest.len());
    match rest.split_at_checked(end) {
        Some((value, rest)) if !value.is_empty() => Ok((rest, AuthParam { name, value: Quoted(value), quoted: false })),
        _ => stop(rest),
    }
}
