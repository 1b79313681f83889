//! What several links read of a request.

use std::cell::OnceCell;

use sip_message::header::{CSeq, CallId, Credentials, DigestCredentials, NameAddr};
use sip_message::{HeaderId, Message, ParseError, Request, Uri};

/// Parts of a request that every chain asks for, each read once.
pub(crate) struct Parts<'e> {
    pub(crate) uri: Result<Uri<'e>, ParseError>,
    pub(crate) from: Result<Option<NameAddr<'e>>, ParseError>,
    pub(crate) to: Result<Option<NameAddr<'e>>, ParseError>,
    pub(crate) call_id: Result<Option<CallId<'e>>, ParseError>,
    pub(crate) cseq: Result<Option<CSeq<'e>>, ParseError>,
}

impl<'e> Parts<'e> {
    pub(crate) fn read(message: Message<'e>, request: &Request<'e>) -> Self {
        let (from, to) = (message.value(HeaderId::From), message.value(HeaderId::To));
        let read_to = to.map(NameAddr::parse).transpose();
        let read_from = from.map(|from| match (to, &read_to) {
            (Some(to), Ok(Some(read))) => NameAddr::parse_beside(from, (to, read)),
            _ => NameAddr::parse(from),
        });
        Self {
            uri: Uri::parse(request.uri),
            from: read_from.transpose(),
            to: read_to,
            call_id: message.header(),
            cseq: message.header(),
        }
    }
}

/// The first line of credentials that was asked for, and what it holds. Most requests have one or none.
#[derive(Default)]
pub(crate) struct FirstDigest<'e>(OnceCell<(&'e [u8], Digest<'e>)>);

/// What a line of credentials holds; `None`: of another scheme.
type Digest<'e> = Result<Option<DigestCredentials<'e>>, ParseError>;

impl<'e> FirstDigest<'e> {
    /// What that line holds.
    pub(crate) fn of(&self, line: &'e [u8]) -> Digest<'e> {
        let read = |line: &'e [u8]| Credentials::parse(line)?.digest();
        let (first, digest) = self.0.get_or_init(|| (line, read(line)));
        if std::ptr::eq(*first, line) { *digest } else { read(line) }
    }
}
