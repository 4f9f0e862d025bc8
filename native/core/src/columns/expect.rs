//! Guessing the next key, and being told at once whether the guess was right.

use wide::u8x16;

use crate::scan::{BLOCK, Here, NEAR, string_stop};

/// Longer ones (a page of white space) are not worth remembering.
const LONGEST: usize = 256;

/// The bytes between the end of one value and the start of the next, as they were last time: `, "name": `.
///
/// Taps write the same keys with the same white space in every record, so one comparison replaces finding the key's end,
/// resolving its escapes and looking it up. What fits into the blocks is compared masked: no call, one branch.
pub(crate) struct Guess<const BLOCKS: usize> {
    blocks: [u8x16; BLOCKS],
    masks: [u8x16; BLOCKS],
    /// What is beyond the window.
    rest: Box<[u8]>,
    length: usize,
}

/// For what is between members: 32 bytes.
pub(crate) type Expect = Guess<2>;
/// For how a line begins: all that is near.
pub(crate) type Opening = Guess<4>;

impl<const BLOCKS: usize> Guess<BLOCKS> {
    const WINDOW: usize = BLOCKS * BLOCK;

    /// Expects `text`; an empty one never matches.
    pub(crate) fn new(text: &[u8]) -> Self {
        let text = if text.len() > LONGEST { &[] } else { text };
        let (mut window, mut mask) = ([0; NEAR], [0; NEAR]);
        // A bit outside the mask is never found.
        window[0] = u8::from(text.is_empty());
        let head = text.len().min(Self::WINDOW);
        window[..head].copy_from_slice(&text[..head]);
        mask[..head].fill(0xFF);
        Guess { blocks: blocks(&window), masks: blocks(&mask), rest: text[head..].into(), length: text.len() }
    }

    /// The position after the expected bytes, if they are here. More white space than last time may follow.
    #[inline(always)]
    pub(crate) fn after(&self, here: Here) -> Option<usize> {
        let found = self.begins(here.near) && (self.rest.is_empty() || self.continues(here.bytes, here.pos));
        found.then_some(here.pos + self.length)
    }

    #[inline(always)]
    fn begins(&self, near: &[u8; NEAR]) -> bool {
        let (found, _) = near.as_chunks::<BLOCK>();
        let mut same = u8x16::MAX;
        for ((found, mask), block) in found.iter().zip(&self.masks).zip(&self.blocks) {
            same &= (u8x16::new(*found) & *mask).simd_eq(*block);
        }
        same.to_bitmask() == 0xFFFF
    }

    #[inline(never)]
    fn continues(&self, bytes: &[u8], pos: usize) -> bool {
        bytes.get(pos + Self::WINDOW..).is_some_and(|rest| rest.starts_with(&self.rest))
    }
}

impl Expect {
    /// How a key is written by a program that puts a space after commas and colons, as Python's `json` does. A name that
    /// needs escapes could be mistaken for two members, so nothing is expected of it before it has been seen.
    pub(crate) fn key(name: &str) -> Expect {
        let plain = string_stop(name.as_bytes(), 0) == name.len();
        Expect::new(if plain { format!(", \"{name}\": ") } else { String::new() }.as_bytes())
    }
}

fn blocks<const BLOCKS: usize>(window: &[u8; NEAR]) -> [u8x16; BLOCKS] {
    let (chunks, _) = window.as_chunks::<BLOCK>();
    std::array::from_fn(|index| u8x16::new(chunks[index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(text: &str) -> Vec<u8> {
        format!("{text}{}", "-".repeat(NEAR)).into_bytes()
    }

    #[test]
    fn keys_of_every_length_match_themselves_only() {
        for length in 1..80 {
            let text = "k".repeat(length);
            let expect = Expect::new(text.as_bytes());
            let line = padded(&text);
            assert_eq!(expect.after(Here::at(&line, 0)), Some(length));
            assert_eq!(expect.after(Here::at(&line, 1)), None);
            for at in 0..length {
                let mut other = line.clone();
                other[at] = b'!';
                assert_eq!(expect.after(Here::at(&other, 0)), None);
            }
            assert_eq!(expect.after(Here::at(&text.as_bytes()[..length - 1], 0)), None);
        }
    }

    #[test]
    fn nothing_is_expected_of_an_empty_text() {
        assert_eq!(Expect::new(b"").after(Here::at(&padded("abc"), 0)), None);
        assert_eq!(Expect::new(&[b' '; LONGEST + 1]).after(Here::at(&[b' '; 999], 0)), None);
    }

    #[test]
    fn a_name_is_never_taken_for_two_members() {
        let line = padded(r#", "a": 1, "b": 2"#);
        assert_eq!(Expect::key("a\": 1, \"b").after(Here::at(&line, 0)), None);
        assert_eq!(Expect::key("a").after(Here::at(&line, 0)), Some(7));
    }
}
