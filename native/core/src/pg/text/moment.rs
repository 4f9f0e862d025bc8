//! Dates and times as text, among them those that no RFC 3339 has: infinite, of five digits' years, before Christ.

use super::super::policy::Context;
use super::malformed;
use crate::fault::Fault;
use crate::time::{MICROS_PER_DAY, Moment, moment, time_of_day};

/// 0001-01-01 and 9999-12-31, in days since 1970-01-01.
const FIRST_DAY: i32 = -719_162;
const LAST_DAY: i32 = 2_932_896;
const FIRST_MICRO: i64 = FIRST_DAY as i64 * MICROS_PER_DAY;
const LAST_MICRO: i64 = (LAST_DAY as i64 + 1) * MICROS_PER_DAY - 1;

/// Days since 1970-01-01.
pub(super) fn date(value: &[u8], context: &mut Context) -> Result<Option<i32>, Box<Fault>> {
    let midnight = |moment: &Moment| value.len() == 10 && moment.offset.is_none();
    match moment(value).filter(midnight) {
        Some(Moment { local, .. }) => Ok(Some(local.div_euclid(MICROS_PER_DAY) as i32)),
        None => context.outside(nearest(value, FIRST_DAY, LAST_DAY)?),
    }
}

/// Microseconds since 1970-01-01.
#[inline(always)]
pub(super) fn timestamp(value: &[u8], context: &mut Context) -> Result<Option<i64>, Box<Fault>> {
    match moment(value) {
        Some(moment) => context.within(moment.utc(), FIRST_MICRO, LAST_MICRO),
        None => context.outside(nearest(value, FIRST_MICRO, LAST_MICRO)?),
    }
}

/// Microseconds since midnight; PostgreSQL also knows the midnight at the end of the day.
pub(super) fn time(value: &[u8], context: &mut Context) -> Result<Option<i64>, Box<Fault>> {
    match time_of_day(value) {
        Some(micros) => Ok(Some(micros)),
        None if value == b"24:00:00" => context.outside(MICROS_PER_DAY - 1),
        None => Err(malformed("no time of day")),
    }
}

/// The end of the calendar that a date or timestamp is beyond.
#[cold]
fn nearest<T>(value: &[u8], first: T, last: T) -> Result<T, Box<Fault>> {
    let year = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match value {
        b"-infinity" => Ok(first),
        b"infinity" => Ok(last),
        _ if year >= 4 && value.get(year) == Some(&b'-') && value.ends_with(b" BC") => Ok(first),
        _ if year > 4 && value.get(year) == Some(&b'-') => Ok(last),
        _ => Err(malformed("no date that the session's datestyle would give: set it to ISO")),
    }
}
