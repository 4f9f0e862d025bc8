//! Sixteen or thirty-two bytes at a time.

use wide::u8x16;

/// How many bytes a block holds.
pub(crate) const BLOCK: usize = 16;
/// How many bytes a run of text is searched by.
pub(crate) const STRIDE: usize = 2 * BLOCK;

/// Sixteen bytes of input; its questions are answered with one bit for each byte, the first byte lowest.
#[derive(Clone, Copy)]
pub(crate) struct Block(u8x16);

impl Block {
    #[inline(always)]
    pub(crate) fn new(chunk: &[u8; BLOCK]) -> Block {
        Block(u8x16::new(*chunk))
    }

    /// Bytes that end a plain run of a JSON string: quote, backslash, control character.
    #[inline(always)]
    fn string_stops(self) -> u32 {
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

/// Which of thirty-two bytes end a plain run of a JSON string.
#[inline(always)]
pub(crate) fn string_stops(chunk: &[u8; STRIDE]) -> u32 {
    let (blocks, _) = chunk.as_chunks::<BLOCK>();
    Block::new(&blocks[0]).string_stops() | Block::new(&blocks[1]).string_stops() << BLOCK
}

/// The thirty-two bytes at `pos`, if there are as many, and which of them end a plain run of a JSON string.
#[inline(always)]
pub(crate) fn stride(bytes: &[u8], pos: usize) -> Option<(u32, &[u8; STRIDE])> {
    let chunk = bytes.get(pos..)?.first_chunk::<STRIDE>()?;
    Some((string_stops(chunk), chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_classified() {
        for byte in 0..=255_u8 {
            for at in [0, 11, 15, 16, 31] {
                let mut text = [b'5'; STRIDE];
                text[at] = byte;
                let (stops, _) = stride(&text, 0).expect("thirty-two bytes");
                let is_stop = byte < 0x20 || byte == b'"' || byte == b'\\';
                assert_eq!(stops, u32::from(is_stop) << at, "byte {byte} at {at}");
                let block = Block::new(&text.as_chunks().0[at / BLOCK]);
                let expected = u32::from(!byte.is_ascii_digit()) << (at % BLOCK);
                assert_eq!(block.non_digits(), expected, "byte {byte} at {at}");
            }
        }
    }

    #[test]
    fn a_short_rest_is_no_block() {
        assert!(stride(&[0; STRIDE], 1).is_none() && stride(&[0; STRIDE], 99).is_none());
    }
}
