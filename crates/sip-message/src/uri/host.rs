//! Hosts: names, IPv4 and IPv6 addresses.

use std::fmt;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::text;
use crate::chars::{HOST, IPV6, LABEL};
use crate::error::{ParseError, Part};
use crate::step::{Step, byte, some, stop, whole};

/// Where a URI points.
///
/// `==` is strict about the case of names; [`Host::matches`] is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// A host name as it was written, perhaps with a dot at its end.
    Name(&'a [u8]),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, which is written in brackets.
    V6(Ipv6Addr),
}

impl<'a> Host<'a> {
    /// Reads a host that fills `input`.
    ///
    /// # Errors
    /// [`Part::Uri`] and the place of the first byte that cannot stand there.
    pub fn parse(input: &'a [u8]) -> Result<Self, ParseError> {
        whole(Part::Uri, input, host(input))
    }

    /// Whether it is the same host: names in any case, addresses by value. A name never matches an address
    /// (RFC 3261 §19.1.4), nor an IPv4 address the IPv6 address it is mapped to.
    pub fn matches(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Self::Name(a), Host::Name(b)) => a.eq_ignore_ascii_case(b),
            (Self::V4(a), Host::V4(b)) => a == b,
            (Self::V6(a), Host::V6(b)) => a == b,
            _ => false,
        }
    }

    /// The address, unless it is a name.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(address) => Some((*address).into()),
            Self::V6(address) => Some((*address).into()),
        }
    }

    /// Appends the host in the one form that all spellings of it share: names in lower case, addresses as RFC 5952
    /// writes them, IPv6 in brackets.
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        match self {
            // Not copied first and made lower case then: what was just written would be read back by more bytes at once.
            Self::Name(name) => out.extend(name.iter().map(u8::to_ascii_lowercase)),
            Self::V4(address) => {
                let [a, b, c, d] = address.octets();
                push_decimal(a, out);
                for octet in [b, c, d] {
                    out.push(b'.');
                    push_decimal(octet, out);
                }
            }
            // A Vec takes whatever is written.
            Self::V6(address) => drop(write!(out, "[{address}]")),
        }
    }
}

fn push_decimal(value: u8, out: &mut Vec<u8>) {
    if value >= 100 {
        out.push(b'0' + value / 100);
    }
    if value >= 10 {
        out.push(b'0' + value / 10 % 10);
    }
    out.push(b'0' + value % 10);
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(&text(name)),
            Self::V4(address) => write!(f, "{address}"),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// `hostport`.
#[inline(always)]
pub(crate) fn hostport(input: &[u8]) -> Step<'_, (Host<'_>, Option<u16>)> {
    let (rest, host) = host(input)?;
    match rest.split_first() {
        Some((b':', digits)) => {
            let (rest, port) = port(digits)?;
            Ok((rest, (host, Some(port))))
        }
        _ => Ok((rest, (host, None))),
    }
}

/// `host`.
#[inline(always)]
pub(crate) fn host(input: &[u8]) -> Step<'_, Host<'_>> {
    match input.first() {
        Some(b'[') => ipv6_reference(input),
        Some(b'0'..=b'9') => match ipv4_address(input) {
            Some((rest, address)) => Ok((rest, Host::V4(address))),
            None => hostname(input),
        },
        _ => hostname(input),
    }
}

/// `port`, from 1 to 65535.
#[inline(always)]
pub(crate) fn port(input: &[u8]) -> Step<'_, u16> {
    let mut rest = input;
    let mut port: u32 = 0;
    while let Some((&digit @ b'0'..=b'9', next)) = rest.split_first() {
        port = port * 10 + u32::from(digit - b'0');
        if port > u32::from(u16::MAX) {
            return stop(rest);
        }
        rest = next;
    }
    match u16::try_from(port) {
        Ok(port) if port != 0 => Ok((rest, port)),
        _ => stop(input),
    }
}

/// `hostname`.
fn hostname(input: &[u8]) -> Step<'_, Host<'_>> {
    let mut rest = input;
    loop {
        let (next, label) = some(LABEL)(rest)?;
        if label.first() == Some(&b'-') || label.last() == Some(&b'-') {
            return stop(rest);
        }
        let (next, last) = match next {
            [b'.', after @ ..] => (after, !after.first().is_some_and(|&byte| HOST.has(byte))),
            _ => (next, true),
        };
        if last {
            if label.first().is_some_and(u8::is_ascii_digit) && label.iter().all(u8::is_ascii_digit) {
                return stop(rest);
            }
            return match input.split_at_checked(input.len().saturating_sub(next.len())) {
                Some((name, rest)) => Ok((rest, Host::Name(name))),
                None => stop(input),
            };
        }
        rest = next;
    }
}

/// `IPv4address`: four decimal numbers of one to three digits, so that `010` is ten.
#[inline(always)]
fn ipv4_address(input: &[u8]) -> Option<(&[u8], Ipv4Addr)> {
    let (rest, a) = octet(input)?;
    let (rest, b) = octet(rest.strip_prefix(b".")?)?;
    let (rest, c) = octet(rest.strip_prefix(b".")?)?;
    let (rest, d) = octet(rest.strip_prefix(b".")?)?;
    match rest.first() {
        Some(&byte) if HOST.has(byte) => None,
        _ => Some((rest, Ipv4Addr::new(a, b, c, d))),
    }
}

#[inline(always)]
fn octet(input: &[u8]) -> Option<(&[u8], u8)> {
    let digit = |byte: u8| u16::from(byte - b'0');
    match *input {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ref rest @ ..] => {
            let value = digit(a) * 100 + digit(b) * 10 + digit(c);
            u8::try_from(value).ok().map(|value| (rest, value))
        }
        [a @ b'0'..=b'9', b @ b'0'..=b'9', ref rest @ ..] => Some((rest, (a - b'0') * 10 + (b - b'0'))),
        [a @ b'0'..=b'9', ref rest @ ..] => Some((rest, a - b'0')),
        _ => None,
    }
}

