//! Telephone numbers (RFC 3966).

use super::Params;
use super::parse::uri_parameters;
use crate::chars::PHONE;
use crate::step::{Step, some, stop};

/// A `tel:` URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelUri<'a> {
    raw: &'a [u8],
    number: &'a [u8],
    params: &'a [u8],
}

impl<'a> TelUri<'a> {
    pub(super) fn new(raw: &'a [u8], number: &'a [u8], params: &'a [u8]) -> Self {
        Self { raw, number, params }
    }

    /// The URI as it was read.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.raw
    }

    /// The number with its visual separators, and with its `+` if it is global.
    pub fn number(&self) -> &'a [u8] {
        self.number
    }

    /// Whether the number begins with `+` and so means the same everywhere.
    pub fn is_global(&self) -> bool {
        self.number.starts_with(b"+")
    }

    /// Everything after the first `;`.
    pub fn raw_params(&self) -> &'a [u8] {
        self.params
    }

    /// The parameters in their order.
    pub fn params(&self) -> Params<'a> {
        Params::new(self.params)
    }

    /// The value of the first parameter of this name: `None` if it is not there, `Some(None)` if it has no value.
    pub fn param(&self, name: &[u8]) -> Option<Option<&'a [u8]>> {
        self.params().lookup(name)
    }
}

/// `-`, `.`, `(` and `)` are there for the eye only.
pub(super) fn is_visual_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'(' | b')')
}

/// `telephone-subscriber` as number and parameters. A local number without `phone-context`, which RFC 3966 §5.1.5
/// demands, is let through: RFC 3261 §8.1.1.1 itself writes `tel:411`.
pub(super) fn telephone_subscriber(input: &[u8]) -> Step<'_, (&[u8], &[u8])> {
    let digits = input.strip_prefix(b"+").unwrap_or(input);
    let global = digits.len() < input.len();
    let (rest, run) = some(PHONE)(digits)?;
    let is_digit = |&byte: &u8| if global { byte.is_ascii_digit() } else { !is_visual_separator(byte) };
    if !run.iter().any(is_digit) || !run.iter().all(|byte| is_digit(byte) || is_visual_separator(*byte)) {
        return stop(digits);
    }
    let Some((number, _)) = input.split_at_checked(input.len() - rest.len()) else { return stop(input) };
    let (rest, params) = uri_parameters(rest)?;
    Ok((rest, (number, params)))
}

#[cfg(test)]
mod tests {
    use crate::uri::Uri;

    #[test]
    fn numbers_are_split_from_their_parameters() {
        for (written, number, params, global) in [
            ("tel:+1-201-555-0123", "+1-201-555-0123", "", true),
            ("TEL:+358-555-1234567;postd=pp22", "+358-555-1234567", "postd=pp22", true),
            ("tel:7042;phone-context=example.com", "7042", "phone-context=example.com", false),
            ("tel:*#06#;ext=(1)", "*#06#", "ext=(1)", false),
            ("tel:411", "411", "", false),
            ("tel:(0)AB.cd", "(0)AB.cd", "", false),
        ] {
            let Ok(Uri::Tel(tel)) = Uri::parse(written.as_bytes()) else { panic!("{written}") };
            assert_eq!(tel.number(), number.as_bytes(), "{written}");
            assert_eq!(tel.raw_params(), params.as_bytes(), "{written}");
            assert_eq!(tel.is_global(), global, "{written}");
            assert_eq!(tel.as_bytes(), written.as_bytes());
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for written in ["tel:", "tel:+", "tel:+-", "tel:()", "tel:+1A", "tel:+1*", "tel:alice", "tel:+1;", "tel:1 2"] {
            assert!(Uri::parse(written.as_bytes()).is_err(), "{written}");
        }
    }

    #[test]
    fn a_parameter_is_found_by_name() {
        let Ok(Uri::Tel(tel)) = Uri::parse(b"tel:7042;isub=1;Phone-Context=+1") else { panic!() };
        assert_eq!(tel.param(b"phone-context"), Some(Some(&b"+1"[..])));
        assert_eq!(tel.params().count(), 2);
    }
}
