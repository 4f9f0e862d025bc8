//! Dates and times as taps write them: RFC 3339 and its near relations.
//!
//! All functions take the text without its quotes and return none for anything that is not such a date or time, or that
//! no calendar has.

mod clock;
mod date;
mod moment;
mod quoted;

pub(crate) use clock::time_of_day;
pub(crate) use moment::{Moment, date_of_midnight, moment};
pub(crate) use quoted::{date_fast, moment_fast};

pub(crate) const MICROS_PER_SECOND: i64 = 1_000_000;
pub(crate) const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// Whether all eight bytes of `word` are ASCII digits.
#[inline(always)]
fn all_digits(word: u64) -> bool {
    let above = word.wrapping_add(0x4646_4646_4646_4646);
    let below = word.wrapping_sub(0x3030_3030_3030_3030);
    (above | below) & 0x8080_8080_8080_8080 == 0
}

/// Four two-digit numbers, the first two of `word` lowest.
#[inline(always)]
fn pairs(word: u64) -> [u32; 4] {
    let digits = word & 0x0F0F_0F0F_0F0F_0F0F;
    let pairs = digits * 10 + (digits >> 8);
    let pair = |shift: u32| (pairs >> shift) as u32 & 0xFF;
    [pair(0), pair(16), pair(32), pair(48)]
}
