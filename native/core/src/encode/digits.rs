//! Decimal digits of small numbers.

/// The first number that has more than eight digits.
pub(super) const EIGHT_DIGITS: u64 = 100_000_000;

/// `00` to `99`.
pub(super) const PAIRS: [[u8; 2]; 100] = two_digit_texts();

const fn two_digit_texts() -> [[u8; 2]; 100] {
    let mut pairs = [[0; 2]; 100];
    let mut n = 0;
    while n < 100 {
        pairs[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    pairs
}

const ZEROS: u64 = u64::from_le_bytes(*b"00000000");

/// The digits of a number below 10^8, first digit in the lowest byte.
///
/// The number is halved into four digits each, those into pairs, those into digits: three steps, in each of which one
/// multiplication divides all parts at once.
#[inline(always)]
fn digits(value: u32) -> u64 {
    let fours = u64::from(value / 10_000) | u64::from(value % 10_000) << 32;
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let pairs = hundreds | (fours - 100 * hundreds) << 16;
    let tens = ((pairs * 103) >> 10) & 0x000F_000F_000F_000F;
    tens | (pairs - 10 * tens) << 8
}

/// The eight digits of a number below 10^8, zeros in front.
#[inline(always)]
pub(super) fn padded_text(value: u32) -> [u8; 8] {
    (digits(value) | ZEROS).to_le_bytes()
}

/// A number below 10^8 at the start of a block, and how long it is.
#[inline(always)]
pub(super) fn short_text(value: u32) -> ([u8; 8], usize) {
    let digits = digits(value);
    // The last digit counts even if it is a zero.
    let zeros = (digits | 1 << 56).trailing_zeros() / 8;
    (((digits | ZEROS) >> (8 * zeros)).to_le_bytes(), 8 - zeros as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_up_to_eight_digits_are_what_the_standard_library_writes() {
        let near_powers = (0..=8).flat_map(|power| {
            let power = 10_u32.pow(power);
            [power - 1, power, power + 1, power * 7]
        });
        for value in (0..200_000).chain((0..100_000_000).step_by(9_973)).chain(near_powers).filter(|v| *v < 100_000_000)
        {
            let (text, len) = short_text(value);
            assert_eq!(text[..len], *value.to_string().as_bytes());
            assert_eq!(padded_text(value), *format!("{value:08}").as_bytes());
        }
    }
}
