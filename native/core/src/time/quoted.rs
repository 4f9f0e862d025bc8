//! Dates and moments as most taps write them, with their quotes, at fixed places.

use super::clock::seconds;
use super::date::days;
use super::moment::Moment;
use super::{MICROS_PER_DAY, MICROS_PER_SECOND, all_digits, pairs};
use crate::number::value_of;
use crate::scan::{BLOCK, Block, NEAR};

/// Where the fraction of a second begins.
const FRACTION: usize = "\"YYYY-MM-DDTHH:MM:SS.".len();

/// The date in quotes at the start of `near` and the length of its text; none for any other form.
#[inline(always)]
pub(crate) fn date_fast(near: &[u8; NEAR]) -> Option<(i32, usize)> {
    if near[0] != b'"' || near[11] != b'"' {
        return None;
    }
    Some((days(near[1..].first_chunk()?)?, 12))
}

/// The date-time in quotes at the start of `near` and the length of its text; none for a rarer form.
#[inline(always)]
pub(crate) fn moment_fast(near: &[u8; NEAR]) -> Option<(Moment, usize)> {
    if near[0] != b'"' || !matches!(near[11], b'T' | b' ') {
        return None;
    }
    let day = i64::from(days(near[1..].first_chunk()?)?);
    let second = i64::from(seconds(near[12..].first_chunk()?)?);
    let (micros, end) = if near[FRACTION - 1] == b'.' { fraction(near)? } else { (0, FRACTION - 1) };
    let (offset, end) = offset(near, end)?;
    let local = day * MICROS_PER_DAY + second * MICROS_PER_SECOND + micros;
    (near[end] == b'"').then_some((Moment { local, offset }, end + 1))
}

/// Microseconds of one to nine digits, and where they end.
#[inline(always)]
fn fraction(near: &[u8; NEAR]) -> Option<(i64, usize)> {
    let digits: &[u8; BLOCK] = near[FRACTION..].first_chunk()?;
    let count = (Block::new(digits).non_digits() | 1 << BLOCK).trailing_zeros() as usize;
    let kept = count.min(6);
    if count == 0 || count > 9 {
        return None;
    }
    const MICROS: [i64; 7] = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
    Some((value_of(digits.first_chunk()?, kept) as i64 * MICROS[kept], FRACTION + count))
}

/// The offset at `pos`, in seconds, and where it ends.
#[inline(always)]
fn offset(near: &[u8; NEAR], pos: usize) -> Option<(Option<i32>, usize)> {
    let sign = match near[pos] {
        b'Z' => return Some((Some(0), pos + 1)),
        b'"' => return Some((None, pos)),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let &[h1, h2, colon, m1, m2] = near.get(pos + 1..)?.first_chunk()?;
    let digits = u64::from_le_bytes([h1, h2, m1, m2, b'0', b'0', b'0', b'0']);
    let [hours, minutes, ..] = pairs(digits);
    let valid = all_digits(digits) && hours < 24 && minutes < 60 && colon == b':';
    valid.then_some((Some(sign * (hours * 3600 + minutes * 60) as i32), pos + 6))
}

#[cfg(test)]
mod tests {
    use super::super::{date_of_midnight, moment};
    use super::*;

    fn near(text: &str) -> [u8; NEAR] {
        let padded = format!("\"{text}\"{}", ",".repeat(NEAR));
        *padded.as_bytes().first_chunk().expect("enough")
    }

    #[test]
    fn what_is_read_is_what_the_general_path_reads() {
        let mut read = 0;
        for day in ["2024-02-29", "1969-12-31", "2023-02-29", "2024-13-01", "20240-1-1"] {
            assert_eq!(date_fast(&near(day)).map(|(days, _)| days), date_of_midnight(day.as_bytes()), "{day}");
            for clock in ["T12:34:56", " 00:00:00", "T24:00:00", "t12:34:56", "T12:34", "T12:34:5x"] {
                for fraction in ["", ".1", ".120", ".123456", ".123456789", ".1234567891", ".", ".x"] {
                    for offset in ["", "Z", "z", "+02:00", "-05:30", "+0530", "+01", "+24:00", "-01:60", "+a1:00", " Z"]
                    {
                        let text = format!("{day}{clock}{fraction}{offset}");
                        if let Some((found, length)) = moment_fast(&near(&text)) {
                            assert_eq!((Some(found), length), (moment(text.as_bytes()), text.len() + 2), "{text}");
                            read += 1;
                        }
                    }
                }
            }
        }
        assert_eq!(read, 2 * 2 * 5 * 4, "good days, good clocks, good fractions, usual offsets");
    }
}
