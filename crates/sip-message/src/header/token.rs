//! Lists of tokens: Supported, Require, Proxy-Require, Unsupported, Allow, Allow-Events.

use super::{ListItem, sealed};
use crate::Part;
use crate::chars::TOKEN;
use crate::step::{Step, some};

/// An option tag, a method or an event package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a>(pub &'a [u8]);

impl<'a> ListItem<'a> for Token<'a> {}
impl<'a> sealed::Item<'a> for Token<'a> {
    const PART: Part = Part::Tokens;
    const MAY_BE_EMPTY: bool = true;
    fn item(input: &'a [u8]) -> Step<'a, Self> {
        some(TOKEN)(input).map(|(rest, token)| (rest, Self(token)))
    }
}
