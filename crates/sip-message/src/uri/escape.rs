//! `%41` is `A`: reading, comparing and writing escapes (RFC 3261 §19.1.2).

use memchr::memchr;

use crate::chars::{Class, HEX, USER};
use crate::step::{Step, stop};

/// The bytes that are meant: every escape becomes its byte, and a `%` that begins no escape stands for itself.
pub fn unescape(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    Units { rest: bytes }.map(|unit| unit.byte)
}

/// Appends the bytes that are meant.
pub fn unescape_into(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(unescape(bytes));
}

/// Whether every `%` is followed by two hexadecimal digits.
pub fn is_well_formed(mut bytes: &[u8]) -> bool {
    while let Some(tail) = memchr(b'%', bytes).and_then(|at| bytes.get(at + 1..)) {
        match tail {
            [a, b, rest @ ..] if HEX.has(*a) && HEX.has(*b) => bytes = rest,
            _ => return false,
        }
    }
    true
}

/// Appends plain bytes as the user part of a URI: what cannot stand there as it is becomes `%XX` in upper case.
pub fn escape_user(plain: &[u8], out: &mut Vec<u8>) {
    for &byte in plain {
        push_user_byte(byte, out);
    }
}

/// Whether two parts mean the same (RFC 3261 §19.1.4): a character is equivalent to its escape unless it is reserved,
/// so that `%61` is `a`, `%3b` is `%3B`, and `%3B` is not `;`.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a == b || units(a).eq(units(b))
}

/// The same without regard to the case of ASCII letters.
pub fn same_ignoring_case(a: &[u8], b: &[u8]) -> bool {
    a.eq_ignore_ascii_case(b) || units(a).map(Unit::lower).eq(units(b).map(Unit::lower))
}

/// One byte of the user part: the characters of `user` as they are, all others, `%` among them, escaped.
#[inline]
pub(super) fn push_user_byte(byte: u8, out: &mut Vec<u8>) {
    if USER.has(byte) {
        out.push(byte);
    } else {
        out.extend([b'%', hex_digit(byte >> 4), hex_digit(byte & 15)]);
    }
}

fn hex_digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'A' + value - 10 }
}

/// A byte that is meant, and whether it is a reserved character that was escaped and therefore differs from itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) byte: u8,
    pub(super) escaped: bool,
}

impl Unit {
    pub(super) fn lower(self) -> Self {
        Self { byte: self.byte.to_ascii_lowercase(), ..self }
    }
}

pub(super) fn units(bytes: &[u8]) -> impl Iterator<Item = Unit> + '_ {
    Units { rest: bytes }
}

struct Units<'a> {
    rest: &'a [u8],
}

impl Iterator for Units<'_> {
    type Item = Unit;

    #[inline]
    fn next(&mut self) -> Option<Unit> {
        if let [b'%', high, low, rest @ ..] = self.rest
            && let (Some(high), Some(low)) = (char::from(*high).to_digit(16), char::from(*low).to_digit(16))
        {
            self.rest = rest;
            let byte = u8::try_from(high * 16 + low).ok()?;
            return Some(Unit { byte, escaped: is_reserved(byte) });
        }
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(Unit { byte, escaped: false })
    }
}

/// `reserved` of RFC 2396 §2.2, to which RFC 3261 §19.1.4 refers.
fn is_reserved(byte: u8) -> bool {
    matches!(byte, b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',')
}

/// `1*( class / escaped )`
#[inline(always)]
pub(super) fn some_escaped(class: Class, input: &[u8]) -> Step<'_, &[u8]> {
    match many_escaped(class, input)? {
        (_, []) => stop(input),
        found => Ok(found),
    }
}

/// `*( class / escaped )`
#[inline(always)]
pub(super) fn many_escaped(class: Class, input: &[u8]) -> Step<'_, &[u8]> {
    let mut at = class.run(input);
    while let Some([b'%', tail @ ..]) = input.get(at..) {
        match tail {
            [a, b, rest @ ..] if HEX.has(*a) && HEX.has(*b) => at += 3 + class.run(rest),
            _ => return stop(tail),
        }
    }
    match input.split_at_checked(at) {
        Some((run, rest)) => Ok((rest, run)),
        None => stop(input),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_their_bytes() {
        for (written, meant) in
            [("", ""), ("alice", "alice"), ("%61lice", "alice"), ("null-%00-null", "null-\0-null"), ("%2541", "%41")]
        {
            let mut out = b"before ".to_vec();
            unescape_into(written.as_bytes(), &mut out);
            assert_eq!(out, [b"before ", meant.as_bytes()].concat(), "{written}");
        }
    }

    #[test]
    fn a_percent_sign_that_begins_no_escape_is_malformed() {
        assert!(["", "a", "%41", "%4a%4A", "a%00"].iter().all(|s| is_well_formed(s.as_bytes())));
        assert!(!["%", "a%", "%4", "%4g", "%%41", "%41%", "% 1"].iter().any(|s| is_well_formed(s.as_bytes())));
        assert_eq!(unescape(b"%4g%").collect::<Vec<_>>(), b"%4g%");
    }

    #[test]
    fn an_escape_is_equivalent_to_its_character_unless_that_is_reserved() {
        for (a, b) in [("%61lice", "alice"), ("%3b", "%3B"), ("%5B", "["), ("%2541", "%2541"), ("%7e", "~")] {
            assert!(same(a.as_bytes(), b.as_bytes()) && same(b.as_bytes(), a.as_bytes()), "{a} {b}");
        }
        for reserved in b";/?:@&=+$," {
            assert!(!same(&[*reserved], format!("%{reserved:02x}").as_bytes()));
        }
        assert!(!same(b"%41", b"a"));
        assert!(same_ignoring_case(b"%41", b"a"));
        assert!(!same(b"%2541", b"%41") && !same(b"a", b"ab") && !same_ignoring_case(b"%41", b"ab"));
    }

    #[test]
    fn a_plain_user_is_written_with_the_escapes_it_needs() {
        let mut out = Vec::new();
        escape_user(b"j@s0n:a%b;c=d \0\xff", &mut out);
        assert_eq!(out, b"j%40s0n%3Aa%25b;c=d%20%00%FF");
    }
}
