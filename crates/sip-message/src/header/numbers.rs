//! Headers that are a number.

use super::SingleHeader;
use crate::step::{number, whole};
use crate::{HeaderId, ParseError, Part};

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident up to $max:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u32);
        impl SingleHeader<'_> for $name {
            const ID: HeaderId = HeaderId::$name;
            fn parse(value: &[u8]) -> Result<Self, ParseError> {
                match whole(Part::Number, value, number(value)) {
                    Ok(number) if u64::from(number) <= $max => Ok(Self(number)),
                    Ok(_) => Err(ParseError { part: Part::Number, at: 0 }),
                    Err(error) => Err(error),
                }
            }
        }
    )*};
}

numbers! {
    /// Min-Expires in seconds (RFC 3261 §20.23).
    MinExpires up to 0xFFFF_FFFF;
    /// Max-Forwards in hops, at most 255 (RFC 3261 §20.22).
    MaxForwards up to 255;
    /// Content-Length in bytes (RFC 3261 §20.14).
    ContentLength up to 0xFFFF_FFFF;
    /// Flow-Timer in seconds (RFC 5626 §5.1).
    FlowTimer up to 0xFFFF_FFFF;
}

/// Expires in seconds (RFC 3261 §20.19). Never fails: numbers beyond 32 bits count as the greatest, what is no number
/// as [`MALFORMED_EXPIRES`](super::MALFORMED_EXPIRES).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expires(pub u32);

impl SingleHeader<'_> for Expires {
    const ID: HeaderId = HeaderId::Expires;
    fn parse(value: &[u8]) -> Result<Self, ParseError> {
        Ok(Self(super::contact::seconds(value)))
    }
}
