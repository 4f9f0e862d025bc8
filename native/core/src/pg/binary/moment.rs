//! Days and microseconds since 2000-01-01; the ends of the integers are the infinities.

use super::super::policy::Context;
use super::super::wire::{exactly, malformed};
use crate::fault::Fault;
use crate::time::{MICROS_PER_DAY, MICROS_PER_SECOND};

/// From 1970-01-01 to 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * MICROS_PER_DAY;

/// 0001-01-01 and 9999-12-31.
const FIRST_DAY: i32 = -719_162 - EPOCH_DAYS;
const LAST_DAY: i32 = 2_932_896 - EPOCH_DAYS;
const FIRST_MICRO: i64 = FIRST_DAY as i64 * MICROS_PER_DAY;
const LAST_MICRO: i64 = (LAST_DAY as i64 + 1) * MICROS_PER_DAY - 1;

/// Days since 1970-01-01.
#[inline(always)]
pub(super) fn date(value: &[u8], context: &mut Context) -> Result<Option<i32>, Box<Fault>> {
    let days = i32::from_be_bytes(exactly(value)?);
    Ok(context.within(days, FIRST_DAY, LAST_DAY)?.map(|days| days + EPOCH_DAYS))
}

/// Microseconds since 1970-01-01.
#[inline(always)]
pub(super) fn timestamp(value: &[u8], context: &mut Context) -> Result<Option<i64>, Box<Fault>> {
    let micros = i64::from_be_bytes(exactly(value)?);
    Ok(context.within(micros, FIRST_MICRO, LAST_MICRO)?.map(|micros| micros + EPOCH_MICROS))
}

/// Microseconds since midnight; PostgreSQL also knows the midnight at the end of the day.
pub(super) fn time(value: &[u8], context: &mut Context) -> Result<Option<i64>, Box<Fault>> {
    let micros = i64::from_be_bytes(exactly(value)?);
    if !(0..=24 * 3600 * MICROS_PER_SECOND).contains(&micros) {
        return Err(malformed("a time outside the day"));
    }
    context.within(micros, 0, MICROS_PER_DAY - 1)
}
