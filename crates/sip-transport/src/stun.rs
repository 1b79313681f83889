//! The limited STUN server that stands on the port of SIP over UDP (RFC 5626 §8), without sockets.
//!
//! It answers Binding requests (RFC 8489 §6.3.1) with what they must carry and nothing more. SOFTWARE is left out
//! (§16.1.2), the reason phrase is one word, and FINGERPRINT is written only where the request had one, so that this
//! is no worthwhile reflector: an answer over IPv4 is never longer than twice its request, and over IPv6 the least that
//! is allowed is 44 bytes for 20.
//!
//! It keeps nothing between two requests: each is answered, or not, by its own bytes and its source.

use std::net::{IpAddr, SocketAddr};

const HEADER: usize = 20;
const MAGIC_COOKIE: [u8; 4] = 0x2112_A442_u32.to_be_bytes();
/// RFC 8489 §6.1: a message is no longer than the smallest MTU, 1280 bytes over IPv6.
const LONGEST: usize = 1280;

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;

const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const FINGERPRINT: u16 = 0x8028;
/// RFC 8489 §14.7.
const FINGERPRINT_XOR: u32 = 0x5354_554E;

/// RFC 8489 §18.3: attributes that have a meaning, though none in a Binding request without authentication. They are
/// "known but unexpected" and ignored (§6.3).
const KNOWN: [u16; 11] = [
    0x0001,
    0x0006,
    0x0008,
    ERROR_CODE,
    UNKNOWN_ATTRIBUTES,
    0x0014,
    0x0015,
    0x001C,
    0x001D,
    0x001E,
    XOR_MAPPED_ADDRESS,
];

/// Whether a datagram is STUN rather than SIP: the first byte of SIP is a letter or a line end (RFC 5626 §8).
#[must_use]
pub fn is_stun(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(0 | 1))
}

/// Appends the answer to a Binding request, one whole datagram, that came from `source`. Returns whether there is one:
/// what is malformed, of another method or class, or has a wrong fingerprint is silently discarded (RFC 8489 §6.3).
pub fn answer(request: &[u8], source: SocketAddr, out: &mut Vec<u8>) -> bool {
    let Some(request) = Request::read(request) else { return false };
    let start = out.len();
    let unknown = request.unknown_attributes().count();
    let kind = if unknown == 0 { BINDING_SUCCESS } else { BINDING_ERROR };
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&MAGIC_COOKIE);
    out.extend_from_slice(request.transaction);
    if unknown == 0 {
        write_mapped_address(source, request.transaction, out);
    } else {
        write_unknown_attributes(&request, unknown, out);
    }
    if request.has_fingerprint {
        set_length(out, start, 8);
        let crc = crc32(out.get(start..).unwrap_or_default()) ^ FINGERPRINT_XOR;
        write_attribute(FINGERPRINT, &crc.to_be_bytes(), out);
    } else {
        set_length(out, start, 0);
    }
    true
}

/// A Binding request whose header, attributes and fingerprint are as they should be.
struct Request<'a> {
    transaction: &'a [u8],
    attributes: &'a [u8],
    has_fingerprint: bool,
}

impl<'a> Request<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > LONGEST {
            return None;
        }
        let (header, attributes) = bytes.split_at_checked(HEADER)?;
        let (fixed, transaction) = header.split_at_checked(8)?;
        let &[k0, k1, l0, l1, c0, c1, c2, c3] = fixed else { return None };
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let is_binding = u16::from_be_bytes([k0, k1]) == BINDING_REQUEST;
        if !is_binding || [c0, c1, c2, c3] != MAGIC_COOKIE || length != attributes.len() || length % 4 != 0 {
            return None;
        }
        let has_fingerprint = check_attributes(bytes, attributes)?;
        Some(Self { transaction, attributes, has_fingerprint })
    }

    /// RFC 8489 §14: types up to 0x7FFF must be understood.
    fn unknown_attributes(&self) -> impl Iterator<Item = u16> + use<'a> {
        Attributes { rest: self.attributes }
            .flatten()
            .map(|(kind, _)| kind)
            .filter(|kind| *kind < 0x8000 && !KNOWN.contains(kind))
    }
}

/// Walks over all attributes. `None` if one is cut short, or a fingerprint is wrong or not the last; else whether there
/// is a fingerprint.
fn check_attributes(message: &[u8], attributes: &[u8]) -> Option<bool> {
    let mut walk = Attributes { rest: attributes };
    while let Some(attribute) = walk.next() {
        let (kind, value) = attribute?;
        if kind == FINGERPRINT {
            let covered = message.split_at_checked(message.len().checked_sub(8)?)?.0;
            let crc = crc32(covered) ^ FINGERPRINT_XOR;
            return (walk.rest.is_empty() && value == crc.to_be_bytes()).then_some(true);
        }
    }
    Some(false)
}

/// Type and value of each attribute; `None` once where one is cut short.
struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Option<(u16, &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let attribute = self.rest.split_first_chunk::<4>().and_then(|(&[k0, k1, l0, l1], rest)| {
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            let (padded, rest) = rest.split_at_checked(length.next_multiple_of(4))?;
            self.rest = rest;
            Some((u16::from_be_bytes([k0, k1]), padded.get(..length)?))
        });
        if attribute.is_none() {
            self.rest = &[];
        }
        Some(attribute)
    }
}

/// RFC 8489 §14.2.
fn write_mapped_address(source: SocketAddr, transaction: &[u8], out: &mut Vec<u8>) {
    let mut value = [0_u8; 20];
    let mask = || MAGIC_COOKIE.iter().chain(transaction);
    let [cookie0, cookie1, ..] = MAGIC_COOKIE;
    let [port0, port1] = source.port().to_be_bytes();
    let mut fill = |family: u8, address: &[u8]| {
        let fixed = [0, family, port0 ^ cookie0, port1 ^ cookie1];
        let masked = address.iter().zip(mask()).map(|(byte, mask)| byte ^ mask);
        value.iter_mut().zip(fixed.into_iter().chain(masked)).for_each(|(to, from)| *to = from);
        fixed.len() + address.len()
    };
    let length = match source.ip() {
        IpAddr::V4(ip) => fill(1, &ip.octets()),
        IpAddr::V6(ip) => fill(2, &ip.octets()),
    };
    write_attribute(XOR_MAPPED_ADDRESS, value.get(..length).unwrap_or_default(), out);
}

/// RFC 8489 §6.3.1, §14.8, §14.13.
fn write_unknown_attributes(request: &Request<'_>, count: usize, out: &mut Vec<u8>) {
    write_attribute(ERROR_CODE, b"\0\0\x04\x14Unknown", out);
    let length = u16::try_from(count * 2).unwrap_or(u16::MAX);
    out.extend_from_slice(&UNKNOWN_ATTRIBUTES.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    for kind in request.unknown_attributes() {
        out.extend_from_slice(&kind.to_be_bytes());
    }
    if count % 2 == 1 {
        out.extend_from_slice(&[0, 0]);
    }
}

fn write_attribute(kind: u16, value: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value);
    let padding = value.len().next_multiple_of(4) - value.len();
    out.extend(std::iter::repeat_n(0, padding));
}

/// Writes the length of the message that begins at `start` and is to grow by `more`.
fn set_length(out: &mut [u8], start: usize, more: usize) {
    let length = u16::try_from(out.len() - start - HEADER + more).unwrap_or(u16::MAX);
    if let Some(field) = out.get_mut(start + 2..start + 4) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

/// The CRC-32 of RFC 1952 §8, bit by bit: a keepalive is some dozens of bytes.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests;
