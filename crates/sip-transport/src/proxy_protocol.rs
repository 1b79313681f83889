//! The PROXY protocol of HAProxy, versions 1 and 2, without sockets: what a balancer says before a client's first byte.
//!
//! It is read once, at the beginning of a connection, and only from sources that are trusted to say it: what it says is
//! believed. The extensions of version 2 (TLVs) are skipped, the checksum among them; the addresses are all that is asked
//! for, and TCP has its own.
//!
//! <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>, whose sections are named below.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// §2.1: the longest line of version 1, with its end.
const LONGEST_LINE: usize = 107;
const LINE_BEGIN: &[u8] = b"PROXY ";
/// §2.2.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, command, family, length.
const FIXED: usize = 16;
/// The longest header of version 2, in bytes. §2.2 has it sent at once and fit into one segment; with both names of TLS
/// and an identifier it has some 500.
const LONGEST_HEADER: usize = 1460;

/// What stands at the beginning of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Not yet whole.
    NeedMore,
    /// A header.
    Header {
        /// Its length.
        consumed: usize,
        /// Between whom the connection is; `None` where the proxy speaks for itself (a health check) or does not say: then
        /// it is between the proxy and us.
        addresses: Option<Addresses>,
    },
}

/// The two ends of a connection as the proxy sees it. An IPv4 address that is written as IPv6 is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The client.
    pub source: SocketAddr,
    /// What it connected to.
    pub destination: SocketAddr,
}

/// Why a connection does not begin as it should. There is nothing to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// It begins with something else: the peer is no proxy, or does not send the header.
    #[error("no PROXY header")]
    NoHeader,
    /// It begins as a PROXY header and does not go on like one.
    #[error("a malformed PROXY header")]
    Malformed,
    /// Longer than 107 bytes in version 1, or 1,460 in version 2.
    #[error("a PROXY header longer than allowed")]
    TooLong,
}

/// Looks at all that has come since the connection began. What can become no header is refused at its first wrong byte, as
/// far as that is in the fixed part.
///
/// # Errors
///
/// See [`ProxyError`].
pub fn read(bytes: &[u8]) -> Result<Read, ProxyError> {
    if is_beginning_of(bytes, LINE_BEGIN) {
        read_line(bytes)
    } else if is_beginning_of(bytes, SIGNATURE) {
        read_binary(bytes)
    } else {
        Err(ProxyError::NoHeader)
    }
}

/// Whether `bytes` begin with `expected`, as far as they go.
fn is_beginning_of(bytes: &[u8], expected: &[u8]) -> bool {
    bytes.iter().zip(expected).all(|(byte, expected)| byte == expected)
}

/// Version 1 (§2.1).
fn read_line(bytes: &[u8]) -> Result<Read, ProxyError> {
    let window = bytes.get(..LONGEST_LINE).unwrap_or(bytes);
    let Some(end) = window.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        return if window.len() < LONGEST_LINE { Ok(Read::NeedMore) } else { Err(ProxyError::TooLong) };
    };
    let (line, rest) = window.split_at_checked(end).unwrap_or_default();
    match rest {
        [b'\r', b'\n', ..] => {
            let addresses = read_words(line).ok_or(ProxyError::Malformed)?;
            Ok(Read::Header { consumed: end + 2, addresses })
        }
        [b'\r'] if window.len() < LONGEST_LINE => Ok(Read::NeedMore),
        [b'\r'] => Err(ProxyError::TooLong),
        _ => Err(ProxyError::Malformed),
    }
}

fn read_words(line: &[u8]) -> Option<Option<Addresses>> {
    let mut words = line.split(|&byte| byte == b' ').skip(1);
    let family = words.next()?;
    if family == b"UNKNOWN" {
        return Some(None);
    }
    let mut next = || std::str::from_utf8(words.next()?).ok();
    let (from, to, from_port, to_port) = (next()?, next()?, number(next()?)?, number(next()?)?);
    if words.next().is_some() {
        return None;
    }
    let addresses = match family {
        b"TCP4" => Addresses::new::<Ipv4Addr>((parse(from)?, from_port), (parse(to)?, to_port)),
        b"TCP6" => Addresses::new::<Ipv6Addr>((parse(from)?, from_port), (parse(to)?, to_port)),
        _ => return None,
    };
    Some(Some(addresses))
}

fn parse<T: FromStr>(word: &str) -> Option<T> {
    word.parse().ok()
}

/// A port as §2.1 wants it: digits alone, and no zero before others.
fn number(word: &str) -> Option<u16> {
    let is_canonical = word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    parse(word).filter(|_| is_canonical)
}

/// Version 2 (§2.2).
fn read_binary(bytes: &[u8]) -> Result<Read, ProxyError> {
    let mut fixed = bytes.iter().copied().skip(SIGNATURE.len());
    let command = fixed.next();
    if !matches!(command, None | Some(0x20 | 0x21)) {
        return Err(ProxyError::Malformed);
    }
    let family = fixed.next();
    if !matches!(family, None | Some(0x00..=0x02 | 0x10..=0x12 | 0x20..=0x22 | 0x30..=0x32)) && command == Some(0x21) {
        return Err(ProxyError::Malformed);
    }
    let (Some(high), Some(low)) = (fixed.next(), fixed.next()) else { return Ok(Read::NeedMore) };
    let consumed = FIXED + usize::from(u16::from_be_bytes([high, low]));
    if consumed > LONGEST_HEADER {
        return Err(ProxyError::TooLong);
    }
    let Some(block) = bytes.get(FIXED..consumed) else { return Ok(Read::NeedMore) };
    let addresses = match (command, family) {
        (Some(0x21), Some(0x11)) => Some(read_block::<4, Ipv4Addr>(block).ok_or(ProxyError::Malformed)?),
        (Some(0x21), Some(0x21)) => Some(read_block::<16, Ipv6Addr>(block).ok_or(ProxyError::Malformed)?),
        // LOCAL, and what no connection of ours can be: unspecified, datagrams, sockets of Unix.
        _ => None,
    };
    Ok(Read::Header { consumed, addresses })
}

/// Source, destination and their ports, with whatever follows.
fn read_block<const N: usize, Ip: From<[u8; N]> + Into<IpAddr>>(block: &[u8]) -> Option<Addresses> {
    let (from, block) = block.split_first_chunk::<N>()?;
    let (to, block) = block.split_first_chunk::<N>()?;
    let (from_port, block) = block.split_first_chunk::<2>()?;
    let (to_port, _) = block.split_first_chunk::<2>()?;
    let end = |ip: &[u8; N], port: &[u8; 2]| (Ip::from(*ip), u16::from_be_bytes(*port));
    Some(Addresses::new(end(from, from_port), end(to, to_port)))
}

impl Addresses {
    fn new<Ip: Into<IpAddr>>(source: (Ip, u16), destination: (Ip, u16)) -> Self {
        let end = |(ip, port): (Ip, u16)| SocketAddr::new(ip.into().to_canonical(), port);
        Self { source: end(source), destination: end(destination) }
    }
}

#[cfg(test)]
mod tests;
