//! `*( SEMI generic-param )` behind a header value (RFC 3261 §25.1).

use crate::chars::{TOKEN, VALUE};
use crate::step::{Step, many, quoted, some, stop, sws, very_many};

/// The parameters of a header value, as they came and found to be well-formed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params<'a>(&'a [u8]);

impl<'a> Params<'a> {
    /// The bytes from the first semicolon on; empty if there are no parameters.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Names and values in their order. A quoted value keeps its quotes.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (tail, param) = param(sws(rest).strip_prefix(b";")?).ok()?;
            rest = tail;
            Some(param)
        })
    }

    /// The first parameter of that name, in any case: `None` if it is not there, `Some(None)` if it has no value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Option<&'a [u8]>> {
        self.iter().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }
}

/// Reads all parameters and shows each to `see`; stops where that says no.
#[inline(always)]
pub(super) fn params<'a>(
    input: &'a [u8],
    mut see: impl FnMut(&'a [u8], Option<&'a [u8]>) -> bool,
) -> Step<'a, Params<'a>> {
    let start = sws(input);
    let (mut rest, mut end) = (start, start);
    while let Some((b';', after)) = rest.split_first() {
        let (tail, (name, value)) = param(after)?;
        if !see(name, value) {
            return stop(rest);
        }
        (rest, end) = (sws(tail), tail);
    }
    match start.split_at_checked(start.len() - end.len()) {
        Some((read, rest)) => Ok((rest, Params(read))),
        None => stop(input),
    }
}

type Param<'a> = (&'a [u8], Option<&'a [u8]>);

/// One parameter behind its semicolon.
#[inline(always)]
fn param(input: &[u8]) -> Step<'_, Param<'_>> {
    // White space may stand around both, but hardly ever does.
    let (after_name, name) = match many(TOKEN)(input)? {
        (_, []) => some(TOKEN)(sws(input))?,
        found => found,
    };
    let rest = match after_name {
        [b'=', rest @ ..] => rest,
        [b' ' | b'\t' | b'\r', ..] => match sws(after_name) {
            [b'=', rest @ ..] => rest,
            _ => return Ok((after_name, (name, None))),
        },
        _ => return Ok((after_name, (name, None))),
    };
    // Not only token and host: phones write more without quotes, and what cannot end the value is taken as it is.
    let (rest, value) = match very_many(VALUE)(rest)? {
        (_, []) => match sws(rest) {
            rest @ [b'"', ..] => quoted(rest)?,
            rest => very_many(VALUE)(rest)?,
        },
        found => found,
    };
    Ok((rest, (name, Some(value))))
}

/// A value without its quotes.
#[inline]
pub(super) fn unquote(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] => inner,
        _ => value,
    }
}

/// Sets `slot` unless it is set: a parameter that matters may not stand twice.
#[inline]
pub(super) fn once<T>(slot: &mut Option<T>, value: T) -> bool {
    slot.replace(value).is_none()
}
