//! Headers that are text for people.

use super::SingleHeader;
use crate::{HeaderId, ParseError};

macro_rules! texts {
    ($($name:ident)*) => {$(
        #[doc = concat!("The ", stringify!($name), " header: text as it came, which may hold folds and any UTF-8.")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<'a>(pub &'a [u8]);
        impl<'a> SingleHeader<'a> for $name<'a> {
            const ID: HeaderId = HeaderId::$name;
            fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
                Ok(Self(value))
            }
        }
    )*};
}
texts!(UserAgent Server);