/// `IPv6reference`.
fn ipv6_reference(input: &[u8]) -> Step<'_, Host<'_>> {
    let (rest, ()) = byte(b'[')(input)?;
    let (rest, address) = some(IPV6)(rest)?;
    let Some(address) = ipv6_address(address) else { return stop(input) };
    let (rest, ()) = byte(b']')(rest)?;
    Ok((rest, Host::V6(address)))
}

/// An IPv6 address without brackets (the `received` parameter of Via has it with and without, RFC 5118 §4.5).
pub(crate) fn ipv6_address(address: &[u8]) -> Option<Ipv6Addr> {
    let parse = |address: &[u8]| std::str::from_utf8(address).ok()?.parse().ok();
    parse(address).or_else(|| {
        // RFC 5118 §4.10: the grammar of RFC 3261 leads to one colon too many before an IPv4 address at the end.
        const LONGEST: usize = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".len();
        let at = address.windows(3).position(|colons| colons == b":::")?;
        let (before, after) = address.split_at_checked(at)?;
        let after = after.get(1..).filter(|after| after.contains(&b'.'))?;
        let mut mended = [0; LONGEST];
        mended.get_mut(..before.len())?.copy_from_slice(before);
        mended.get_mut(before.len()..address.len() - 1)?.copy_from_slice(after);
        parse(mended.get(..address.len() - 1)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(input: &str) -> Option<String> {
        Host::parse(input.as_bytes()).ok().map(|host| host.to_string())
    }

    #[test]
    fn hosts_of_the_grammar_and_of_the_world_are_read() {
        for (written, read) in [
            ("example.com", "example.com"),
            ("example.com.", "example.com."),
            ("EXAMPLE", "EXAMPLE"),
            ("u6thgfeq4rdh.invalid", "u6thgfeq4rdh.invalid"),
            ("my_pbx.local", "my_pbx.local"),
            ("_sip._udp.example.com", "_sip._udp.example.com"),
            ("3f2a9c1d", "3f2a9c1d"),
            ("1.2.3.4.example", "1.2.3.4.example"),
            ("1-2.example", "1-2.example"),
            ("127.0.0.1", "127.0.0.1"),
            ("192.168.001.010", "192.168.1.10"),
            ("[::1]", "[::1]"),
            ("[2001:DB8::10:5070]", "[2001:db8::10:5070]"),
            ("[::ffff:192.0.2.2]", "[::ffff:192.0.2.2]"),
            ("[2001:db8::192.0.2.1]", "[2001:db8::c000:201]"),
            ("[2001:db8:::192.0.2.1]", "[2001:db8::c000:201]"),
            ("[:::192.0.2.1]", "[::c000:201]"),
        ] {
            assert_eq!(parsed(written).as_deref(), Some(read), "{written}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for written in [
            "",
            ".",
            ".example.com",
            "example..com",
            "example.com..",
            "-example.com",
            "example-.com",
            "example.com-",
            "exam%70le.com",
            "exämple.com",
            "127.0.0.256",
            "127.0.0",
            "127.0.0.1.",
            "127.0.0.1.1",
            "127.0.0.0001",
            "4",
            "example.1",
            "2001:db8::10",
            "[]",
            "[::1",
            "::1]",
            "[::1%eth0]",
            "[2001:db8:::1]",
            "[2001:db8::::192.0.2.1]",
            "[1:2:3:4:5:6:7:8:9]",
            "[12345::]",
            "[:::ffffff:ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]",
        ] {
            assert_eq!(parsed(written), None, "{written}");
        }
    }

    #[test]
    fn names_match_in_any_case_and_addresses_by_value() {
        let matches = |a: &str, b: &str| {
            let (a, b) = (Host::parse(a.as_bytes()).unwrap(), Host::parse(b.as_bytes()).unwrap());
            assert_eq!(a.matches(&b), b.matches(&a));
            a.matches(&b)
        };
        assert!(matches("example.COM", "Example.com"));
        assert!(matches("[::1]", "[0:0:0:0:0:0:0:1]"));
        assert!(matches("10.0.0.1", "010.000.0.01"));
        assert!(!matches("example.com", "example.com."));
        assert!(!matches("192.0.2.1", "[::ffff:192.0.2.1]"));
        assert!(!matches("192.0.2.1", "192.0.2.2"));
    }

    #[test]
    fn the_canonical_form_is_in_lower_case_and_has_no_needless_digits() {
        for (written, canonical) in
            [("Example.COM", "example.com"), ("001.020.30.255", "1.20.30.255"), ("[2001:DB8:0:0::1]", "[2001:db8::1]")]
        {
            let mut out = b"@Before@".to_vec();
            Host::parse(written.as_bytes()).unwrap().write_canonical(&mut out);
            assert_eq!(out, format!("@Before@{canonical}").as_bytes());
        }
    }

    #[test]
    fn a_port_is_between_1_and_65535() {
        let port = |input: &'static str| whole(Part::Uri, input.as_bytes(), hostport(input.as_bytes())).map(|(_, p)| p);
        assert_eq!(port("h"), Ok(None));
        assert_eq!(port("h:1"), Ok(Some(1)));
        assert_eq!(port("h:05060"), Ok(Some(5060)));
        assert_eq!(port("[::1]:65535"), Ok(Some(65535)));
        for refused in ["h:", "h:0", "h:65536", "h:99999999999999999999", "h:5o", "h:+5", "h:-1", "h:5060:5060"] {
            assert!(port(refused).is_err(), "{refused}");
        }
    }
}
