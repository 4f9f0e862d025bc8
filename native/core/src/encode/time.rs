//! Dates, times of day and timestamps as the ISO 8601 text that strict readers accept.

use arrow_schema::TimeUnit;

use super::column::Cell;
use super::digits::PAIRS;
use super::out::Out;
use crate::fault::Fault;

const SECONDS_PER_DAY: i64 = 86_400;
/// 0000-01-01 and 9999-12-31 in days since 1970-01-01: what a four-digit year can say.
const FIRST_DAY: i64 = -719_528;
const LAST_DAY: i64 = 2_932_896;

/// Timestamps. A value with a zone is an instant in UTC, one without is written as if it were in
/// UTC as well, since strict readers refuse a date-time that has no offset.
pub(super) struct Timestamps<'a> {
    pub(super) values: &'a [i64],
    pub(super) unit: TimeUnit,
}

impl Cell for Timestamps<'_> {
    #[inline]
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        let (seconds, nanos) = split_units(self.values[row], self.unit);
        let date = date_text(seconds.div_euclid(SECONDS_PER_DAY))?;
        let time = clock_text(seconds.rem_euclid(SECONDS_PER_DAY) as u32);
        let mut text = *b"\"....-..-..T..:..:..";
        text[1..11].copy_from_slice(&date);
        text[12..20].copy_from_slice(&time);
        out.slice(&text);
        write_fraction(nanos, out);
        out.slice(b"+00:00\"");
        Ok(())
    }
}

/// Dates in days since the epoch.
pub(super) struct Dates<'a>(pub(super) &'a [i32]);

impl Cell for Dates<'_> {
    #[inline]
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        write_date(i64::from(self.0[row]), out)
    }
}

/// Dates in milliseconds since the epoch; Arrow allows whole days only.
pub(super) struct MillisecondDates<'a>(pub(super) &'a [i64]);

impl Cell for MillisecondDates<'_> {
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        write_date(self.0[row].div_euclid(SECONDS_PER_DAY * 1_000), out)
    }
}

/// Times of day.
pub(super) struct Times<'a, T> {
    pub(super) values: &'a [T],
    pub(super) unit: TimeUnit,
}

impl<T: Copy + Into<i64>> Cell for Times<'_, T> {
    #[inline]
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        let value: i64 = self.values[row].into();
        let (seconds, nanos) = split_units(value, self.unit);
        if !(0..SECONDS_PER_DAY).contains(&seconds) {
            return Err(Fault::value(format!("{value} is not a time of day")));
        }
        out.byte(b'"');
        out.slice(&clock_text(seconds as u32));
        write_fraction(nanos, out);
        out.byte(b'"');
        Ok(())
    }
}

/// Whole seconds, rounded down, and the nanoseconds above them.
#[inline]
fn split_units(value: i64, unit: TimeUnit) -> (i64, u32) {
    let (per_second, nanos_each) = match unit {
        TimeUnit::Second => (1, 1_000_000_000),
        TimeUnit::Millisecond => (1_000, 1_000_000),
        TimeUnit::Microsecond => (1_000_000, 1_000),
        TimeUnit::Nanosecond => (1_000_000_000, 1),
    };
    let nanos = value.rem_euclid(per_second) * nanos_each;
    (value.div_euclid(per_second), nanos as u32)
}

#[inline]
fn write_date(day: i64, out: &mut Out) -> Result<(), Box<Fault>> {
    let [a, b, c, d, e, f, g, h, i, j] = date_text(day)?;
    out.block(&[b'"', a, b, c, d, e, f, g, h, i, j, b'"']);
    Ok(())
}

/// `YYYY-MM-DD` of a day counted from 1970-01-01.
#[inline(always)]
fn date_text(day: i64) -> Result<[u8; 10], Box<Fault>> {
    if !(FIRST_DAY..=LAST_DAY).contains(&day) {
        return Err(no_date(day));
    }
    let (year, month, day) = civil((day - FIRST_DAY) as u32);
    let [c, d] = PAIRS[(year / 100) as usize];
    let [e, f] = PAIRS[(year % 100) as usize];
    let [g, h] = PAIRS[month as usize];
    let [i, j] = PAIRS[day as usize];
    Ok([c, d, e, f, b'-', g, h, b'-', i, j])
}

#[cold]
fn no_date(day: i64) -> Box<Fault> {
    Fault::value(format!("the day {day} (counted from 1970-01-01) is outside the years 0000 to 9999"))
}

/// Year, month and day of a day counted from 0000-01-01, in the proleptic Gregorian calendar.
/// The algorithm is "Euclidean affine functions and their application to calendar algorithms"
/// (Neri and Schneider 2022), which needs no table and no loop.
#[inline]
fn civil(day: u32) -> (u32, u32, u32) {
    // Counting from a 1st of March puts the leap day at the end; one era more keeps it unsigned.
    const ERA_DAYS: u32 = 146_097;
    let n = day + ERA_DAYS - 60;
    let n1 = 4 * n + 3;
    let century = n1 / ERA_DAYS;
    let day_of_century = n1 % ERA_DAYS / 4;
    let p2 = 2_939_745 * u64::from(4 * day_of_century + 3);
    let year_of_century = (p2 >> 32) as u32;
    let day_of_year = ((p2 & 0xffff_ffff) / 2_939_745 / 4) as u32;
    let n3 = 2_141 * day_of_year + 197_913;
    let in_next_year = day_of_year >= 306;
    let year = 100 * century + year_of_century + u32::from(in_next_year) - 400;
    let month = (n3 >> 16) - if in_next_year { 12 } else { 0 };
    (year, month, (n3 & 0xffff) / 2_141 + 1)
}

