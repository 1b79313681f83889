//! URIs: what a Request-URI, To, From or Contact points at (RFC 3261 §19.1, §25.1; RFC 3966).
//!
//! ```text
//! sip:user:password@host:port;parameters?headers     SipUri
//! tel:number;parameters                              TelUri
//! scheme:anything                                    OtherUri
//! ```
//!
//! [`Uri::parse`] reads all of its input and checks every character and every escape, so that what comes out can be
//! written back as it is. Nothing is copied or unescaped: the parts are slices of the input.
//!
//! Where the grammar and the world differ: `_` is allowed in host names, and the last label of a name may begin with a
//! digit, but not consist of digits, since that is an IPv4 address or nothing. Labels that are empty or begin or end
//! with `-` are refused, as are IPv4 numbers above 255, port 0 and ports above 65535. The three colons that the grammar
//! of RFC 3261 allows in an IPv6 address are read as two (RFC 5118 §4.10).

mod aor;
mod compare;
pub mod escape;
mod host;
mod params;
mod parse;
#[cfg(test)]
mod properties;
mod tel;

use std::borrow::Cow;
use std::fmt;

pub use aor::{AorError, write_aor};
pub use compare::equivalent;
pub use host::Host;
pub use params::{Headers, Params};
pub use tel::TelUri;

use crate::error::{ParseError, Part};
use crate::step::whole;

pub(crate) use host::{host, port};
pub(crate) use parse::uri;

/// A URI of any scheme.
///
/// `==` asks whether the bytes are the same; whether two URIs mean the same is asked with [`equivalent`].
#[derive(Clone, Copy, Debug)]
pub enum Uri<'a> {
    /// `sip:` or `sips:`.
    Sip(SipUri<'a>),
    /// `tel:`.
    Tel(TelUri<'a>),
    /// Another scheme.
    Other(OtherUri<'a>),
}

impl<'a> Uri<'a> {
    /// Reads a URI that fills `input`: without `<`, `>` and white space.
    ///
    /// # Errors
    /// [`Part::Uri`] and the place of the first byte that cannot stand there.
    pub fn parse(input: &'a [u8]) -> Result<Self, ParseError> {
        whole(Part::Uri, input, uri(input))
    }

    /// The URI as it was read.
    pub fn as_bytes(&self) -> &'a [u8] {
        match self {
            Self::Sip(uri) => uri.raw,
            Self::Tel(uri) => uri.as_bytes(),
            Self::Other(uri) => uri.raw,
        }
    }

    /// What stands before the first colon, as it was written.
    pub fn scheme(&self) -> &'a [u8] {
        self.as_bytes().split(|&byte| byte == b':').next().unwrap_or_default()
    }

    /// The URI, if its scheme is `sip` or `sips`.
    pub fn sip(&self) -> Option<&SipUri<'a>> {
        match self {
            Self::Sip(uri) => Some(uri),
            _ => None,
        }
    }
}

impl PartialEq for Uri<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Uri<'_> {}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(self.as_bytes()))
    }
}

/// A `sip:` or `sips:` URI.
#[derive(Clone, Copy, Debug)]
pub struct SipUri<'a> {
    raw: &'a [u8],
    host: Host<'a>,
    port: Option<u16>,
    secure: bool,
    // Lengths of parts of `raw`, which cost less to hand around than the parts: 0 if a part is not there, and one more
    // than its length for a password, which may be empty.
    user: u16,
    password: u16,
    params: u16,
    headers: u16,
}

impl<'a> SipUri<'a> {
    /// The URI as it was read.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether the scheme is `sips`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The user with its escapes; never empty. See [`escape::unescape_into`].
    #[inline]
    pub fn user(&self) -> Option<&'a [u8]> {
        let from = if self.secure { "sips:".len() } else { "sip:".len() };
        if self.user == 0 { None } else { self.raw.get(from..from + usize::from(self.user)) }
    }

    /// The password with its escapes; may be empty.
    pub fn password(&self) -> Option<&'a [u8]> {
        let from = if self.secure { "sips:".len() } else { "sip:".len() } + usize::from(self.user) + 1;
        self.raw.get(from..from + usize::from(self.password.checked_sub(1)?))
    }

    /// The host.
    pub fn host(&self) -> Host<'a> {
        self.host
    }

    /// The port, if one is written; never 0.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Everything from the first `;` after the host to the headers, without that `;`.
    pub fn raw_params(&self) -> &'a [u8] {
        let behind = if self.headers == 0 { 0 } else { usize::from(self.headers) + 1 };
        last(self.raw.get(..self.raw.len() - behind).unwrap_or_default(), self.params)
    }

    /// Everything after the `?`.
    pub fn raw_headers(&self) -> &'a [u8] {
        last(self.raw, self.headers)
    }

    /// The parameters in their order.
    pub fn params(&self) -> Params<'a> {
        Params::new(self.raw_params())
    }

    /// The value of the first parameter of this name: `None` if it is not there, `Some(None)` if it has no value.
    pub fn param(&self, name: &[u8]) -> Option<Option<&'a [u8]>> {
        self.params().lookup(name)
    }

    /// The headers in their order.
    pub fn headers(&self) -> Headers<'a> {
        Headers::new(self.raw_headers())
    }

    /// The value of the first header of this name.
    pub fn header(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.headers().find(|(written, _)| escape::same_ignoring_case(written, name)).map(|(_, value)| value)
    }

    /// `transport`.
    pub fn transport(&self) -> Option<&'a [u8]> {
        self.param(b"transport").flatten()
    }

    /// Whether `lr` is there, with or without a value (some write `lr=on`).
    pub fn lr(&self) -> bool {
        self.param(b"lr").is_some()
    }

    /// `maddr`, if it is a host.
    pub fn maddr(&self) -> Option<Host<'a>> {
        Host::parse(self.param(b"maddr").flatten()?).ok()
    }

    /// `user`, for instance `phone`.
    pub fn user_param(&self) -> Option<&'a [u8]> {
        self.param(b"user").flatten()
    }

    /// `method`.
    pub fn method(&self) -> Option<&'a [u8]> {
        self.param(b"method").flatten()
    }

    /// `ttl`, if it is a number from 0 to 255.
    pub fn ttl(&self) -> Option<u8> {
        std::str::from_utf8(self.param(b"ttl").flatten()?).ok()?.parse().ok()
    }
}

impl PartialEq for SipUri<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Eq for SipUri<'_> {}

/// The last `count` of `bytes`.
fn last(bytes: &[u8], count: u16) -> &[u8] {
    bytes.len().checked_sub(usize::from(count)).and_then(|from| bytes.get(from..)).unwrap_or_default()
}

/// A URI of a scheme that means nothing to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherUri<'a> {
    raw: &'a [u8],
    scheme: &'a [u8],
}

impl<'a> OtherUri<'a> {
    /// The URI as it was read.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.raw
    }

    /// What stands before the colon.
    pub fn scheme(&self) -> &'a [u8] {
        self.scheme
    }

    /// What stands after the colon; never empty.
    pub fn rest(&self) -> &'a [u8] {
        self.raw.get(self.scheme.len() + 1..).unwrap_or_default()
    }
}

/// Validated URIs are ASCII, so this borrows.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
