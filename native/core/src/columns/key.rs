//! Keys and what is between members, in full: the path for objects that do not look like the one before.

use crate::fault::{Fault, Parsed};
use crate::scan::{skip_space, string_stop, unescape};

/// The name at `pos`, escapes resolved (in `scratch` if it has any), and the position of its value.
pub(crate) fn read<'a>(bytes: &'a [u8], pos: usize, scratch: &'a mut Vec<u8>) -> Result<(&'a [u8], usize), Box<Fault>> {
    if bytes.get(pos) != Some(&b'"') {
        return Err(Fault::syntax(pos, "a key"));
    }
    let stop = string_stop(bytes, pos + 1);
    let (name, end) = if bytes.get(stop) == Some(&b'"') {
        (&bytes[pos + 1..stop], stop + 1)
    } else {
        scratch.clear();
        let end = unescape(bytes, pos + 1, scratch)?;
        (scratch.as_slice(), end)
    };
    let colon = skip_space(bytes, end);
    if bytes.get(colon) != Some(&b':') {
        return Err(Fault::syntax(colon, "':'"));
    }
    Ok((name, skip_space(bytes, colon + 1)))
}

/// The position of the key after the comma that should be at `pos`; none if there is no comma.
pub(crate) fn after_comma(bytes: &[u8], pos: usize) -> Result<Option<usize>, Box<Fault>> {
    let comma = skip_space(bytes, pos);
    match bytes.get(comma) {
        Some(b',') => Ok(Some(skip_space(bytes, comma + 1))),
        Some(b'}') => Ok(None),
        _ => Err(Fault::syntax(comma, "',' or '}'")),
    }
}

/// The position after the closing brace that, perhaps after space, is at `pos`.
pub(crate) fn end_of_object(bytes: &[u8], pos: usize) -> Parsed {
    let brace = skip_space(bytes, pos);
    match bytes.get(brace) {
        Some(b'}') => Ok(brace + 1),
        _ => Err(Fault::syntax(brace, "',' or '}'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_with_space_and_escapes() {
        let mut scratch = Vec::new();
        assert_eq!(read(br#""a b" : 1"#, 0, &mut scratch), Ok((&b"a b"[..], 8)));
        assert_eq!(read(br#""na\u006de":1"#, 0, &mut scratch), Ok((&b"name"[..], 12)));
        for text in ["1", "\"a\" 1", "\"a", "'a':1", "\"a\""] {
            assert!(read(text.as_bytes(), 0, &mut scratch).is_err(), "{text}");
        }
    }

    #[test]
    fn members_are_separated_by_one_comma() {
        assert_eq!(after_comma(b" , \"a\"", 0), Ok(Some(3)));
        assert_eq!(after_comma(b" }", 0), Ok(None));
        assert!(after_comma(b"\"a\"", 0).is_err());
    }
}
