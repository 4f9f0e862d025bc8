//! Runs of ASCII digits, eight at a time.

use crate::scan::{BLOCK, Block, NEAR};

const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The value of `count` (1 to 8) digits at the start of `text`; what follows them is ignored.
#[inline(always)]
pub(crate) fn value_of(text: &[u8; 8], count: usize) -> u64 {
    value_of_word(u64::from_le_bytes(*text), count)
}

/// The eight bytes are a little-endian word. Shifting it left drops what follows the digits and puts zeros in front of
/// them; three multiplications then add up pairs, quadruples and the whole.
#[inline(always)]
fn value_of_word(word: u64, count: usize) -> u64 {
    let word = (word & 0x0F0F_0F0F_0F0F_0F0F) << (8 * (8 - count));
    let pairs = (word * 10) + (word >> 8);
    let low = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let high = ((pairs >> 16) & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    low.wrapping_add(high) >> 32
}

/// The digits of a number of `length` (3 to 8) bytes with a point after the first `whole` of them.
#[inline(always)]
fn value_around_point(text: &[u8; 8], whole: usize, length: usize) -> u64 {
    let word = u64::from_le_bytes(*text);
    let before = (1 << (8 * whole)) - 1;
    value_of_word(word & before | word >> 8 & !before, length - 1)
}

/// A number of up to eight digits before the point and eight after it, as most are.
pub(super) struct Short {
    /// All digits, as if there were no point.
    pub(super) digits: u64,
    /// Digits after the point.
    pub(super) places: usize,
    /// How long the text is.
    pub(super) length: usize,
}

/// Reads an unsigned number without an exponent after `sign` bytes; none if it has another shape or breaks JSON's grammar.
#[inline(always)]
pub(super) fn short(near: &[u8; NEAR], sign: usize) -> Option<Short> {
    let chunk: &[u8; BLOCK] = near.get(sign..)?.first_chunk()?;
    let start: &[u8; 8] = chunk.first_chunk()?;
    let stops = Block::new(chunk).non_digits() | 1 << BLOCK;
    let whole = stops.trailing_zeros() as usize;
    if whole == 0 || whole > 8 || (whole > 1 && chunk[0] == b'0') {
        return None;
    }
    if chunk[whole] != b'.' {
        let length = sign + whole;
        return plain_end(chunk[whole]).then(|| Short { digits: value_of(start, whole), places: 0, length });
    }
    let after = (stops & (stops - 1)).trailing_zeros() as usize;
    let places = after.wrapping_sub(whole + 1);
    if places.wrapping_sub(1) >= 8 || after >= BLOCK || !plain_end(chunk[after]) {
        return None;
    }
    let digits = if after <= 8 {
        value_around_point(start, whole, after)
    } else {
        value_of(start, whole) * POWERS[places] + value_of(near.get(sign + whole + 1..)?.first_chunk()?, places)
    };
    Some(Short { digits, places, length: sign + after })
}

/// Whether a number that `next` follows is complete.
#[inline(always)]
fn plain_end(next: u8) -> bool {
    !matches!(next, b'e' | b'E' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_of_digits_has_its_value() {
        for count in 1..=8 {
            assert_eq!(value_of(b"98765432", count), "98765432"[..count].parse::<u64>().unwrap());
        }
        assert_eq!(value_of(b"7,\"x\": 1", 1), 7);
    }

    fn parts(text: &str) -> Option<(u64, usize, usize)> {
        let padded = format!("{text}{}", ",".repeat(NEAR));
        short(padded.as_bytes().first_chunk()?, 0).map(|s| (s.digits, s.places, s.length))
    }

    #[test]
    fn short_numbers_come_apart_at_the_point() {
        assert_eq!(parts("0"), Some((0, 0, 1)));
        assert_eq!(parts("12345678"), Some((12_345_678, 0, 8)));
        assert_eq!(parts("21168.23"), Some((2_116_823, 2, 8)));
        assert_eq!(parts("0.04"), Some((4, 2, 4)));
        assert_eq!(parts("1234567.12345678"), None);
        assert_eq!(parts("123456.12345678"), Some((12_345_612_345_678, 8, 15)));
    }

    #[test]
    fn the_point_may_be_anywhere() {
        for whole in 1..=8 {
            for places in 1..=8.min(14 - whole) {
                let text = format!("{}.{}", &"98765432"[..whole], &"13579246"[..places]);
                let digits = text.replace('.', "").parse().unwrap();
                assert_eq!(parts(&text), Some((digits, places, text.len())), "{text}");
            }
        }
    }

    #[test]
    fn other_shapes_are_left_to_the_general_path() {
        for text in ["123456789", "1.123456789", "01", "1.", ".5", "1e5", "1.5E5", "", "-1", "1.2.3", "00.5"] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
