//! A date with a time of day, and perhaps an offset.

use super::clock::{fraction, offset, seconds};
use super::date::days;
use super::{MICROS_PER_DAY, MICROS_PER_SECOND};

/// A point on a local clock, and how far that clock is from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Microseconds since 1970-01-01T00:00:00 as the clock shows them.
    pub(crate) local: i64,
    /// Seconds east of UTC, if the text says.
    pub(crate) offset: Option<i32>,
}

impl Moment {
    /// Microseconds since 1970-01-01T00:00:00 UTC; without an offset the clock is taken for UTC's.
    #[inline(always)]
    pub(crate) fn utc(self) -> i64 {
        self.local - i64::from(self.offset.unwrap_or(0)) * MICROS_PER_SECOND
    }
}

/// Reads `YYYY-MM-DD`, alone (its midnight) or with `T` or a space, `HH:MM:SS`, a fraction and an offset.
#[inline]
pub(crate) fn moment(text: &[u8]) -> Option<Moment> {
    let Some((start, rest)) = text.split_first_chunk::<19>() else {
        return midnight(text);
    };
    let (day, clock) = start.split_first_chunk::<10>()?;
    if !matches!(clock[0], b'T' | b' ' | b't') {
        return None;
    }
    let seconds = seconds(clock.last_chunk()?)?;
    let (micros, rest) = fraction(seconds, rest)?;
    Some(Moment { local: i64::from(days(day)?) * MICROS_PER_DAY + micros, offset: offset(rest)? })
}

fn midnight(text: &[u8]) -> Option<Moment> {
    let day = days(text.try_into().ok()?)?;
    Some(Moment { local: i64::from(day) * MICROS_PER_DAY, offset: None })
}

/// Days since 1970-01-01 of a date, or of a date-time whose clock shows midnight.
#[cold]
pub(crate) fn date_of_midnight(text: &[u8]) -> Option<i32> {
    let local = moment(text)?.local;
    (local.rem_euclid(MICROS_PER_DAY) == 0).then(|| local.div_euclid(MICROS_PER_DAY) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<i64> {
        moment(text.as_bytes()).map(Moment::utc)
    }

    #[test]
    fn every_form_of_one_moment_is_the_same() {
        let expected = utc("2024-02-29T12:34:56Z");
        assert_eq!(expected, Some(1_709_210_096_000_000));
        for text in [
            "2024-02-29 12:34:56Z",
            "2024-02-29t12:34:56z",
            "2024-02-29T12:34:56+00:00",
            "2024-02-29T12:34:56.000000Z",
            "2024-02-29T14:34:56+02:00",
            "2024-02-29T07:04:56-0530",
            "2024-02-29T13:34:56+01",
            "2024-02-29T12:34:56",
        ] {
            assert_eq!(utc(text), expected, "{text}");
        }
    }

    #[test]
    fn fractions_keep_microseconds() {
        assert_eq!(utc("1970-01-01T00:00:00.1Z"), Some(100_000));
        assert_eq!(utc("1970-01-01T00:00:00.123456789Z"), Some(123_456));
        assert_eq!(utc("1969-12-31T23:59:59.999999"), Some(-1));
    }

    #[test]
    fn a_bare_date_is_its_midnight() {
        assert_eq!(utc("1970-01-02"), Some(MICROS_PER_DAY));
        assert_eq!(moment(b"1970-01-02").unwrap().offset, None);
    }

    #[test]
    fn dates_may_come_with_a_midnight() {
        for text in ["1970-01-02T00:00:00Z", "1970-01-02 00:00:00", "1970-01-02T00:00:00.000+02:00", "1970-01-02"] {
            assert_eq!(date_of_midnight(text.as_bytes()), Some(1), "{text}");
        }
        assert_eq!(date_of_midnight(b"1970-01-02T00:00:01Z"), None);
        assert_eq!(date_of_midnight(b"1969-12-31T00:00:00Z"), Some(-1));
    }

    #[test]
    fn garbage_is_refused() {
        for text in [
            "2024-01-01T",
            "2024-01-01T10:00",
            "2024-01-01T24:00:00Z",
            "2024-01-01X10:00:00",
            "2024-01-01T10:00:00.",
            "2024-01-01T10:00:00 Z",
            "2024-02-30T10:00:00Z",
            "now",
            "",
            "2024-01-01T10:00:00+2",
            "2024-01-01T10:00:61Z",
        ] {
            assert_eq!(utc(text), None, "{text}");
        }
    }
}
