//! Walking over a value without building it, checking that it is JSON.

use super::{literal, skip_space, skip_string};
use crate::fault::{Fault, Parsed};
use crate::number::Literal;

/// How deep a value may nest.
pub(crate) const VALUE_DEPTH: usize = 128;
/// How deep a message may nest: a planned record may hold such a value at the end of its own nesting.
pub(crate) const ENVELOPE_DEPTH: usize = 512;

const WORDS: usize = ENVELOPE_DEPTH / 64;

/// The position after the value at `pos`.
#[inline]
pub(crate) fn skip(bytes: &[u8], pos: usize, depth: usize) -> Parsed {
    skip_marking(bytes, pos, depth, &mut false)
}

/// The same, and says whether a token that JSON does not have (`NaN`, `Infinity`) was met.
#[inline]
pub(crate) fn skip_marking(bytes: &[u8], pos: usize, depth: usize, foreign: &mut bool) -> Parsed {
    match bytes.get(pos) {
        Some(b'"') => skip_string(bytes, pos),
        Some(b'{' | b'[') => nested(bytes, pos, depth, foreign),
        _ => scalar(bytes, pos, foreign),
    }
}

fn scalar(bytes: &[u8], pos: usize, foreign: &mut bool) -> Parsed {
    match bytes.get(pos) {
        Some(b'"') => skip_string(bytes, pos),
        Some(b't') => literal(bytes, pos, "true"),
        Some(b'f') => literal(bytes, pos, "false"),
        Some(b'n') => literal(bytes, pos, "null"),
        Some(b'N') => mark(literal(bytes, pos, "NaN"), foreign),
        Some(b'I') => mark(literal(bytes, pos, "Infinity"), foreign),
        Some(b'-') if bytes.get(pos + 1) == Some(&b'I') => mark(literal(bytes, pos, "-Infinity"), foreign),
        _ => Ok(Literal::scan(bytes, pos)?.end),
    }
}

fn mark(parsed: Parsed, foreign: &mut bool) -> Parsed {
    *foreign = true;
    parsed
}

/// Open brackets, innermost last: one bit each, set for an object. Nesting costs no stack.
struct Brackets {
    objects: [u64; WORDS],
    open: usize,
}

impl Brackets {
    fn push(&mut self, object: bool) {
        let (word, bit) = (self.open / 64, 1 << (self.open % 64));
        self.objects[word] = if object { self.objects[word] | bit } else { self.objects[word] & !bit };
        self.open += 1;
    }

    fn in_object(&self) -> bool {
        let top = self.open - 1;
        self.objects[top / 64] >> (top % 64) & 1 == 1
    }
}

fn nested(bytes: &[u8], mut pos: usize, depth: usize, foreign: &mut bool) -> Parsed {
    let mut brackets = Brackets { objects: [0; WORDS], open: 0 };
    loop {
        pos = value_start(bytes, pos, depth.min(ENVELOPE_DEPTH), &mut brackets)?;
        if !matches!(bytes.get(pos), Some(b']' | b'}')) {
            pos = scalar(bytes, pos, foreign)?;
        }
        loop {
            pos = skip_space(bytes, pos);
            match (bytes.get(pos), brackets.in_object()) {
                (Some(b','), in_object) => {
                    pos = skip_space(bytes, pos + 1);
                    pos = if in_object { skip_key(bytes, pos)? } else { pos };
                    break;
                }
                (Some(b'}'), true) | (Some(b']'), false) => brackets.open -= 1,
                (_, true) => return Err(Fault::syntax(pos, "',' or '}'")),
                (_, false) => return Err(Fault::syntax(pos, "',' or ']'")),
            }
            pos += 1;
            if brackets.open == 0 {
                return Ok(pos);
            }
        }
    }
}

/// Opens the brackets at `pos` and returns the position of the first scalar in them, or of the bracket that closes an
/// empty one.
fn value_start(bytes: &[u8], mut pos: usize, depth: usize, brackets: &mut Brackets) -> Parsed {
    while let Some(&byte @ (b'{' | b'[')) = bytes.get(pos) {
        if brackets.open == depth {
            return Err(too_deep(depth));
        }
        let object = byte == b'{';
        brackets.push(object);
        pos = skip_space(bytes, pos + 1);
        match (bytes.get(pos), object) {
            (Some(b'}'), true) | (Some(b']'), false) => return Ok(pos),
            (_, true) => pos = skip_key(bytes, pos)?,
            (_, false) => {}
        }
    }
    match bytes.get(pos) {
        Some(b']' | b'}') => Err(Fault::syntax(pos, "a value")),
        _ => Ok(pos),
    }
}

/// The position of the value of the member whose key is at `pos`.
fn skip_key(bytes: &[u8], pos: usize) -> Parsed {
    if bytes.get(pos) != Some(&b'"') {
        return Err(Fault::syntax(pos, "a key"));
    }
    let pos = skip_space(bytes, skip_string(bytes, pos)?);
    if bytes.get(pos) != Some(&b':') {
        return Err(Fault::syntax(pos, "':'"));
    }
    Ok(skip_space(bytes, pos + 1))
}

#[cold]
fn too_deep(depth: usize) -> Box<Fault> {
    Fault::value(format!("nested deeper than {depth} levels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(json: &str) -> bool {
        skip(json.as_bytes(), 0, VALUE_DEPTH) == Ok(json.len())
    }

    #[test]
    fn json_is_walked_to_its_end() {
        for json in [
            "1",
            "-0.5e+3",
            "\"x\"",
            "true",
            "false",
            "null",
            "NaN",
            "-Infinity",
            "[]",
            "{}",
            "[ ]",
            "{ }",
            "[1]",
            "[1, [2, [3]], {}]",
            r#"{"a": 1, "b": {"c": [true, null, {"d": "}]"}]}, "e": []}"#,
            "[[],[[]],{}]",
            "[{\"a\":[]},{}]",
            "[1 , 2 ]",
            "{ \"a\" : 1 }",
        ] {
            assert!(whole(json), "{json}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for json in [
            "",
            "tru",
            "nul",
            "[",
            "{",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            "{1:2}",
            "[1}",
            r#"{"a":1]"#,
            "[1 2]",
            "]",
            "}",
            r#"{"a":]}"#,
            "[}",
            "{]",
            "+1",
            "01",
            "-",
            ".5",
            "1.",
            "1e",
            "-I",
            "[\n]",
        ] {
            assert!(!whole(json), "{json}");
        }
    }

    #[test]
    fn depth_is_limited_without_recursion() {
        let nest = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(whole(&nest(VALUE_DEPTH)));
        let fault = skip(nest(100_000).as_bytes(), 0, VALUE_DEPTH).unwrap_err();
        assert_eq!(fault.reason(0), "nested deeper than 128 levels");
    }

    #[test]
    fn foreign_tokens_are_marked() {
        for (json, expected) in [("[1]", false), ("[NaN]", true), (r#"{"a": -Infinity}"#, true), ("\"NaN\"", false)] {
            let mut foreign = false;
            skip_marking(json.as_bytes(), 0, VALUE_DEPTH, &mut foreign).unwrap();
            assert_eq!(foreign, expected, "{json}");
        }
    }
}
