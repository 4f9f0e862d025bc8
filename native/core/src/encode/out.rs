//! The output buffer: a byte vector with appends that compile to a few stores.

/// Bytes under construction. One `Out` is reused for every batch of an encoder, so it stops
/// allocating once it has seen the largest batch.
#[derive(Debug, Default)]
pub(super) struct Out {
    bytes: Vec<u8>,
}

impl Out {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    #[inline]
    pub(super) fn slice(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a whole block.
    #[inline]
    pub(super) fn block<const N: usize>(&mut self, block: &[u8; N]) {
        self.bytes.extend_from_slice(block);
    }

    /// Appends the first `len` bytes of `block`. Copying the whole block and cutting the surplus
    /// is a handful of vector stores; copying exactly `len` bytes would be a call to `memcpy`.
    #[inline]
    pub(super) fn prefix<const N: usize>(&mut self, block: &[u8; N], len: usize) {
        let end = self.bytes.len() + len;
        self.bytes.extend_from_slice(block);
        self.bytes.truncate(end);
    }
}

/// Text that is appended for every row, padded to whole blocks.
#[derive(Debug, Clone)]
pub(super) struct Literal {
    first: [u8; Literal::BLOCK],
    others: Vec<[u8; Literal::BLOCK]>,
    /// How much of the last block counts.
    last: usize,
}

impl Literal {
    const BLOCK: usize = 32;

    pub(super) fn new(mut text: Vec<u8>) -> Literal {
        let blocks = text.len().div_ceil(Literal::BLOCK).max(1);
        let last = text.len() - (blocks - 1) * Literal::BLOCK;
        text.resize(blocks * Literal::BLOCK, 0);
        let (blocks, _) = text.as_chunks();
        Literal { first: blocks[0], others: blocks[1..].to_vec(), last }
    }

    #[inline(always)]
    pub(super) fn write(&self, out: &mut Out) {
        if self.others.is_empty() { out.prefix(&self.first, self.last) } else { self.write_long(out) }
    }

    #[inline(never)]
    fn write_long(&self, out: &mut Out) {
        let Some((end, middle)) = self.others.split_last() else { return };
        out.block(&self.first);
        middle.iter().for_each(|block| out.block(block));
        out.prefix(end, self.last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_of_a_block_is_appended_and_the_rest_is_not() {
        let mut out = Out::default();
        out.slice(b"x=");
        out.prefix(b"12345678", 3);
        out.byte(b';');
        assert_eq!(out.as_slice(), b"x=123;");
    }

    #[test]
    fn literals_of_every_length_are_written_whole() {
        for len in [0, 1, 31, 32, 33, 100] {
            let text: Vec<u8> = (0..len).map(|i| b'a' + (i % 26)).collect();
            let mut out = Out::default();
            Literal::new(text.clone()).write(&mut out);
            out.byte(b'|');
            assert_eq!(out.as_slice(), [text.as_slice(), b"|"].concat());
        }
    }
}
