//! Times as people and databases write them.

/// Milliseconds since the Unix epoch on the wall clock.
pub(crate) type WallMillis = u64;

const DAY: i64 = 86_400;

/// As in `2026-11-23T21:00:00.123Z` (RFC 3339).
pub(crate) fn rfc3339(millis: WallMillis) -> String {
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (days, second) = (seconds / DAY.unsigned_abs(), seconds % DAY.unsigned_abs());
    let (year, month, day) = date(i64::try_from(days).unwrap_or(i64::MAX / 1000));
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// What [`rfc3339`] writes, also with another offset, another precision, or a space for the `T`. Times before 1970 are
/// read as 1970.
pub(crate) fn from_rfc3339(text: &str) -> Option<WallMillis> {
    let (local, offset) = local(text)?;
    Some(at(local, offset?))
}

/// A date of a database: `2026-11-23 21:00:00`, in local time if it names no offset itself. `None`: it is none.
pub(crate) fn from_sql(text: &str, utc_offset: impl FnOnce() -> Option<i64>) -> Option<Result<WallMillis, NoOffset>> {
    let (local, offset) = local(text)?;
    Some(offset.or_else(utc_offset).map(|offset| at(local, offset)).ok_or(NoOffset))
}

/// The offset of a local time is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoOffset;

/// A Julian day, as SQLite keeps times, in whole seconds. Kamailio's are half a second less than they should be, so up to
/// three quarters are added. `None`: it is none of a time since 1970.
pub(crate) fn from_julian_day(days: f64) -> Option<WallMillis> {
    const EPOCH: f64 = 2_440_587.5;
    /// What digits and Kamailio take away.
    const SLACK: f64 = 0.6 / 86_400.0;
    const YEAR_9999: f64 = 5_373_484.5;
    let is_day = (EPOCH - SLACK..YEAR_9999).contains(&days);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number far below 2^53")]
    is_day.then(|| ((days - EPOCH) * 86_400.0 - 0.25).ceil() as u64 * 1000)
}

/// `+01:00`, `-0330`, `+1` or `Z`, in seconds.
pub(crate) fn offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None => digits.split_at_checked(2).unwrap_or((digits, "")),
    };
    let minutes = if minutes.is_empty() { "0" } else { minutes };
    let (hours, minutes) = (number(hours, 1..=2)?, number(minutes, 1..=2)?);
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Milliseconds since the epoch as if it were UTC, and the offset if there is one.
fn local(text: &str) -> Option<(i64, Option<i64>)> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, month, day) = (number(year, 4..=4)?, number(month, 2..=2)?, number(day, 2..=2)?);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let end = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (time, zone) = time.split_at_checked(end)?;
    let offset = if zone.is_empty() { None } else { Some(offset(zone)?) };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = time.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let (hour, minute, second) = (number(hour, 2..=2)?, number(minute, 2..=2)?, number(second, 2..=2)?);
    // 60 is a leap second, which the clocks of computers do not have.
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    number(fraction, 1..=9)?;
    let millis = number(&digits, 3..=3)?;
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    Some((seconds * 1000 + millis, offset))
}

fn at(local: i64, offset: i64) -> WallMillis {
    u64::try_from(local - offset * 1000).unwrap_or(0)
}

/// So many digits and nothing else.
fn number(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<i64> {
    (length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn days_of(year: i64, month: i64) -> i64 {
    days(if month == 12 { year + 1 } else { year }, month % 12 + 1, 1) - days(year, month, 1)
}

/// Days since the epoch. The year is counted from March, so that the leap day is its last, and months have 30.6 days.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

/// The reverse of [`days`].
fn date(days_since: i64) -> (i64, i64, i64) {
    // Never more than a day too late, so that one step back finds it.
    let guess = 1970 + (days_since * 400).div_euclid(146_097);
    let year = (guess - 1..=guess + 1).rev().find(|year| days(*year, 1, 1) <= days_since).unwrap_or(guess);
    let month = (1..=12).rev().find(|month| days(year, *month, 1) <= days_since).unwrap_or(1);
    (year, month, days_since - days(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_written_and_read_again() {
        // Until the year 2200, and so across a year that is divisible by 100 and has no leap day.
        let mut next = (1970, 1, 1);
        for day in 0..84_006 {
            assert_eq!(date(day), next);
            assert_eq!(days(next.0, next.1, next.2), day);
            next = match next {
                (year, 12, 31) => (year + 1, 1, 1),
                (year, month, last) if last == days_of(year, month) => (year, month + 1, 1),
                (year, month, day) => (year, month, day + 1),
            };
            let millis = u64::try_from(day).unwrap() * 86_400_000 + 81_234_567;
            assert_eq!(from_rfc3339(&rfc3339(millis)), Some(millis));
        }
        assert_eq!(next, (2200, 1, 1));
    }

    #[test]
    fn times_are_read_as_they_are_written_elsewhere() {
        let expected = 1_795_467_600_000;
        assert_eq!(rfc3339(expected), "2026-11-23T21:00:00.000Z");
        for text in [
            "2026-11-23T21:00:00Z",
            "2026-11-23t22:00:00.000+01:00",
            "2026-11-23 16:30:00-0430",
            "2026-11-23 22:00:00+01",
            "2026-11-23 21:00:00.0009999Z",
        ] {
            assert_eq!(from_rfc3339(text), Some(expected), "{text}");
        }
        assert_eq!(from_rfc3339("2026-11-23T21:00:00.25Z"), Some(expected + 250));
        assert_eq!(from_sql("2026-11-23 22:00:00", || Some(3600)), Some(Ok(expected)));
        assert_eq!(from_sql("2026-11-23 21:00:00+00", || None), Some(Ok(expected)));
        assert_eq!(from_sql("2026-11-23 22:00:00", || None), Some(Err(NoOffset)));
        assert_eq!(from_sql("1970-01-01 00:00:00", || Some(3600)), Some(Ok(0)));
        // Kamailio's, of a second that its `ul.dump` names, and SQLite's own.
        assert_eq!(from_julian_day(2_461_368.386_591_44), from_rfc3339("2026-11-23T21:16:42Z"));
        assert_eq!(from_julian_day(2_461_368.386_597_22), from_rfc3339("2026-11-23T21:16:42Z"));
        assert_eq!((from_julian_day(2_440_587.5), from_julian_day(2_440_587.499_994)), (Some(0), Some(0)));
        for days in [0.0, -1.0, 1e9, f64::NAN, f64::INFINITY] {
            assert_eq!(from_julian_day(days), None, "{days}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "now",
            "2026-11-23",
            "2026-11-23T21:00:00",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T21:00Z",
            "2026-11-23T21:00:00.Z",
            "2026-11-23T21:00:00ZZ",
            "+2026-11-23T21:00:00Z",
            "2026-11-23T21:00:00+99:00",
            "26-11-23T21:00:00Z",
            "2026-11-23T21:00:+1Z",
        ] {
            assert_eq!(from_rfc3339(text), None, "{text:?}");
        }
        for (text, seconds) in [("+01:00", Some(3600)), ("-0330", Some(-12_600)), ("+5", Some(18_000)), ("Z", Some(0))]
        {
            assert_eq!(offset(text), seconds, "{text}");
        }
        for text in ["", "01:00", "+", "+1:60", "+19:00", "+ab", "+1:2:3", "CET"] {
            assert_eq!(offset(text), None, "{text:?}");
        }
    }
}
