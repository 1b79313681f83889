//! Parameters and headers of URIs, one after the other.

use memchr::memchr;

use super::escape::same_ignoring_case;

/// Parameters as (name, value), both with their escapes.
#[derive(Clone, Copy, Debug)]
pub struct Params<'a> {
    rest: &'a [u8],
}

impl<'a> Params<'a> {
    /// `raw` was validated and begins with the first name.
    pub(super) fn new(raw: &'a [u8]) -> Self {
        Self { rest: raw }
    }

    /// The value of the first one of this name.
    pub(super) fn lookup(mut self, name: &[u8]) -> Option<Option<&'a [u8]>> {
        self.find(|(written, _)| same_ignoring_case(written, name)).map(|(_, value)| value)
    }
}

impl<'a> Iterator for Params<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        next_part(&mut self.rest, b';').map(|part| cut(part, b'='))
    }
}

/// Headers as (name, value), both with their escapes; a value may be empty.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    rest: &'a [u8],
}

impl<'a> Headers<'a> {
    /// `raw` was validated and begins with the first name.
    pub(super) fn new(raw: &'a [u8]) -> Self {
        Self { rest: raw }
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = cut(next_part(&mut self.rest, b'&')?, b'=');
        Some((name, value.unwrap_or_default()))
    }
}

/// Takes what stands before the next separator; a validated part is never empty.
#[inline]
fn next_part<'a>(rest: &mut &'a [u8], separator: u8) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let (part, left) = cut(rest, separator);
    *rest = left.unwrap_or_default();
    Some(part)
}

/// What stands before and after the first `separator`.
#[inline]
fn cut(bytes: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match memchr(separator, bytes).and_then(|at| bytes.split_at_checked(at)) {
        Some((before, after)) => (before, Some(after.get(1..).unwrap_or_default())),
        None => (bytes, None),
    }
}

#[cfg(test)]
mod tests {
    use crate::uri::{Host, SipUri, Uri};

    fn sip(input: &str) -> SipUri<'_> {
        *Uri::parse(input.as_bytes()).unwrap().sip().unwrap()
    }

    #[test]
    fn parameters_come_in_their_order_with_and_without_values() {
        let uri = sip("sip:u@h;transport=TCP;ob;x=%3B?to=a&body=");
        let params: Vec<_> = uri.params().collect();
        assert_eq!(
            params,
            [(&b"transport"[..], Some(&b"TCP"[..])), (&b"ob"[..], None), (&b"x"[..], Some(&b"%3B"[..]))]
        );
        let headers: Vec<_> = uri.headers().collect();
        assert_eq!(headers, [(&b"to"[..], &b"a"[..]), (&b"body"[..], &b""[..])]);
        assert_eq!(sip("sip:h").params().count(), 0);
        assert_eq!(sip("sip:h").headers().count(), 0);
    }

    #[test]
    fn a_parameter_is_found_in_any_case_and_with_escapes() {
        let uri = sip("sip:u@h;Transport=tcp;%6C%72;maddr=[::1];ttl=15;method=INVITE;user=phone;transport=udp");
        assert_eq!(uri.transport(), Some(&b"tcp"[..]));
        assert!(uri.lr());
        assert_eq!(uri.maddr(), Some(Host::V6(std::net::Ipv6Addr::LOCALHOST)));
        assert_eq!(uri.ttl(), Some(15));
        assert_eq!(uri.method(), Some(&b"INVITE"[..]));
        assert_eq!(uri.user_param(), Some(&b"phone"[..]));
        assert_eq!(uri.param(b"LR"), Some(None));
        assert_eq!(uri.param(b"l"), None);
        let without = sip("sip:u@h;ttl=256;maddr=..;lrx");
        assert_eq!((without.ttl(), without.maddr(), without.lr()), (None, None, false));
    }

    #[test]
    fn a_header_is_found_in_any_case() {
        let uri = sip("sip:h?Subject=x%20y&to=z");
        assert_eq!(uri.header(b"subject"), Some(&b"x%20y"[..]));
        assert_eq!(uri.header(b"from"), None);
    }
}
