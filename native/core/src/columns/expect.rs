//! Guessing the next key, and being told at once whether the guess was right.

use crate::scan::string_stop;

const WORDS: usize = 4;
const WINDOW: usize = WORDS * 8;
/// Longer ones (a page of white space) are not worth remembering.
const LONGEST: usize = 256;

/// The bytes between the end of one value and the start of the next, as they were last time: `, "name": `.
///
/// Taps write the same keys with the same white space in every record, so one comparison replaces finding the key's end,
/// resolving its escapes and looking it up. Up to 32 bytes are compared as four masked words: no call, one branch.
pub(crate) struct Expect {
    words: [u64; WORDS],
    masks: [u64; WORDS],
    /// What is beyond the window.
    rest: Box<[u8]>,
    length: usize,
}

impl Expect {
    /// Expects `text`; an empty one never matches.
    pub(crate) fn new(text: &[u8]) -> Expect {
        let text = if text.len() > LONGEST { &[] } else { text };
        let (mut window, mut mask) = ([0; WINDOW], [0; WINDOW]);
        // A bit outside the mask is never found.
        window[WINDOW - 1] = u8::from(text.is_empty());
        let head = text.len().min(WINDOW);
        window[..head].copy_from_slice(&text[..head]);
        mask[..head].fill(0xFF);
        Expect { words: words(&window), masks: words(&mask), rest: text[head..].into(), length: text.len() }
    }

    /// How a key is written by a program that puts a space after commas and colons, as Python's `json` does. A name that
    /// needs escapes could be mistaken for two members, so nothing is expected of it before it has been seen.
    pub(crate) fn key(name: &str) -> Expect {
        let plain = string_stop(name.as_bytes(), 0) == name.len();
        Expect::new(if plain { format!(", \"{name}\": ") } else { String::new() }.as_bytes())
    }

    /// The position after the expected bytes, if they are at `pos`. More white space than last time may follow.
    #[inline(always)]
    pub(crate) fn after(&self, bytes: &[u8], pos: usize) -> Option<usize> {
        let found = match bytes.get(pos..).and_then(|rest| rest.first_chunk::<WINDOW>()) {
            Some(window) => self.begins(window) && (self.rest.is_empty() || self.continues(bytes, pos)),
            None => self.fits(bytes, pos),
        };
        found.then_some(pos + self.length)
    }

    #[inline(always)]
    fn begins(&self, window: &[u8; WINDOW]) -> bool {
        let found = words(window);
        let difference = |index: usize| (found[index] & self.masks[index]) ^ self.words[index];
        difference(0) | difference(1) | difference(2) | difference(3) == 0
    }

    fn continues(&self, bytes: &[u8], pos: usize) -> bool {
        bytes.get(pos + WINDOW..).is_some_and(|rest| rest.starts_with(&self.rest))
    }

    /// The comparison near the end of the buffer, where there is no whole window left.
    #[cold]
    fn fits(&self, bytes: &[u8], pos: usize) -> bool {
        let mut window = [0; WINDOW];
        let rest = bytes.get(pos..).unwrap_or_default();
        window[..rest.len().min(WINDOW)].copy_from_slice(&rest[..rest.len().min(WINDOW)]);
        rest.len() >= self.length && self.begins(&window)
    }
}

#[inline(always)]
fn words(window: &[u8; WINDOW]) -> [u64; WORDS] {
    let (chunks, _) = window.as_chunks::<8>();
    [0, 1, 2, 3].map(|index| u64::from_le_bytes(chunks[index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_length_match_themselves_only() {
        for length in 1..80 {
            let text = "k".repeat(length);
            let expect = Expect::new(text.as_bytes());
            for padding in [0, 1, 40] {
                let line = format!("ab{text}{}", "x".repeat(padding));
                assert_eq!(expect.after(line.as_bytes(), 2), Some(2 + length));
                for at in 2..2 + length {
                    let mut other = line.clone().into_bytes();
                    other[at] = b'!';
                    assert_eq!(expect.after(&other, 2), None);
                }
            }
            assert_eq!(expect.after(&text.as_bytes()[1..], 0), None);
        }
    }

    #[test]
    fn nothing_is_expected_of_an_empty_text() {
        assert_eq!(Expect::new(b"").after(b"abc", 0), None);
        assert_eq!(Expect::new(&[b' '; LONGEST + 1]).after(&[b' '; 999], 0), None);
    }

    #[test]
    fn a_name_is_never_taken_for_two_members() {
        assert_eq!(Expect::key("a\": 1, \"b").after(br#", "a": 1, "b": 2"#, 0), None);
        assert_eq!(Expect::key("a").after(br#", "a": 1, "b": 2"#, 0), Some(7));
    }
}
