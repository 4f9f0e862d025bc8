//! What follows the record in its line.

use crate::columns::read_key;
use crate::number::integer_fast;
use crate::scan::{ENVELOPE_DEPTH, skip, skip_space, string_stop};

/// The rest of a RECORD line.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Tail<'a> {
    /// The text of `time_extracted`, without quotes.
    pub(super) time_extracted: Option<&'a [u8]>,
    pub(super) version: Option<i64>,
    /// The position of the line feed.
    pub(super) end: usize,
}

/// Reads what follows the record that ends at `pos`. None if that is anything out of the ordinary: then the line is taken
/// apart as a whole.
#[inline]
pub(super) fn tail(bytes: &[u8], pos: usize) -> Option<Tail<'_>> {
    let mut tail = Tail {
        end: pos,
        ..Tail::default()
    };
    while bytes.get(tail.end) != Some(&b'}') {
        tail.member(bytes)?;
    }
    tail.end = skip_space(bytes, tail.end + 1);
    (bytes.get(tail.end) == Some(&b'\n')).then_some(tail)
}

impl<'a> Tail<'a> {
    fn member(&mut self, bytes: &'a [u8]) -> Option<()> {
        let comma = skip_space(bytes, self.end);
        if bytes.get(comma) != Some(&b',') {
            return None;
        }
        let key = skip_space(bytes, comma + 1);
        let mut scratch = Vec::new();
        let (name, value) = read_key(bytes, key, &mut scratch).ok()?;
        let end = match name {
            b"time_extracted" => self.time(bytes, value)?,
            b"version" => self.version(bytes, value)?,
            b"type" | b"stream" | b"record" => return None,
            _ => skip(bytes, value, ENVELOPE_DEPTH).ok()?,
        };
        self.end = skip_space(bytes, end);
        Some(())
    }

    fn time(&mut self, bytes: &'a [u8], pos: usize) -> Option<usize> {
        if bytes.get(pos) != Some(&b'"') {
            return None;
        }
        let end = string_stop(bytes, pos + 1);
        self.time_extracted = Some(&bytes[pos + 1..end]);
        (bytes.get(end) == Some(&b'"')).then_some(end + 1)
    }

    fn version(&mut self, bytes: &[u8], pos: usize) -> Option<usize> {
        let (version, end) = integer_fast(bytes, pos)?;
        self.version = Some(version);
        Some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<(Option<String>, Option<i64>, usize)> {
        let padded = format!("{text}\n{}", "x".repeat(64));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        tail(padded.as_bytes(), 0).map(|tail| (tail.time_extracted.map(text), tail.version, tail.end))
    }

    #[test]
    fn the_usual_tails_are_read() {
        assert_eq!(of("}"), Some((None, None, 1)));
        assert_eq!(of("} \r"), Some((None, None, 3)));
        assert_eq!(
            of(r#", "time_extracted": "now"}"#),
            Some((Some("now".into()), None, 26))
        );
        assert_eq!(
            of(r#","version":7, "x": [{}] , "time_extracted":"now" }"#),
            Some((Some("now".into()), Some(7), 50))
        );
    }

    #[test]
    fn anything_else_is_left_to_the_whole_message() {
        for text in [
            "",
            " x",
            r#", "stream": "other"}"#,
            r#","type":"STATE"}"#,
            r#","record":{}}"#,
            r#","version":"1"}"#,
            r#","time_extracted":null}"#,
            r#","time_extracted":"\u0041"}"#,
            "} x",
            "}}",
            ",}",
            r#","a" 1}"#,
            ",",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