/// `HH:MM:SS` of a second of the day.
#[inline]
fn clock_text(second: u32) -> [u8; 8] {
    let [a, b] = PAIRS[(second / 3_600) as usize];
    let [c, d] = PAIRS[(second / 60 % 60) as usize];
    let [e, f] = PAIRS[(second % 60) as usize];
    [a, b, b':', c, d, b':', e, f]
}

/// `.ffffff` if there is a fraction; nine digits only if microseconds would lose some.
#[inline]
fn write_fraction(nanos: u32, out: &mut Out) {
    if nanos == 0 {
        return;
    }
    let [a, b] = PAIRS[(nanos / 10_000_000) as usize];
    let [c, d] = PAIRS[(nanos / 100_000 % 100) as usize];
    let [e, f] = PAIRS[(nanos / 1_000 % 100) as usize];
    out.slice(&[b'.', a, b, c, d, e, f]);
    let rest = nanos % 1_000;
    if rest != 0 {
        let [h, i] = PAIRS[(rest % 100) as usize];
        out.slice(&[b'0' + (rest / 100) as u8, h, i]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(cell: &dyn Cell) -> Result<String, String> {
        let mut out = Out::default();
        cell.write(0, &mut out).map_err(|fault| fault.reason(0))?;
        Ok(String::from_utf8_lossy(out.as_slice()).into_owned())
    }

    fn timestamp(value: i64, unit: TimeUnit) -> Result<String, String> {
        written(&Timestamps { values: &[value], unit })
    }

    #[test]
    fn timestamps_carry_a_fraction_only_if_there_is_one() {
        let us = TimeUnit::Microsecond;
        let base = 1_357_034_400_000_000;
        assert_eq!(timestamp(base, us).as_deref(), Ok("\"2013-01-01T10:00:00+00:00\""));
        assert_eq!(timestamp(base + 7, us).as_deref(), Ok("\"2013-01-01T10:00:00.000007+00:00\""));
        assert_eq!(timestamp(-1, us).as_deref(), Ok("\"1969-12-31T23:59:59.999999+00:00\""));
    }

    #[test]
    fn every_unit_means_the_same_instant() {
        let expected = "\"2001-09-09T01:46:40+00:00\"";
        for (unit, factor) in [
            (TimeUnit::Second, 1),
            (TimeUnit::Millisecond, 1_000),
            (TimeUnit::Microsecond, 1_000_000),
            (TimeUnit::Nanosecond, 1_000_000_000),
        ] {
            assert_eq!(timestamp(1_000_000_000 * factor, unit).as_deref(), Ok(expected));
        }
        let nanos = timestamp(1_000_000_000_000_000_042, TimeUnit::Nanosecond);
        assert_eq!(nanos.as_deref(), Ok("\"2001-09-09T01:46:40.000000042+00:00\""));
    }

    #[test]
    fn every_day_of_ten_thousand_years_follows_the_one_before() {
        let days_in = |year: u32, month: u32| match month {
            2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let mut expected = (0, 1, 1);
        for day in FIRST_DAY..=LAST_DAY {
            assert_eq!(civil((day - FIRST_DAY) as u32), expected, "day {day}");
            let (year, month, of_month) = expected;
            expected = match (month, of_month) {
                (12, 31) => (year + 1, 1, 1),
                _ if of_month == days_in(year, month) => (year, month + 1, 1),
                _ => (year, month, of_month + 1),
            };
        }
        assert_eq!(expected, (10_000, 1, 1));
    }

    #[test]
    fn days_outside_four_digit_years_are_refused() {
        for day in [FIRST_DAY - 1, LAST_DAY + 1] {
            let days = [day as i32];
            assert!(written(&Dates(&days)).is_err_and(|reason| reason.contains("0000 to 9999")));
        }
        assert!(timestamp(i64::MAX, TimeUnit::Second).is_err());
        assert!(timestamp(i64::MIN, TimeUnit::Second).is_err());
        assert_eq!(written(&Dates(&[FIRST_DAY as i32])).as_deref(), Ok("\"0000-01-01\""));
        assert_eq!(written(&MillisecondDates(&[LAST_DAY * 86_400_000])).as_deref(), Ok("\"9999-12-31\""));
    }

    #[test]
    fn times_of_day_end_before_midnight() {
        let micros = |value: i64| written(&Times { values: &[value], unit: TimeUnit::Microsecond });
        assert_eq!(micros(0).as_deref(), Ok("\"00:00:00\""));
        assert_eq!(micros(86_399_999_999).as_deref(), Ok("\"23:59:59.999999\""));
        assert!(micros(86_400_000_000).is_err());
        assert!(micros(-1).is_err());
        let seconds = Times { values: &[3_661i32], unit: TimeUnit::Second };
        assert_eq!(written(&seconds).as_deref(), Ok("\"01:01:01\""));
    }
}
