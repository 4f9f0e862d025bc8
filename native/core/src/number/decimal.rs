//! Numbers for `decimal128` columns. No digit passes through a float.

use super::POWERS;
use super::digits::short;
use crate::scan::NEAR;

/// A short number at the start of `near` as units of ten to the minus `scale`, and the length of its text.
#[inline(always)]
pub(crate) fn decimal_fast(near: &[u8; NEAR], scale: usize) -> Option<(i128, usize)> {
    if near[0] == b'-' { negative(near, scale) } else { magnitude(near, 0, scale) }
}

#[inline(never)]
fn negative(near: &[u8; NEAR], scale: usize) -> Option<(i128, usize)> {
    magnitude(near, 1, scale).map(|(value, length)| (-value, length))
}

/// The number after `sign` bytes, and the length of both.
#[inline(always)]
fn magnitude(near: &[u8; NEAR], sign: usize, scale: usize) -> Option<(i128, usize)> {
    let number = short(near, sign)?;
    let places = scale.checked_sub(number.places)?;
    if scale > 22 {
        return None;
    }
    let value = i128::from(number.digits) * POWERS[places];
    Some((value, number.length))
}

/// Whether `value` has at most `precision` digits.
#[inline(always)]
pub(crate) fn fits(value: i128, precision: u8) -> bool {
    value.unsigned_abs() < POWERS[usize::from(precision)].unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fast(text: &str, scale: usize) -> Option<i128> {
        decimal_fast(format!("{text}, {}", "x".repeat(NEAR)).as_bytes().first_chunk()?, scale).map(|(value, _)| value)
    }

    #[test]
    fn digits_are_scaled_not_rounded() {
        assert_eq!(fast("21168.23", 2), Some(2_116_823));
        assert_eq!(fast("-0.05", 9), Some(-50_000_000));
        assert_eq!(fast("7", 4), Some(70_000));
        assert_eq!(fast("0.123", 2), None);
        assert_eq!(fast("1", 30), None);
    }

    #[test]
    fn precision_counts_all_digits() {
        assert!(fits(999, 3) && fits(-999, 3) && !fits(1000, 3) && !fits(-1000, 3));
        assert!(fits(POWERS[38] - 1, 38) && !fits(POWERS[38], 38));
    }
}
