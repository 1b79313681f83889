//! Headers that are one word with parameters.

use super::params::{Params, params};
use super::{ListItem, SingleHeader, sealed};
use crate::chars::TOKEN;
use crate::step::{Step, number, padded, some, stop, sws, trim_end, whole};
use crate::{HeaderId, ParseError, Part};

/// A token with parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamValue<'a> {
    /// The token.
    pub value: &'a [u8],
    /// Its parameters.
    pub params: Params<'a>,
}

impl<'a> ListItem<'a> for ParamValue<'a> {}
impl<'a> sealed::Item<'a> for ParamValue<'a> {
    const PART: Part = Part::Value;
    fn item(input: &'a [u8]) -> Step<'a, Self> {
        let (rest, value) = some(TOKEN)(input)?;
        let (rest, params) = params(rest, |_, _| true)?;
        Ok((rest, Self { value, params }))
    }
}

macro_rules! param_values {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<'a>(pub ParamValue<'a>);
        impl<'a> SingleHeader<'a> for $name<'a> {
            const ID: HeaderId = HeaderId::$name;
            fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
                whole(Part::Value, value, <ParamValue<'_> as sealed::Item<'_>>::item(value)).map(Self)
            }
        }
    )*};
}

param_values! {
    /// Event: a package and its parameters, `id` among them (RFC 6665 §8.2.1).
    Event
    /// Subscription-State: a state and its parameters (RFC 6665 §8.2.3).
    SubscriptionState
}

/// One value of Feature-Caps: `*` with capabilities (RFC 6809 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureCaps<'a>(pub Params<'a>);

impl<'a> ListItem<'a> for FeatureCaps<'a> {}
impl<'a> sealed::Item<'a> for FeatureCaps<'a> {
    const PART: Part = Part::Value;
    fn item(input: &'a [u8]) -> Step<'a, Self> {
        match ParamValue::item(input)? {
            (rest, ParamValue { value: b"*", params }) => Ok((rest, Self(params))),
            _ => stop(input),
        }
    }
}

/// A media type (RFC 3261 §20.15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentType<'a> {
    /// Before the slash.
    pub main: &'a [u8],
    /// Behind it.
    pub sub: &'a [u8],
    /// `charset`, `boundary` and so on.
    pub params: Params<'a>,
}

impl<'a> SingleHeader<'a> for ContentType<'a> {
    const ID: HeaderId = HeaderId::ContentType;
    fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        whole(Part::MediaType, value, media_type(value))
    }
}

fn media_type(input: &[u8]) -> Step<'_, ContentType<'_>> {
    let (rest, main) = some(TOKEN)(input)?;
    let (rest, ()) = padded(b'/')(rest)?;
    let (rest, sub) = some(TOKEN)(rest)?;
    let (rest, params) = params(rest, |_, _| true)?;
    Ok((rest, ContentType { main, sub, params }))
}

/// When to try again (RFC 3261 §20.33).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter<'a> {
    /// After so many seconds.
    pub seconds: u32,
    /// A comment with its parentheses; empty if there is none.
    pub comment: &'a [u8],
    /// `duration` and others.
    pub params: Params<'a>,
}

impl<'a> SingleHeader<'a> for RetryAfter<'a> {
    const ID: HeaderId = HeaderId::RetryAfter;
    fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        whole(Part::Value, value, retry_after(value))
    }
}

fn retry_after(input: &[u8]) -> Step<'_, RetryAfter<'_>> {
    let (rest, seconds) = number(input)?;
    let (rest, comment) = match sws(rest) {
        start @ [b'(', ..] => comment(start)?,
        _ => (rest, [].as_slice()),
    };
    let (rest, params) = params(rest, |_, _| true)?;
    Ok((rest, RetryAfter { seconds, comment: trim_end(comment), params }))
}

/// `( … )`, nested, with backslash escapes.
fn comment(input: &[u8]) -> Step<'_, &[u8]> {
    let mut depth = 0u32;
    let mut bytes = input.iter().enumerate();
    while let Some((at, &byte)) = bytes.next() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
        if depth == 0 {
            return match input.split_at_checked(at + 1) {
                Some((comment, rest)) => Ok((rest, comment)),
                None => stop(input),
            };
        }
    }
    stop(&[])
}
