//! What several links read of a request.

use std::cell::OnceCell;

use sip_message::header::{From, NameAddr, To};
use sip_message::{Message, ParseError, Uri};

/// Parts of a request, each read when it is first asked for, and once.
#[derive(Default)]
pub(crate) struct Parts<'e> {
    uri: OnceCell<Result<Uri<'e>, ParseError>>,
    from: OnceCell<Result<Option<NameAddr<'e>>, ParseError>>,
    to: OnceCell<Result<Option<NameAddr<'e>>, ParseError>>,
}

impl<'e> Parts<'e> {
    pub(crate) fn uri(&self, uri: &'e [u8]) -> Result<Uri<'e>, ParseError> {
        *self.uri.get_or_init(|| Uri::parse(uri))
    }

    pub(crate) fn from(&self, message: Message<'e>) -> Result<Option<NameAddr<'e>>, ParseError> {
        *self.from.get_or_init(|| Ok(message.header::<From<'e>>()?.map(|from| from.0)))
    }

    pub(crate) fn to(&self, message: Message<'e>) -> Result<Option<NameAddr<'e>>, ParseError> {
        *self.to.get_or_init(|| Ok(message.header::<To<'e>>()?.map(|to| to.0)))
    }
}
