//! Numbers for `decimal128` columns. No digit passes through a float.

use super::POWERS;
use super::digits::short;

/// A short number at `pos` as an integer of units of ten to the minus `scale`, and the position after it.
#[inline(always)]
pub(crate) fn decimal_fast(bytes: &[u8], pos: usize, scale: usize) -> Option<(i128, usize)> {
    let negative = bytes.get(pos) == Some(&b'-');
    let number = short(bytes, pos + usize::from(negative))?;
    let places = scale.checked_sub(number.places)?;
    if scale > 22 {
        return None;
    }
    let value = i128::from(number.whole) * POWERS[scale] + i128::from(number.fraction) * POWERS[places];
    Some((if negative { -value } else { value }, number.end))
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
        decimal_fast(format!("{text}, {}", "x".repeat(32)).as_bytes(), 0, scale).map(|(value, _)| value)
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
