//! One Contact value, as it is stored.

use std::ops::Range;

use sip_message::header::{Contact, ContactValue, NameAddr, QValue};
use sip_message::{HeaderId, Message, Uri};
use sip_transport::Peer;

use super::{Change, PlanError};
use crate::span::place_of;

/// A contact whose text stands in a buffer.
pub(super) struct Draft<'a> {
    uri: Uri<'a>,
    reg_id: Option<u32>,
    q: QValue,
    /// The `expires` parameter.
    pub(super) expires: Option<u32>,
    text: Range<usize>,
    /// Within the text; empty if there is none.
    instance: Range<usize>,
}

impl<'a> Draft<'a> {
    /// Appends the value without `expires` and with folds as spaces; everything else byte by byte as it came.
    pub(super) fn write(contact: &Contact<'a>, out: &mut Vec<u8>) -> Result<Self, PlanError> {
        let start = out.len();
        let instance = if contact.bytes.contains(&b'\r') {
            // Unfolded first and read again, so that the parts are parts of what is stored.
            let mut unfolded = Vec::with_capacity(contact.bytes.len());
            write_unfolded(contact.bytes, &mut unfolded);
            match ContactValue::parse(&unfolded) {
                Ok(ContactValue::Addr(contact)) => write_without_expires(&contact, out),
                _ => return Err(PlanError::BadContact),
            }
        } else {
            write_without_expires(contact, out)
        };
        let instance = instance.unwrap_or_default();
        Ok(Self {
            uri: contact.uri,
            // RFC 5626 §6: it counts only with an instance.
            reg_id: contact.reg_id.filter(|_| !instance.is_empty()),
            q: contact.q.unwrap_or(QValue::ONE),
            expires: contact.expires,
            text: start..out.len(),
            instance,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn into_change(self, buffer: &'a [u8], granted: u32) -> Change<'a> {
        let contact = buffer.get(self.text).unwrap_or_default();
        let instance = contact.get(self.instance).unwrap_or_default();
        Change { contact, uri: self.uri, instance, reg_id: self.reg_id, q: self.q, granted }
    }
}

/// Appends a value that is not folded and gives the place of its instance within it.
fn write_without_expires(contact: &Contact<'_>, out: &mut Vec<u8>) -> Option<Range<usize>> {
    let start = out.len();
    let cut = place_of_expires(contact).unwrap_or(contact.bytes.len()..contact.bytes.len());
    out.extend_from_slice(contact.bytes.get(..cut.start).unwrap_or_default());
    out.extend_from_slice(contact.bytes.get(cut.end..).unwrap_or_default());
    out.truncate(start + out.get(start..).unwrap_or_default().trim_ascii_end().len());
    // An empty one may stand where the cut begins, and means nothing.
    let instance = contact.instance.filter(|instance| !instance.is_empty())?;
    let at = place_of(contact.bytes, instance)?;
    let at = if at < cut.start { at } else { at.checked_sub(cut.len())? };
    Some(at..at + instance.len())
}

/// The `expires` parameter with its semicolon.
fn place_of_expires(contact: &Contact<'_>) -> Option<Range<usize>> {
    contact.expires?;
    let mut start = contact.bytes.len() - contact.params.as_bytes().len();
    for (name, value) in contact.params.iter() {
        let last = value.unwrap_or(name);
        let end = place_of(contact.bytes, last)? + last.len();
        if name.eq_ignore_ascii_case(b"expires") {
            return Some(start..end);
        }
        start = end;
    }
    None
}

/// Folds, CRLF before white space, become one space.
pub(super) fn write_unfolded(text: &[u8], out: &mut Vec<u8>) {
    if !text.contains(&b'\r') {
        return out.extend_from_slice(text);
    }
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\r') {
        let (before, fold) = rest.split_at(at);
        out.extend_from_slice(before);
        out.push(b' ');
        rest = fold.trim_ascii_start();
    }
    out.extend_from_slice(rest);
}

/// Whether the Request-URI and the Path are sips (RFC 5630 §5.2), and the request came as these say.
pub(super) fn whole_way_is_secure(message: Message<'_>, peer: &Peer) -> bool {
    message.request().is_some_and(|request| Uri::parse(request.uri).is_ok_and(|uri| is_secure(&uri)))
        && path(message).all(|path| is_secure(&path.uri))
        && is_way_secure(message, peer)
}

/// Whether a request came over TLS: to us, or, as its Path says, to the proxies before us (RFC 3261 §26.2.2). How it came
/// from those is a matter of who runs them.
pub(crate) fn is_way_secure(message: Message<'_>, peer: &Peer) -> bool {
    let mut path = path(message).peekable();
    peer.transport.is_secure() || (path.peek().is_some() && path.all(|path| is_secure(&path.uri)))
}

fn path(message: Message<'_>) -> impl Iterator<Item = NameAddr<'_>> {
    message.list::<NameAddr<'_>>(HeaderId::Path).flatten()
}

fn is_secure(uri: &Uri<'_>) -> bool {
    matches!(uri, Uri::Sip(uri) if uri.is_secure())
}
