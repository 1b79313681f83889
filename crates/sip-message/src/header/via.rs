//! Via (RFC 3261 §20.42, RFC 3581).

use std::net::IpAddr;
use std::ops::Range;

use super::params::{Params, once, params};
use super::{ListItem, sealed};
use crate::chars::TOKEN;
use crate::step::{Step, padded, some, stop, sws};
use crate::uri::{self, Host};
use crate::{Part, step};

/// One Via value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// The whole value as it came.
    pub bytes: &'a [u8],
    /// The transport's name as it came.
    pub transport: &'a [u8],
    /// sent-by as it came, host and port: part of what identifies a transaction.
    pub sent_by: &'a [u8],
    /// The host of sent-by.
    pub host: Host<'a>,
    /// The port of sent-by.
    pub port: Option<u16>,
    /// All parameters, those below included.
    pub params: Params<'a>,
    /// `branch`.
    pub branch: Option<&'a [u8]>,
    /// `received`, as it came.
    pub received: Option<&'a [u8]>,
    /// `rport` (RFC 3581).
    pub rport: Rport,
    /// `maddr`, as it came.
    pub maddr: Option<&'a [u8]>,
    /// In `bytes`: from the end of the name `rport` to the end of its value.
    rport_value: Place,
    /// The same from the beginning of the name `received` to the end of its value.
    received_param: Place,
}

/// Where something stands in a value; nowhere if that is empty and at its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    from: u16,
    to: u16,
}

impl Place {
    /// From the beginning of one part of `whole` to the end of another.
    #[inline]
    fn between(whole: &[u8], first: &[u8], last: &[u8]) -> Self {
        let at = |part: &[u8]| part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
        // No message is longer than 65,535 bytes; of another text these places would be wrong, and are not used.
        Self { from: at(first) as u16, to: (at(last) + last.len()) as u16 }
    }

    fn range(self) -> Option<Range<usize>> {
        (self != Self::default()).then(|| usize::from(self.from)..usize::from(self.to))
    }
}

/// The `rport` parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rport {
    /// Not there.
    #[default]
    Absent,
    /// Without a value: please fill in.
    Asked,
    /// Filled in.
    Port(u16),
}

/// What a branch of RFC 3261 begins with.
const COOKIE: &[u8] = b"z9hG4bK";

impl<'a> Via<'a> {
    /// The first value of a line.
    #[inline]
    pub(crate) fn first_of(line: &'a [u8]) -> Option<Self> {
        let (rest, first) = via(line).ok()?;
        matches!(sws(rest), [] | [b',', ..]).then_some(first)
    }

    /// The branch, if it is one of RFC 3261 and so identifies the transaction (§8.1.1.7).
    #[must_use]
    pub fn unique_branch(&self) -> Option<&'a [u8]> {
        self.branch.filter(|branch| branch.len() > COOKIE.len() && branch.starts_with(COOKIE))
    }

    /// Where in [`bytes`](Self::bytes) the value of `rport` stands, or would stand, with its `=`.
    pub(crate) fn place_of_rport(&self) -> Option<Range<usize>> {
        self.rport_value.range()
    }

    /// Where in [`bytes`](Self::bytes) `received` stands, with its semicolon.
    pub(crate) fn place_of_received(&self) -> Option<Range<usize>> {
        let place = self.received_param.range()?;
        let semicolon = self.bytes.get(..place.start)?.iter().rposition(|&byte| byte == b';')?;
        Some(semicolon..place.end)
    }

    /// The address in `received`. Brackets around IPv6 are taken with or without (RFC 5118 §4.5).
    #[must_use]
    pub fn received_ip(&self) -> Option<IpAddr> {
        let text = std::str::from_utf8(self.received?).ok()?;
        text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text).parse().ok()
    }
}

impl<'a> ListItem<'a> for Via<'a> {}
impl<'a> sealed::Item<'a> for Via<'a> {
    const PART: Part = Part::Via;
    fn item(input: &'a [u8]) -> Step<'a, Self> {
        via(input)
    }
}

fn via(input: &[u8]) -> Step<'_, Via<'_>> {
    let (rest, ()) = match input {
        [b'S', b'I', b'P', b'/', b'2', b'.', b'0', b'/', rest @ ..] => (rest, ()),
        _ => protocol(input)?,
    };
    let (rest, transport) = some(TOKEN)(sws(rest))?;
    let sent_by_start = sws(rest);
    if sent_by_start.len() == rest.len() {
        return stop(rest);
    }
    let (rest, (host, port)) = sent_by(sent_by_start)?;
    let sent_by = sent_by_start.get(..sent_by_start.len() - rest.len()).unwrap_or_default();
    let (mut branch, mut received, mut rport, mut maddr) = (None, None, None, None);
    let (mut rport_value, mut received_param) = (Place::default(), Place::default());
    let (rest, params) = params(rest, |name, value| match name.len() {
        6 if name.eq_ignore_ascii_case(b"branch") => once(&mut branch, value.unwrap_or_default()),
        8 if name.eq_ignore_ascii_case(b"received") => {
            received_param = Place::between(input, name, value.unwrap_or(name));
            once(&mut received, value.unwrap_or_default())
        }
        5 if name.eq_ignore_ascii_case(b"rport") => {
            let behind = name.get(name.len()..).unwrap_or_default();
            rport_value = Place::between(input, behind, value.unwrap_or(behind));
            rport_of(value).is_some_and(|value| once(&mut rport, value))
        }
        5 if name.eq_ignore_ascii_case(b"maddr") => once(&mut maddr, value.unwrap_or_default()),
        _ => true,
    })?;
    let bytes = input.get(..input.len() - rest.len()).unwrap_or_default();
    let rport = rport.unwrap_or_default();
    let via = Via {
        bytes,
        transport,
        sent_by,
        host,
        port,
        params,
        branch,
        received,
        rport,
        maddr,
        rport_value,
        received_param,
    };
    Ok((rest, via))
}

/// `protocol-name SLASH protocol-version SLASH` with its white space, in any case and version.
fn protocol(input: &[u8]) -> Step<'_, ()> {
    let (rest, name) = some(TOKEN)(input)?;
    if !name.eq_ignore_ascii_case(b"SIP") {
        return stop(input);
    }
    let (rest, ()) = padded(b'/')(rest)?;
    let (rest, _version) = some(TOKEN)(rest)?;
    padded(b'/')(rest)
}

/// host and port, with white space around the colon where the sender likes it.
fn sent_by(input: &[u8]) -> Step<'_, (Host<'_>, Option<u16>)> {
    let (rest, host) = uri::host(input)?;
    match padded(b':')(rest) {
        Ok((rest, ())) => uri::port(rest).map(|(rest, port)| (rest, (host, Some(port)))),
        Err(_) => Ok((rest, (host, None))),
    }
}

fn rport_of(value: Option<&[u8]>) -> Option<Rport> {
    match value {
        None | Some([]) => Some(Rport::Asked),
        Some(digits) => port_of(digits).map(Rport::Port),
    }
}

fn port_of(digits: &[u8]) -> Option<u16> {
    match step::number(digits) {
        Ok(([], port @ 1..)) => u16::try_from(port).ok(),
        _ => None,
    }
}
