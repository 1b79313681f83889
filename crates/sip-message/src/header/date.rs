//! Date (RFC 3261 §20.17): RFC 1123 form, always GMT.

use super::SingleHeader;
use crate::{HeaderId, ParseError, Part};

/// Seconds since the Unix epoch, from 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(pub u64);

const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

impl Date {
    /// `Sat, 13 Nov 2010 23:29:00 GMT`.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 29] {
        let days = self.0 / 86_400;
        let second = self.0 % 86_400;
        let (year, month, day) = civil(days);
        let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
        let name = DAYS.get((days % 7) as usize).copied().unwrap_or(b"Thu");
        let month = MONTHS.get(month as usize).copied().unwrap_or(b"Jan");
        let two = |n: u64| [b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8];
        let mut put = |at: usize, bytes: &[u8]| {
            if let Some(place) = text.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        put(0, name);
        put(5, &two(day));
        put(8, month);
        put(12, &two(year / 100));
        put(14, &two(year % 100));
        put(17, &two(second / 3600));
        put(20, &two(second / 60 % 60));
        put(23, &two(second % 60));
        text
    }
}

impl SingleHeader<'_> for Date {
    const ID: HeaderId = HeaderId::Date;
    fn parse(value: &[u8]) -> Result<Self, ParseError> {
        read(value).ok_or(ParseError { part: Part::Date, at: 0 })
    }
}

fn read(value: &[u8]) -> Option<Date> {
    let &[
        w1,
        w2,
        w3,
        b',',
        b' ',
        d1,
        d2,
        b' ',
        m1,
        m2,
        m3,
        b' ',
        y1,
        y2,
        y3,
        y4,
        b' ',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b' ',
        b'G',
        b'M',
        b'T',
    ] = value
    else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0u64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
    };
    // Which one it is follows from the rest.
    DAYS.iter().find(|name| name.eq_ignore_ascii_case(&[w1, w2, w3]))?;
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(&[m1, m2, m3]))? as u64;
    let (day, year) = (number(&[d1, d2])?, number(&[y1, y2, y3, y4])?);
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
    if hour > 23 || minute > 59 || second > 60 || year < 1970 {
        return None;
    }
    let days = days_of(year, month, day);
    // A day that the month does not have comes back as another.
    (civil(days) == (year, month, day)).then_some(Date(days * 86_400 + hour * 3600 + minute * 60 + second))
}

/// Days since 1970-01-01 of a date with months counted from 0; years begin in March so that the leap day is the last.
fn days_of(year: u64, month: u64, day: u64) -> u64 {
    let year = if month < 2 { year - 1 } else { year };
    let month = (month + 10) % 12;
    let day_of_year = (153 * month + 2) / 5 + day;
    (year * 365 + year / 4 - year / 100 + year / 400 + day_of_year).saturating_sub(719_469)
}

/// Year, month counted from 0, and day of a number of days since 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = (month + 2) % 12;
    (era * 400 + year + u64::from(month < 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_289_690_940, "Sat, 13 Nov 2010 23:29:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(Date(seconds).to_bytes(), text.as_bytes(), "{text}");
            assert_eq!(Date::parse(text.as_bytes()), Ok(Date(seconds)), "{text}");
        }
    }

    #[test]
    fn other_zones_and_days_that_are_none_are_refused() {
        for text in [
            "Fri, 01 Jan 2010 16:00:00 EST",
            "Mon, 31 Feb 2010 16:00:00 GMT",
            "Fri, 01 Jan 2010 24:00:00 GMT",
            "xyz, 01 Jan 2010 00:00:00 GMT",
            "",
        ] {
            assert!(Date::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(seconds in 0u64..253_402_300_800) {
            proptest::prop_assert_eq!(Date::parse(&Date(seconds).to_bytes()), Ok(Date(seconds)));
        }
    }
}
