//! Runs of ASCII digits, eight at a time.

use crate::scan::{BLOCK, Block, NEAR};

/// The value of `count` (1 to 8) digits at the start of `text`; what follows them is ignored.
///
/// The eight bytes are read as one little-endian word. Shifting it left drops what follows the digits and puts zeros in
/// front of them; three multiplications then add up pairs, quadruples and the whole.
#[inline(always)]
pub(crate) fn value_of(text: &[u8; 8], count: usize) -> u64 {
    let word = (u64::from_le_bytes(*text) & 0x0F0F_0F0F_0F0F_0F0F) << (8 * (8 - count));
    let pairs = (word * 10) + (word >> 8);
    let low = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let high = ((pairs >> 16) & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    low.wrapping_add(high) >> 32
}

/// A number of up to eight digits before the point and eight after it, as most are.
pub(super) struct Short {
    pub(super) whole: u64,
    pub(super) fraction: u64,
    /// Digits after the point.
    pub(super) places: usize,
    /// How long the text is.
    pub(super) length: usize,
}

/// Reads an unsigned number without an exponent after `sign` bytes; none if it has another shape or breaks JSON's grammar.
#[inline(always)]
pub(super) fn short(near: &[u8; NEAR], sign: usize) -> Option<Short> {
    let chunk: &[u8; BLOCK] = near.get(sign..)?.first_chunk()?;
    let stops = Block::new(chunk).non_digits() | 1 << BLOCK;
    let whole_digits = stops.trailing_zeros() as usize;
    if whole_digits == 0 || whole_digits > 8 || (whole_digits > 1 && chunk[0] == b'0') {
        return None;
    }
    let whole = value_of(chunk.first_chunk()?, whole_digits);
    if chunk[whole_digits] != b'.' {
        let length = sign + whole_digits;
        return plain_end(chunk[whole_digits]).then_some(Short { whole, fraction: 0, places: 0, length });
    }
    let after = (stops & (stops - 1)).trailing_zeros() as usize;
    let places = after.wrapping_sub(whole_digits + 1);
    if places.wrapping_sub(1) >= 8 || after >= BLOCK || !plain_end(chunk[after]) {
        return None;
    }
    let fraction = value_of(near.get(sign + whole_digits + 1..)?.first_chunk()?, places);
    Some(Short { whole, fraction, places, length: sign + after })
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

    fn parts(text: &str) -> Option<(u64, u64, usize, usize)> {
        let padded = format!("{text}{}", ",".repeat(NEAR));
        short(padded.as_bytes().first_chunk()?, 0).map(|s| (s.whole, s.fraction, s.places, s.length))
    }

    #[test]
    fn short_numbers_come_apart_at_the_point() {
        assert_eq!(parts("0"), Some((0, 0, 0, 1)));
        assert_eq!(parts("12345678"), Some((12_345_678, 0, 0, 8)));
        assert_eq!(parts("21168.23"), Some((21_168, 23, 2, 8)));
        assert_eq!(parts("0.04"), Some((0, 4, 2, 4)));
        assert_eq!(parts("1234567.12345678"), None);
        assert_eq!(parts("123456.12345678"), Some((123_456, 12_345_678, 8, 15)));
    }

    #[test]
    fn other_shapes_are_left_to_the_general_path() {
        for text in ["123456789", "1.123456789", "01", "1.", ".5", "1e5", "1.5E5", "", "-1", "1.2.3", "00.5"] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
