//! Numbers for `int64` columns.

use super::digits::value_of;
use super::literal::{Literal, Misfit};
use crate::fault::Fault;
use crate::scan::{BLOCK, Block, NEAR};

/// The integer of up to fifteen digits at the start of `near` and the length of its text; none for any other shape.
///
/// A sign is a jump, mostly predicted, and not a sum: the address of the digits need not wait for it.
#[inline(always)]
pub(crate) fn integer_fast(near: &[u8; NEAR]) -> Option<(i64, usize)> {
    if near[0] == b'-' { negative(near) } else { magnitude(near, 0) }
}

#[inline(never)]
fn negative(near: &[u8; NEAR]) -> Option<(i64, usize)> {
    magnitude(near, 1).map(|(value, length)| (-value, length))
}

/// Digits after `sign` bytes, and the length of both.
#[inline(always)]
fn magnitude(near: &[u8; NEAR], sign: usize) -> Option<(i64, usize)> {
    let chunk: &[u8; BLOCK] = near.get(sign..)?.first_chunk()?;
    let count = (Block::new(chunk).non_digits() | 1 << BLOCK).trailing_zeros() as usize;
    if count == 0 || count >= BLOCK || (chunk[0] == b'0' && count > 1) {
        return None;
    }
    if matches!(chunk[count], b'.' | b'e' | b'E') {
        return None;
    }
    let magnitude = if count <= 8 {
        value_of(chunk.first_chunk()?, count)
    } else {
        value_of(chunk.first_chunk()?, count - 8) * 100_000_000 + value_of(chunk.get(count - 8..)?.first_chunk()?, 8)
    };
    Some((magnitude as i64, sign + count))
}

/// Any number at `pos` that is an integer of 64 bits, however it is written.
#[cold]
pub(crate) fn integer(bytes: &[u8], pos: usize) -> Result<(i64, usize), Box<Fault>> {
    let literal = Literal::scan(bytes, pos)?;
    let value = literal.scaled(0).map_err(|misfit| match misfit {
        Misfit::Fraction => Fault::value("expected integer, got a number with a fraction"),
        Misfit::Magnitude => out_of_range(),
    })?;
    let value = i64::try_from(value).map_err(|_| out_of_range())?;
    Ok((value, literal.end))
}

#[cold]
fn out_of_range() -> Box<Fault> {
    Fault::value("integer out of range of 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fast(text: &str) -> Option<(i64, usize)> {
        integer_fast(format!("{text}, {}", "x".repeat(NEAR)).as_bytes().first_chunk()?)
    }

    #[test]
    fn both_paths_agree_on_every_length() {
        for length in 1..=15 {
            for sign in ["", "-"] {
                let text = format!("{sign}{}", &"987654321098765"[..length]);
                let expected = Some((text.parse().unwrap(), text.len()));
                assert_eq!(fast(&text), expected);
                assert_eq!(integer(text.as_bytes(), 0).ok(), expected);
            }
        }
    }

    #[test]
    fn unusual_shapes_are_left_to_the_general_path() {
        for text in ["1234567890123456", "5.0", "5e2", "007", "-", "x", "-007", "00"] {
            assert_eq!(fast(text), None, "{text}");
        }
        assert_eq!(fast("0"), Some((0, 1)));
    }

    #[test]
    fn integers_may_be_written_as_floats() {
        for (text, value) in [("5.0", 5), ("5e2", 500), ("1.5e1", 15), ("-0", 0), ("1E18", 10_i64.pow(18))] {
            assert_eq!(integer(text.as_bytes(), 0), Ok((value, text.len())));
        }
    }

    #[test]
    fn the_range_is_exactly_64_bits() {
        assert_eq!(integer(b"9223372036854775807", 0).unwrap().0, i64::MAX);
        assert_eq!(integer(b"-9223372036854775808", 0).unwrap().0, i64::MIN);
        for text in ["9223372036854775808", "-9223372036854775809", "1e400", "18446744073709551616"] {
            assert_eq!(integer(text.as_bytes(), 0).unwrap_err().reason(0), "integer out of range of 64 bits");
        }
        assert!(integer(b"5.5", 0).unwrap_err().reason(0).contains("fraction"));
    }
}
