//! Hashing of property names.

use std::hash::Hasher;

/// Multiply and fold, eight bytes at a time. Names come from a SCHEMA and are few, so speed counts and nothing else.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl KeyHasher {
    #[inline(always)]
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0x9E37_79B9_7F4A_7C15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

impl Hasher for KeyHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        self.mix(rest.iter().fold(bytes.len() as u64, |word, &byte| word << 8 | u64::from(byte)));
    }

    #[inline]
    fn write_usize(&mut self, _length: usize) {}

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_names_hash_apart() {
        let hashes: std::collections::HashSet<u64> = (0..10_000)
            .map(|index| {
                let mut hasher = KeyHasher::default();
                hasher.write(format!("string_property_{index:03}").as_bytes());
                hasher.finish()
            })
            .collect();
        assert_eq!(hashes.len(), 10_000);
    }
}
