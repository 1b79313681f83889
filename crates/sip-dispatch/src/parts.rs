//! What several links read of a request.

use std::cell::OnceCell;

use sip_message::header::{Credentials, DigestCredentials, From, NameAddr, To};
use sip_message::{Message, ParseError, Uri};

/// Parts of a request, each read when it is first asked for, and once.
#[derive(Default)]
pub(crate) struct Parts<'e> {
    uri: OnceCell<Result<Uri<'e>, ParseError>>,
    from: OnceCell<Result<Option<NameAddr<'e>>, ParseError>>,
    to: OnceCell<Result<Option<NameAddr<'e>>, ParseError>>,
    /// The first line of credentials that was asked for, and what it holds. Most requests have one or none.
    digest: OnceCell<(&'e [u8], Digest<'e>)>,
}

/// What a line of credentials holds; `None`: of another scheme.
type Digest<'e> = Result<Option<DigestCredentials<'e>>, ParseError>;

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

    pub(crate) fn digest(&self, line: &'e [u8]) -> Digest<'e> {
        let read = |line: &'e [u8]| Credentials::parse(line)?.digest();
        let (first, digest) = self.digest.get_or_init(|| (line, read(line)));
        if std::ptr::eq(*first, line) { *digest } else { read(line) }
    }
}
