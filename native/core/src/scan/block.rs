//! Sixteen bytes at a time.

use wide::u8x16;

/// How many bytes a block holds.
pub(crate) const BLOCK: usize = 16;

/// Sixteen bytes of input; its questions are answered with one bit for each byte, the first byte lowest.
#[derive(Clone, Copy)]
pub(crate) struct Block(u8x16);

impl Block {
    /// The sixteen bytes at `pos`, if there are as many.
    #[inline(always)]
    pub(crate) fn at(bytes: &[u8], pos: usize) -> Option<(Block, &[u8; BLOCK])> {
        let chunk = bytes.get(pos..)?.first_chunk::<BLOCK>()?;
        Some((Block(u8x16::new(*chunk)), chunk))
    }

    /// Bytes that end a plain run of a JSON string: quote, backslash, control character.
    #[inline(always)]
    pub(crate) fn string_stops(self) -> u32 {
        let quote = self.0.simd_eq(u8x16::splat(b'"'));
        let escape = self.0.simd_eq(u8x16::splat(b'\\'));
        let control = self.0.min(u8x16::splat(0x1F)).simd_eq(self.0);
        (quote | escape | control).to_bitmask()
    }

    /// Bytes that are not ASCII digits.
    #[inline(always)]
    pub(crate) fn non_digits(self) -> u32 {
        let offset = self.0 - u8x16::splat(b'0');
        !offset.min(u8x16::splat(9)).simd_eq(offset).to_bitmask() & 0xFFFF
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &[u8; BLOCK]) -> Block {
        Block::at(text, 0).expect("sixteen bytes").0
    }

    #[test]
    fn every_byte_is_classified() {
        for byte in 0..=255_u8 {
            let mut text = [b'5'; BLOCK];
            text[11] = byte;
            let stops = byte < 0x20 || byte == b'"' || byte == b'\\';
            assert_eq!(block(&text).string_stops(), u32::from(stops) << 11, "byte {byte}");
            assert_eq!(
                block(&text).non_digits(),
                u32::from(!byte.is_ascii_digit()) << 11,
                "byte {byte}"
            );
        }
    }

    #[test]
    fn a_short_rest_is_no_block() {
        assert!(Block::at(b"0123456789abcdef", 1).is_none());
        assert!(Block::at(b"0123456789abcdef", 99).is_none());
    }
}
