//! Reading JSON text where it lies, byte positions in and out.
//!
//! Every function takes the whole buffer and a position and may look past the line it works on: a line ends in `\n`, which
//! is illegal inside every JSON token, so none of them runs over it.

mod block;
mod here;
mod skip;
mod text;
mod unescape;

pub(crate) use block::{BLOCK, Block, STRIDE, string_stops};
pub(crate) use here::{Here, NEAR};
pub(crate) use skip::{ENVELOPE_DEPTH, VALUE_DEPTH, skip, skip_marking};
pub(crate) use text::{skip_string, string_stop};
pub(crate) use unescape::unescape;

use crate::fault::{Fault, Parsed};

/// The position of the next byte that is not JSON white space; a line feed ends the line and is none.
#[inline(always)]
pub(crate) fn skip_space(bytes: &[u8], mut pos: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\r') = bytes.get(pos) {
        pos += 1;
    }
    pos
}

/// The position after `token`, which must be at `pos`.
#[inline]
pub(crate) fn literal(bytes: &[u8], pos: usize, token: &'static str) -> Parsed {
    match bytes.get(pos..) {
        Some(rest) if rest.starts_with(token.as_bytes()) => Ok(pos + token.len()),
        _ => Err(Fault::syntax(pos, "a value")),
    }
}

/// The position after a token that stands for null: `null` itself, and what Python's `json` writes for a float that
/// JSON has no number for.
#[inline]
pub(crate) fn null(bytes: &[u8], pos: usize) -> Option<usize> {
    let token: &str = match bytes.get(pos)? {
        b'n' => "null",
        b'N' => "NaN",
        b'I' => "Infinity",
        b'-' => "-Infinity",
        _ => return None,
    };
    bytes.get(pos..)?.starts_with(token.as_bytes()).then_some(pos + token.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_stops_at_the_line_feed() {
        assert_eq!(skip_space(b" \t\r\n x", 0), 3);
    }

    #[test]
    fn null_has_four_spellings() {
        for token in ["null", "NaN", "Infinity", "-Infinity"] {
            assert_eq!(null(token.as_bytes(), 0), Some(token.len()));
        }
        assert_eq!(null(b"-1", 0), None);
        assert_eq!(null(b"nul", 0), None);
    }
}
