//! Typed views of header values, one header or family of headers a file. Nothing is parsed before it is asked for.

mod auth;
mod call_id;
mod contact;
mod cseq;
mod date;
mod list;
mod name_addr;
mod numbers;
mod param_value;
mod params;
mod text;
mod token;
mod via;

pub use auth::{
    Algorithm, AuthParam, AuthParams, AuthenticationInfo, Challenge, Credentials, DigestChallenge, DigestCredentials,
    Quoted,
};
pub use call_id::CallId;
pub use contact::{Contact, ContactValue, MALFORMED_EXPIRES, QValue};
pub use cseq::CSeq;
pub use date::Date;
pub use list::Values;
pub use name_addr::{From, NameAddr, To};
pub use numbers::{ContentLength, Expires, FlowTimer, MaxForwards, MinExpires};
pub use param_value::{ContentType, Event, FeatureCaps, ParamValue, RetryAfter, SubscriptionState};
pub use params::Params;
pub use text::{Server, UserAgent};
pub use token::Token;
pub use via::{Rport, Via};

use crate::step::Step;
use crate::{HeaderId, ParseError};

/// A header of which a message has one.
pub trait SingleHeader<'a>: Sized {
    /// Its name.
    const ID: HeaderId;

    /// Reads a whole value, without white space at its ends.
    ///
    /// # Errors
    /// The value is not what the grammar says.
    fn parse(value: &'a [u8]) -> Result<Self, ParseError>;
}

/// One value of a header that is a comma-separated list.
pub trait ListItem<'a>: Sized + sealed::Item<'a> {}

pub(crate) mod sealed {
    use super::Step;
    use crate::Part;

    /// How a list is read; not for others, because it shows the parser's insides.
    pub trait Item<'a>: Sized {
        /// What to name in errors.
        const PART: Part;
        /// Whether the header may stand without any value (Supported, Allow, Accept).
        const MAY_BE_EMPTY: bool = false;
        /// Reads one value and stops before the comma.
        fn item(input: &'a [u8]) -> Step<'a, Self>;
    }
}

#[cfg(test)]
mod tests;
