//! Contact (RFC 3261 §20.10, RFC 5626 §11.1).

use super::name_addr::address;
use super::params::{Params, once, params, unquote};
use super::{ListItem, sealed};
use crate::step::{Step, sws};
use crate::uri::Uri;
use crate::{ParseError, Part, step};

/// A malformed `expires` counts as an hour (RFC 3261 §20.10, §20.19).
pub const MALFORMED_EXPIRES: u32 = 3600;

/// One value of a Contact header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactValue<'a> {
    /// `*`: all bindings.
    Star,
    /// An address.
    Addr(Contact<'a>),
}

/// An address at which a user can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact<'a> {
    /// The whole value as it came.
    pub bytes: &'a [u8],
    /// The display name with its quotes, if it has them; empty if there is none.
    pub display: &'a [u8],
    /// The address.
    pub uri: Uri<'a>,
    /// Whether the address stood between `<` and `>`.
    pub bracketed: bool,
    /// All parameters, those below included.
    pub params: Params<'a>,
    /// `expires` in seconds. Numbers beyond 32 bits count as the greatest, what is no number as [`MALFORMED_EXPIRES`].
    pub expires: Option<u32>,
    /// `q`.
    pub q: Option<QValue>,
    /// `+sip.instance` without its quotes.
    pub instance: Option<&'a [u8]>,
    /// `reg-id`, from 1 on.
    pub reg_id: Option<u32>,
}

impl<'a> ContactValue<'a> {
    /// Reads a whole value.
    ///
    /// # Errors
    /// It is neither `*` nor an address with well-formed parameters.
    pub fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        step::whole(Part::Contact, value, <Self as sealed::Item<'a>>::item(value))
    }
}

impl<'a> ListItem<'a> for ContactValue<'a> {}
impl<'a> sealed::Item<'a> for ContactValue<'a> {
    const PART: Part = Part::Contact;
    fn item(input: &'a [u8]) -> Step<'a, Self> {
        if let [b'*', rest @ ..] = input
            && matches!(sws(rest), [] | [b',', ..])
        {
            return Ok((rest, Self::Star));
        }
        contact(input).map(|(rest, contact)| (rest, Self::Addr(contact)))
    }
}

#[inline(always)]
fn contact(input: &[u8]) -> Step<'_, Contact<'_>> {
    let (rest, (display, uri, bracketed)) = address(input)?;
    let (mut expires, mut q, mut instance, mut reg_id) = (None, None, None, None);
    let (rest, params) = params(rest, |name, value| {
        let value = value.unwrap_or_default();
        // Told apart by length first: most parameters are none of these.
        match name.len() {
            1 if name.eq_ignore_ascii_case(b"q") => QValue::parse(value).is_some_and(|value| once(&mut q, value)),
            6 if name.eq_ignore_ascii_case(b"reg-id") => reg_id_of(value).is_some_and(|id| once(&mut reg_id, id)),
            7 if name.eq_ignore_ascii_case(b"expires") => once(&mut expires, seconds(value)),
            13 if name.eq_ignore_ascii_case(b"+sip.instance") => once(&mut instance, unquote(value)),
            _ => true,
        }
    })?;
    let length = input.len() - rest.len();
    let bytes = input.get(..length).unwrap_or_default();
    Ok((rest, Contact { bytes, display, uri, bracketed, params, expires, q, instance, reg_id }))
}

/// delta-seconds as RFC 3261 §20.10 and §20.19 want them read.
pub(super) fn seconds(value: &[u8]) -> u32 {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return MALFORMED_EXPIRES;
    }
    step::number(value).map_or(u32::MAX, |(_, seconds)| seconds)
}

/// 1 to 2^31 - 1 (RFC 5626 §4.2).
fn reg_id_of(value: &[u8]) -> Option<u32> {
    match step::number(value) {
        Ok(([], id @ 1..=0x7FFF_FFFF)) => Some(id),
        _ => None,
    }
}

/// A preference from 0 to 1 in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QValue(u16);

impl QValue {
    /// The greatest, which is also that of a contact without `q`.
    pub const ONE: Self = Self(1000);

    /// So many thousandths, if there are at most 1000.
    #[must_use]
    pub const fn from_thousandths(thousandths: u16) -> Option<Self> {
        if thousandths <= 1000 { Some(Self(thousandths)) } else { None }
    }

    /// In thousandths.
    #[must_use]
    pub const fn thousandths(self) -> u16 {
        self.0
    }

    /// `qvalue`: 0 or 1 with at most three decimals.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (whole, decimals) = match value {
            [whole] => (whole, [].as_slice()),
            [whole, b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
            _ => return None,
        };
        let mut thousandths = match whole {
            b'0' => 0,
            b'1' => 1000,
            _ => return None,
        };
        for (digit, unit) in decimals.iter().zip([100, 10, 1]) {
            if !digit.is_ascii_digit() {
                return None;
            }
            thousandths += u16::from(digit - b'0') * unit;
        }
        Self::from_thousandths(thousandths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_is_read_as_the_grammar_says() {
        for (text, thousandths) in
            [("0", 0), ("1", 1000), ("0.5", 500), ("0.33", 330), ("0.001", 1), ("1.000", 1000), ("0.", 0)]
        {
            assert_eq!(QValue::parse(text.as_bytes()), QValue::from_thousandths(thousandths), "{text}");
        }
        for text in ["", "2", "1.1", "0.1234", ".5", "-0", "0,5", "0.x", "1.001"] {
            assert_eq!(QValue::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn malformed_seconds_count_as_an_hour_and_endless_ones_as_the_greatest_number() {
        assert_eq!(seconds(b"60"), 60);
        assert_eq!(seconds(b"4294967295"), u32::MAX);
        assert_eq!(seconds(b"99999999999999999999"), u32::MAX);
        for text in ["", "-1", "abc", "60 ", "\"60\"", "6.0"] {
            assert_eq!(seconds(text.as_bytes()), MALFORMED_EXPIRES, "{text:?}");
        }
    }
}
