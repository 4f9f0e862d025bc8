//! JSON strings: what escapes stand for.

use super::text::copy_run;
use crate::fault::{Fault, Parsed};

/// Appends the rest of a string to `out`, from `pos` inside it to its closing quote, and returns the position after that.
///
/// A surrogate without its partner becomes U+FFFD: Arrow's strings are UTF-8, which has no form for it. On a fault `out`
/// may hold a part of the string.
pub(crate) fn unescape(bytes: &[u8], mut pos: usize, out: &mut Vec<u8>) -> Parsed {
    loop {
        let stop = copy_run(bytes, pos, out);
        match bytes.get(stop) {
            Some(b'"') => return Ok(stop + 1),
            Some(b'\\') => pos = escape(bytes, stop, out)?,
            _ => return Err(Fault::syntax(stop, "the end of a string")),
        }
    }
}

/// Appends what the escape at `pos` stands for.
#[inline]
fn escape(bytes: &[u8], pos: usize, out: &mut Vec<u8>) -> Parsed {
    let Some(&letter) = bytes.get(pos + 1) else {
        return Err(Fault::syntax(pos + 1, "an escape"));
    };
    match SIMPLE[usize::from(letter)] {
        0 if letter == b'u' => code_point(bytes, pos, out),
        0 => Err(Fault::syntax(pos + 1, "an escape")),
        byte => {
            out.push(byte);
            Ok(pos + 2)
        }
    }
}

fn code_point(bytes: &[u8], pos: usize, out: &mut Vec<u8>) -> Parsed {
    let unit = hex4(bytes, pos + 2)?;
    let (code, end) = match unit {
        0xD800..=0xDBFF => with_low_surrogate(bytes, unit, pos + 6),
        _ => (unit, pos + 6),
    };
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    let mut utf8 = [0; 4];
    let length = out.len() + character.encode_utf8(&mut utf8).len();
    // All four bytes and back again: a copy of known size needs no call.
    out.extend_from_slice(&utf8);
    out.truncate(length);
    Ok(end)
}

/// The pair that `high` and the escape at `pos` make, or `high` alone (no code point) if there is no low one.
fn with_low_surrogate(bytes: &[u8], high: u32, pos: usize) -> (u32, usize) {
    let escaped = bytes.get(pos..).is_some_and(|rest| rest.starts_with(b"\\u"));
    match hex4(bytes, pos + 2) {
        Ok(low @ 0xDC00..=0xDFFF) if escaped => (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), pos + 6),
        _ => (high, pos),
    }
}

/// The position after the escape at `pos`.
pub(super) fn skip_escape(bytes: &[u8], pos: usize) -> Parsed {
    match bytes.get(pos + 1) {
        Some(b'u') => hex4(bytes, pos + 2).map(|_| pos + 6),
        Some(&letter) if SIMPLE[usize::from(letter)] != 0 => Ok(pos + 2),
        _ => Err(Fault::syntax(pos + 1, "an escape")),
    }
}

/// What a backslash and a letter stand for; 0 if that is nothing.
const SIMPLE: [u8; 256] = {
    let mut table = [0; 256];
    let pairs = [b"\"\"", b"\\\\", b"//", b"n\n", b"t\t", b"r\r", b"b\x08", b"f\x0C"];
    let mut index = 0;
    while index < pairs.len() {
        table[pairs[index][0] as usize] = pairs[index][1];
        index += 1;
    }
    table
};

/// The values of hexadecimal digits; 16 for any other byte.
const HEX: [u16; 256] = {
    let mut table = [16; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit] as usize] = digit as u16;
        table[b"0123456789ABCDEF"[digit] as usize] = digit as u16;
        digit += 1;
    }
    table
};

fn hex4(bytes: &[u8], pos: usize) -> Result<u32, Box<Fault>> {
    let digits = bytes.get(pos..).and_then(|rest| rest.first_chunk::<4>());
    let [a, b, c, d] = digits.map_or([16; 4], |digits| digits.map(|digit| HEX[usize::from(digit)]));
    if a | b | c | d > 15 {
        return Err(Fault::syntax(pos, "four hexadecimal digits"));
    }
    Ok(u32::from(a << 12 | b << 8 | c << 4 | d))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Result<String, Box<Fault>> {
        let mut out = Vec::new();
        unescape(json.as_bytes(), 1, &mut out)?;
        Ok(String::from_utf8(out).expect("UTF-8"))
    }

    #[test]
    fn escapes_stand_for_their_characters() {
        assert_eq!(text(r#""a\"\\\/\b\f\n\r\tz""#).unwrap(), "a\"\\/\u{8}\u{c}\n\r\tz");
        assert_eq!(text(r#""\u00e9\u4e2D\u0000""#).unwrap(), "é中\0");
        assert_eq!(text(r#""é中😀""#).unwrap(), "é中😀");
    }

    #[test]
    fn surrogate_pairs_join_and_lone_ones_are_replaced() {
        assert_eq!(text(r#""\ud83d\ude00""#).unwrap(), "😀");
        assert_eq!(text(r#""\ud83d""#).unwrap(), "\u{fffd}");
        assert_eq!(text(r#""\ude00x""#).unwrap(), "\u{fffd}x");
        assert_eq!(text(r#""\ud83d\u0041""#).unwrap(), "\u{fffd}A");
        assert_eq!(text(r#""\ud83d\ud83d\ude00""#).unwrap(), "\u{fffd}😀");
    }

    #[test]
    fn bad_escapes_are_refused() {
        for json in [r#""\x""#, r#""\u12g4""#, r#""\u12""#, "\"\\", r#""\u+123""#] {
            assert!(text(json).is_err(), "{json}");
        }
    }
}
