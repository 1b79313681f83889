//! The character classes of RFC 3261 §25.1, as bits of one table.

/// A set of classes.
#[derive(Clone, Copy)]
pub(crate) struct Class(u16);

const TOKEN_BIT: u16 = 1;
const USER_BIT: u16 = 1 << 1;
const PASSWORD_BIT: u16 = 1 << 2;
const PARAM_BIT: u16 = 1 << 3;
const HEADER_BIT: u16 = 1 << 4;
const HOST_BIT: u16 = 1 << 5;
const DIGIT_BIT: u16 = 1 << 6;
const HEX_BIT: u16 = 1 << 7;
const SPACE_BIT: u16 = 1 << 8;
const URIC_BIT: u16 = 1 << 9;
const WORD_BIT: u16 = 1 << 10;
const ALPHA_BIT: u16 = 1 << 11;
const IPV6_BIT: u16 = 1 << 12;
const LABEL_BIT: u16 = 1 << 13;
const PHONE_BIT: u16 = 1 << 14;
const VALUE_BIT: u16 = 1 << 15;

/// `token`.
pub(crate) const TOKEN: Class = Class(TOKEN_BIT);
/// `user`: unreserved and user-unreserved, without escapes.
pub(crate) const USER: Class = Class(USER_BIT);
/// `password`, without escapes.
pub(crate) const PASSWORD: Class = Class(PASSWORD_BIT);
/// `paramchar`, without escapes.
pub(crate) const PARAM: Class = Class(PARAM_BIT);
/// `hname`, `hvalue`: hnv-unreserved and unreserved, without escapes.
pub(crate) const HEADER: Class = Class(HEADER_BIT);
/// Letters, digits, `-`, `.`, and `_`, which is no host name character but is used in some.
pub(crate) const HOST: Class = Class(HOST_BIT);
/// `DIGIT`.
pub(crate) const DIGIT: Class = Class(DIGIT_BIT);
/// Hexadecimal digits of either case.
pub(crate) const HEX: Class = Class(HEX_BIT);
/// SP and HTAB.
pub(crate) const SPACE: Class = Class(SPACE_BIT);
/// `uric` of RFC 2396: reserved and unreserved, without escapes.
pub(crate) const URIC: Class = Class(URIC_BIT);
/// `word` (Call-ID).
pub(crate) const WORD: Class = Class(WORD_BIT);
/// `ALPHA`.
pub(crate) const ALPHA: Class = Class(ALPHA_BIT);
/// What stands between the brackets of an IPv6reference.
pub(crate) const IPV6: Class = Class(IPV6_BIT);
/// What stands between the dots of a host name: [`HOST`] without the dot.
pub(crate) const LABEL: Class = Class(LABEL_BIT);
/// `phonedigit-hex` of RFC 3966 §3: hexadecimal digits, `*`, `#` and the visual separators.
pub(crate) const PHONE: Class = Class(PHONE_BIT);

/// What an unquoted parameter value may hold: token, host, and what phones write there without quotes.
pub(crate) const VALUE: Class = Class(VALUE_BIT);

impl Class {
    /// Whether `byte` is in one of the classes.
    #[inline]
    pub(crate) fn has(self, byte: u8) -> bool {
        #[expect(clippy::indexing_slicing, reason = "256 entries, indexed by a byte")]
        let bits = TABLE[usize::from(byte)];
        bits & self.0 != 0
    }

    /// How many bytes at the beginning of `bytes` are in the classes.
    #[inline]
    pub(crate) fn run(self, bytes: &[u8]) -> usize {
        bytes.iter().position(|&byte| !self.has(byte)).unwrap_or(bytes.len())
    }

    /// The same, faster where many are expected: four at a time.
    #[inline(always)]
    pub(crate) fn long_run(self, bytes: &[u8]) -> usize {
        let (fours, _) = bytes.as_chunks();
        let before = 4 * fours.iter().take_while(|four| self.has_all(**four)).count();
        before + self.run(bytes.get(before..).unwrap_or_default())
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "256 entries, indexed by a byte")]
    fn has_all(self, bytes: [u8; 4]) -> bool {
        bytes.iter().fold(self.0, |bits, &byte| bits & TABLE[usize::from(byte)]) != 0
    }

    /// Either.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

const fn one_of(byte: u8, set: &[u8]) -> bool {
    let mut i = 0;
    while i < set.len() {
        #[expect(clippy::indexing_slicing, reason = "constant evaluation")]
        if set[i] == byte {
            return true;
        }
        i += 1;
    }
    false
}

static TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0u8;
    loop {
        let alnum = byte.is_ascii_alphanumeric();
        let unreserved = alnum || one_of(byte, b"-_.!~*'()");
        let mut bits = 0;
        if alnum || one_of(byte, b"-.!%*_+`'~") {
            bits |= TOKEN_BIT;
        }
        if alnum || one_of(byte, b"-.!%*_+`'~[]:/@&$?") {
            bits |= VALUE_BIT;
        }
        if unreserved || one_of(byte, b"&=+$,;?/") {
            bits |= USER_BIT;
        }
        if unreserved || one_of(byte, b"&=+$,") {
            bits |= PASSWORD_BIT;
        }
        if unreserved || one_of(byte, b"[]/:&+$") {
            bits |= PARAM_BIT;
        }
        if unreserved || one_of(byte, b"[]/?:+$") {
            bits |= HEADER_BIT;
        }
        if alnum || one_of(byte, b"-._") {
            bits |= HOST_BIT;
        }
        if byte.is_ascii_digit() {
            bits |= DIGIT_BIT;
        }
        if byte.is_ascii_hexdigit() {
            bits |= HEX_BIT;
        }
        if byte == b' ' || byte == b'\t' {
            bits |= SPACE_BIT;
        }
        if unreserved || one_of(byte, b";/?:@&=+$,") {
            bits |= URIC_BIT;
        }
        if alnum || one_of(byte, b"-.!%*_+`'~()<>:\\\"/[]?{}") {
            bits |= WORD_BIT;
        }
        if byte.is_ascii_alphabetic() {
            bits |= ALPHA_BIT;
        }
        if byte.is_ascii_hexdigit() || one_of(byte, b":.") {
            bits |= IPV6_BIT;
        }
        if alnum || one_of(byte, b"-_") {
            bits |= LABEL_BIT;
        }
        if byte.is_ascii_hexdigit() || one_of(byte, b"*#-.()") {
            bits |= PHONE_BIT;
        }
        #[expect(clippy::indexing_slicing, reason = "constant evaluation")]
        {
            table[byte as usize] = bits;
        }
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};
