//! The leaves of the grammar: table and memchr parsers with nom's signature.

use nom::IResult;
use nom::error::{ErrorKind, ParseError as NomError};

use crate::chars::{Class, SPACE};
use crate::error::{ParseError, Part};

/// Where a parser stopped, as the number of bytes that were left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop(usize);

impl NomError<&[u8]> for Stop {
    #[inline]
    fn from_error_kind(input: &[u8], _: ErrorKind) -> Self {
        Self(input.len())
    }
    #[inline]
    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

pub(crate) type Step<'a, T> = IResult<&'a [u8], T, Stop>;

/// Fails at `input`.
#[inline]
pub(crate) fn stop<T>(input: &[u8]) -> Step<'_, T> {
    Err(nom::Err::Error(Stop(input.len())))
}

/// The result of a parser that has to read all of `input`.
#[inline(always)]
pub(crate) fn whole<'a, T>(part: Part, input: &'a [u8], step: Step<'a, T>) -> Result<T, ParseError> {
    match step {
        Ok(([], value)) => Ok(value),
        Ok((rest, _)) => Err(ParseError { part, at: input.len() - rest.len() }),
        Err(nom::Err::Error(Stop(left)) | nom::Err::Failure(Stop(left))) => {
            Err(ParseError { part, at: input.len().saturating_sub(left) })
        }
        Err(nom::Err::Incomplete(_)) => Err(ParseError { part, at: input.len() }),
    }
}

/// Any number of bytes of a class.
#[inline]
pub(crate) fn many(class: Class) -> impl Fn(&[u8]) -> Step<'_, &[u8]> {
    move |input| match input.split_at_checked(class.run(input)) {
        Some((run, rest)) => Ok((rest, run)),
        None => stop(input),
    }
}

/// The same, faster where many are expected.
#[inline]
pub(crate) fn very_many(class: Class) -> impl Fn(&[u8]) -> Step<'_, &[u8]> {
    move |input| match input.split_at_checked(class.long_run(input)) {
        Some((run, rest)) => Ok((rest, run)),
        None => stop(input),
    }
}

/// At least one byte of a class.
#[inline]
pub(crate) fn some(class: Class) -> impl Fn(&[u8]) -> Step<'_, &[u8]> {
    move |input| match class.run(input) {
        0 => stop(input),
        n => match input.split_at_checked(n) {
            Some((run, rest)) => Ok((rest, run)),
            None => stop(input),
        },
    }
}

/// This byte.
#[inline]
pub(crate) fn byte(expected: u8) -> impl Fn(&[u8]) -> Step<'_, ()> {
    move |input| match input.split_first() {
        Some((&first, rest)) if first == expected => Ok((rest, ())),
        _ => stop(input),
    }
}

/// SWS: white space and folds, or nothing. A fold is CRLF before white space.
#[inline]
pub(crate) fn sws(input: &[u8]) -> &[u8] {
    match input.first() {
        Some(b' ' | b'\t' | b'\r') => skip_white(input),
        _ => input,
    }
}

fn skip_white(mut input: &[u8]) -> &[u8] {
    loop {
        match input {
            [b' ' | b'\t', rest @ ..] => input = rest,
            [b'\r', b'\n', next, rest @ ..] if SPACE.has(*next) => input = rest,
            _ => return input,
        }
    }
}

/// A byte with white space on both sides: SEMI, COMMA, EQUAL, SLASH of the grammar.
#[inline]
pub(crate) fn padded(expected: u8) -> impl Fn(&[u8]) -> Step<'_, ()> {
    move |input| {
        let (rest, ()) = byte(expected)(sws(input))?;
        Ok((sws(rest), ()))
    }
}

/// `value` without white space and folds at its end.
#[inline]
pub(crate) fn trim_end(mut value: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = value {
        value = rest;
    }
    value
}

/// A quoted string with its quotes; escapes stay as they are. Control characters were refused by the index.
#[inline]
pub(crate) fn quoted(input: &[u8]) -> Step<'_, &[u8]> {
    let Some((b'"', rest)) = input.split_first() else { return stop(input) };
    let mut at = 0;
    while let Some(found) = rest.get(at..).and_then(|tail| memchr::memchr2(b'"', b'\\', tail)) {
        at += found;
        if rest.get(at) == Some(&b'"') {
            // The opening quote, `at` bytes, and the closing one.
            return match input.split_at_checked(at + 2) {
                Some((quoted, rest)) => Ok((rest, quoted)),
                None => stop(input),
            };
        }
        at += 2;
    }
    stop(&[])
}

/// A decimal number that fits 32 bits.
#[inline]
pub(crate) fn number(input: &[u8]) -> Step<'_, u32> {
    let mut number: u32 = 0;
    let mut length = 0;
    for digit in input.iter().map(|byte| byte.wrapping_sub(b'0')).take_while(|digit| *digit <= 9) {
        match number.checked_mul(10).and_then(|tens| tens.checked_add(digit.into())) {
            Some(next) => number = next,
            None => return stop(input),
        }
        length += 1;
    }
    match input.split_at_checked(length) {
        Some((digits, rest)) if !digits.is_empty() => Ok((rest, number)),
        _ => stop(input),
    }
}
