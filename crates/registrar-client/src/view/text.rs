//! Texts, times and numbers.

use std::fmt::Write;

/// Text from strangers with nothing in it that commands a terminal, begins a line or turns the direction of writing:
/// such characters are escaped.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Separators of lines, marks of direction, and what takes no room.
        let unseen =
            matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if !c.is_control() && !unseen {
            out.push(c);
        } else if let Ok(byte) = u8::try_from(c) {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        } else {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
    }
    out
}

/// A time without what no eye needs: `2026-11-24 03:45:10` for `2026-11-24T03:45:10.123Z`.
#[must_use]
pub fn when(at: &str) -> String {
    let end = at.find(['.', 'Z']).unwrap_or(at.len());
    clean(&at.get(..end).unwrap_or_default().replacen('T', " ", 1))
}

/// The time of day of a time.
pub(crate) fn time_of_day(at: &str) -> String {
    let whole = when(at);
    whole.split_once(' ').map_or(whole.clone(), |(_, time)| time.to_owned())
}

/// Seconds in the two greatest units: `2 d 3 h`, `5 min`, `42 s`.
#[must_use]
pub fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 5] = [(31_536_000, "y"), (86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, unit) in UNITS {
        let n = rest / size;
        rest %= size;
        if n > 0 {
            parts.push(format!("{n} {unit}"));
        }
        if parts.len() == 2 || (n == 0 && !parts.is_empty()) {
            break;
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

/// `1 binding`, `2 bindings`, `1,234,567 bindings`.
#[must_use]
pub fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {many}", grouped(n)) }
}

/// With commas between the thousands.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_commands_the_terminal() {
        assert_eq!(clean("Grüße, 電話"), "Grüße, 電話");
        assert_eq!(clean("a\x1b[2J\r\n\0\u{9b}1m"), "a\\x1b[2J\\x0d\\x0a\\x00\\x9b1m");
        assert_eq!(clean("\u{202e}moc\u{2028}\u{200b}"), "\\u{202e}moc\\u{2028}\\u{200b}");
    }

    #[test]
    fn times_and_numbers_are_legible() {
        assert_eq!(when("2026-11-24T03:45:10.123Z"), "2026-11-24 03:45:10");
        assert_eq!(when("2026-11-24T03:45:10Z"), "2026-11-24 03:45:10");
        assert_eq!(time_of_day("2026-11-24T03:45:10.123Z"), "03:45:10");
        assert_eq!(when("x\x1b"), "x\\x1b");
        let spans = [0, 1, 59, 60, 61, 3600, 3601, 3660, 90_061, 86_400, u64::from(u32::MAX)].map(span);
        let wanted =
            ["0 s", "1 s", "59 s", "1 min", "1 min 1 s", "1 h", "1 h", "1 h 1 min", "1 d 1 h", "1 d", "136 y 70 d"];
        assert_eq!(spans, wanted);
        assert_eq!(count(1, "binding", "bindings"), "1 binding");
        assert_eq!(count(1_234_567, "binding", "bindings"), "1,234,567 bindings");
        assert_eq!([0, 999, 1000, 100_000].map(grouped), ["0", "999", "1,000", "100,000"]);
    }
}
