//! JSON strings: finding where they end.

use super::block::{STRIDE, stride};
use super::unescape::skip_escape;
use crate::fault::{Fault, Parsed};

/// The position of the next quote, backslash or control character, or the end of the buffer.
#[inline(always)]
pub(crate) fn string_stop(bytes: &[u8], mut pos: usize) -> usize {
    while let Some((stops, _)) = stride(bytes, pos) {
        if stops != 0 {
            return pos + stops.trailing_zeros() as usize;
        }
        pos += STRIDE;
    }
    stop_in_rest(bytes, pos)
}

/// Appends what is before the next stop to `out` and returns the position of the stop.
///
/// Copying whole strides and cutting the last one back is cheaper than a call that copies just the run.
#[inline(always)]
pub(crate) fn copy_run(bytes: &[u8], mut pos: usize, out: &mut Vec<u8>) -> usize {
    while let Some((stops, chunk)) = stride(bytes, pos) {
        out.extend_from_slice(chunk);
        if stops != 0 {
            let run = stops.trailing_zeros() as usize;
            out.truncate(out.len() - STRIDE + run);
            return pos + run;
        }
        pos += STRIDE;
    }
    let stop = stop_in_rest(bytes, pos);
    out.extend_from_slice(bytes.get(pos..stop).unwrap_or_default());
    stop
}

#[cold]
fn stop_in_rest(bytes: &[u8], pos: usize) -> usize {
    let rest = bytes.get(pos..).unwrap_or_default();
    let stop = rest.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\');
    pos + stop.unwrap_or(rest.len())
}

/// The position after the string whose opening quote is at `pos`.
#[inline]
pub(crate) fn skip_string(bytes: &[u8], pos: usize) -> Parsed {
    let mut pos = pos + 1;
    loop {
        pos = string_stop(bytes, pos);
        match bytes.get(pos) {
            Some(b'"') => return Ok(pos + 1),
            Some(b'\\') => pos = skip_escape(bytes, pos)?,
            _ => return Err(Fault::syntax(pos, "the end of a string")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_of_any_length_ends_at_its_quote() {
        for length in 0..70 {
            let text = format!("\"{}\" \"", "x".repeat(length));
            assert_eq!(skip_string(text.as_bytes(), 0), Ok(length + 2));
        }
    }

    #[test]
    fn a_run_is_copied_up_to_its_stop() {
        for length in 0..100 {
            for after in ["", "more text than one stride has room for"] {
                let text = format!("{}\\{after}", "x".repeat(length));
                let mut out = b"kept".to_vec();
                assert_eq!(copy_run(text.as_bytes(), 0, &mut out), length);
                assert_eq!(out, format!("kept{}", "x".repeat(length)).as_bytes());
            }
        }
    }

    #[test]
    fn an_escaped_quote_does_not_end_it() {
        assert_eq!(skip_string(br#""a\"b\\" "#, 0), Ok(8));
    }

    #[test]
    fn control_characters_and_the_end_of_the_line_are_refused() {
        for text in ["\"a\tb\"", "\"abc\n", "\"abc", "\"a\\", "\"a\\u12"] {
            assert!(skip_string(text.as_bytes(), 0).is_err(), "{text:?}");
        }
    }
}
