//! Call-ID (RFC 3261 §20.8).

use super::SingleHeader;
use crate::chars::WORD;
use crate::step::{Step, some, stop, very_many, whole};
use crate::{HeaderId, ParseError, Part};

/// `word [ "@" word ]`, compared byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId<'a>(pub &'a [u8]);

impl<'a> SingleHeader<'a> for CallId<'a> {
    const ID: HeaderId = HeaderId::CallId;
    fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        whole(Part::CallId, value, words(value)).map(|()| Self(value))
    }
}

fn words(input: &[u8]) -> Step<'_, ()> {
    let (rest, word) = very_many(WORD)(input)?;
    if word.is_empty() {
        return stop(input);
    }
    match rest.split_first() {
        Some((b'@', rest)) => some(WORD)(rest).map(|(rest, _)| (rest, ())),
        _ => Ok((rest, ())),
    }
}
