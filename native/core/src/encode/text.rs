//! JSON strings: escaped where JSON demands it, copied as they are otherwise.

use wide::u8x16;

use super::out::Out;

const BLOCK: usize = 32;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `text` as a quoted JSON string. Non-ASCII is left as it is.
pub(super) fn write_string(text: &[u8], out: &mut Out) {
    out.byte(b'"');
    write_escaped(text, out);
    out.byte(b'"');
}

/// Appends `values[start..end]` as a quoted JSON string.
///
/// Most strings are short and lie inside a longer buffer: such a one is checked and copied as a
/// whole block, of which the surplus is cut again.
#[inline]
pub(super) fn write_string_at(values: &[u8], start: usize, end: usize, out: &mut Out) {
    let len = end - start;
    if len <= BLOCK
        && let Some(block) = values.get(start..).and_then(<[u8]>::first_chunk::<BLOCK>)
        && u64::from(specials(block)) & ((1 << len) - 1) == 0
    {
        out.byte(b'"');
        out.prefix(block, len);
        out.byte(b'"');
        return;
    }
    write_string(&values[start..end], out);
}

/// The string as a quoted JSON literal, for text that is written once per schema.
pub(super) fn quoted(text: &str) -> Vec<u8> {
    let mut out = Out::default();
    write_string(text.as_bytes(), &mut out);
    out.as_slice().to_vec()
}

/// One bit for each byte that needs an escape, the first byte lowest.
#[inline]
fn specials(block: &[u8; BLOCK]) -> u32 {
    let (halves, _) = block.as_chunks::<16>();
    halves.iter().rev().fold(0, |mask, half| mask << 16 | specials_of_half(*half))
}

#[inline]
fn specials_of_half(half: [u8; 16]) -> u32 {
    let bytes = u8x16::new(half);
    let quote = bytes.simd_eq(u8x16::splat(b'"'));
    let backslash = bytes.simd_eq(u8x16::splat(b'\\'));
    let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    (quote | backslash | control).to_bitmask()
}

fn write_escaped(text: &[u8], out: &mut Out) {
    let mut pos = 0;
    while let Some(block) = text.get(pos..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        let specials = specials(block);
        if specials == 0 {
            out.block(block);
            pos += BLOCK;
            continue;
        }
        let clean = specials.trailing_zeros() as usize;
        out.prefix(block, clean);
        write_escape(block[clean], out);
        pos += clean + 1;
    }
    write_rest(&text[pos..], out);
}

/// Fewer bytes than a block, padded to one.
fn write_rest(text: &[u8], out: &mut Out) {
    let mut block = [b' '; BLOCK];
    block[..text.len()].copy_from_slice(text);
    if specials(&block) == 0 {
        return out.prefix(&block, text.len());
    }
    for &byte in text {
        if is_special(byte) { write_escape(byte, out) } else { out.byte(byte) }
    }
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[cold]
fn write_escape(byte: u8, out: &mut Out) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let high = HEX[usize::from(byte >> 4)];
            let low = HEX[usize::from(byte & 0xf)];
            out.slice(&[b'\\', b'u', b'0', b'0', high, low]);
            return;
        }
    };
    out.slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> String {
        String::from_utf8(quoted(text)).unwrap_or_default()
    }

    #[test]
    fn escapes_are_the_short_ones_where_json_has_them() {
        assert_eq!(string("a\"b\\c\n\r\t\u{8}\u{c}"), r#""a\"b\\c\n\r\t\b\f""#);
        assert_eq!(string("\0\u{1f}\u{7f}"), "\"\\u0000\\u001f\u{7f}\"");
    }

    #[test]
    fn non_ascii_is_left_as_it_is() {
        assert_eq!(string("žluťoučký 🦀 \u{2028}"), "\"žluťoučký 🦀 \u{2028}\"");
    }

    #[test]
    fn a_special_byte_is_escaped_at_every_place_of_every_length() {
        for len in 1..100 {
            for place in 0..len {
                let mut text = "x".repeat(len);
                text.replace_range(place..=place, "\"");
                let expected = format!("\"{}\\\"{}\"", "x".repeat(place), "x".repeat(len - place - 1));
                assert_eq!(string(&text), expected, "length {len}");
            }
            assert_eq!(string(&"x".repeat(len)), format!("\"{}\"", "x".repeat(len)));
        }
    }

    #[test]
    fn what_follows_a_string_in_its_buffer_does_not_matter() {
        let mut values = b"abc\"\n".to_vec();
        values.resize(100, b'"');
        for end in 0..5 {
            let mut out = Out::default();
            write_string_at(&values, 0, end, &mut out);
            let expected = quoted(std::str::from_utf8(&values[..end]).unwrap_or_default());
            assert_eq!(out.as_slice(), expected);
        }
    }
}
