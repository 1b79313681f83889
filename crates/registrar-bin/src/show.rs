//! Texts from strangers, made fit for a log.

use std::fmt::{self, Write};

/// The longest text that is shown, in bytes; what is longer is cut.
const MAX: usize = 128;

/// Shows bytes as printable ASCII: everything else is escaped, so that no text can look like another line of the log
/// or command a terminal.
pub(crate) struct Shown<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, more) = match self.0.split_at_checked(MAX) {
            Some((shown, [_, ..])) => (shown, true),
            _ => (self.0, false),
        };
        for byte in shown {
            match byte {
                b'\\' => f.write_str("\\\\")?,
                b' '..=b'~' => f.write_char(char::from(*byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        if more { f.write_str("...") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_printable_ascii_comes_out_and_not_too_much_of_it() {
        assert_eq!(Shown(b"sip:alice@example.com").to_string(), "sip:alice@example.com");
        assert_eq!(Shown(b"a\r\nINFO forged\x1b[2J\0\\").to_string(), "a\\x0d\\x0aINFO forged\\x1b[2J\\x00\\\\");
        assert_eq!(Shown("ü".as_bytes()).to_string(), "\\xc3\\xbc");
        assert_eq!(Shown(&[b'a'; 128]).to_string().len(), 128);
        assert_eq!(Shown(&[b'a'; 129]).to_string(), format!("{}...", "a".repeat(128)));
    }
}
