//! What follows the record in its line.

use crate::columns::{Expect, read_key};
use crate::number::integer_fast;
use crate::scan::{ENVELOPE_DEPTH, Here, skip, skip_space, string_stop};

/// The rest of a RECORD line.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Tail<'a> {
    /// The text of `time_extracted`, without quotes.
    pub(super) time_extracted: Option<&'a [u8]>,
    pub(super) version: Option<i64>,
    /// The position of the line feed.
    pub(super) end: usize,
}

/// How the last lines ended.
pub(super) struct Tails {
    /// What was before the text of `time_extracted`, its opening quote included.
    time: Expect,
}

impl Default for Tails {
    fn default() -> Self {
        Tails { time: Expect::new(br#", "time_extracted": ""#) }
    }
}

impl Tails {
    /// Reads what follows the record that ends at `pos`. None if that is anything out of the ordinary: then the line is
    /// taken apart as a whole.
    #[inline(always)]
    pub(super) fn read<'a>(&mut self, bytes: &'a [u8], pos: usize) -> Option<Tail<'a>> {
        let mut tail = Tail { end: pos, ..Tail::default() };
        while bytes.get(tail.end) != Some(&b'}') {
            match self.time.after(Here::at(bytes, tail.end)) {
                Some(text) => tail.end = skip_space(bytes, tail.time(bytes, text)?),
                None => tail.member(bytes, self)?,
            }
        }
        tail.end += 1;
        if bytes.get(tail.end) != Some(&b'\n') {
            tail.end = skip_space(bytes, tail.end);
        }
        (bytes.get(tail.end) == Some(&b'\n')).then_some(tail)
    }
}

impl<'a> Tail<'a> {
    #[inline(never)]
    fn member(&mut self, bytes: &'a [u8], tails: &mut Tails) -> Option<()> {
        let comma = skip_space(bytes, self.end);
        if bytes.get(comma) != Some(&b',') {
            return None;
        }
        let key = skip_space(bytes, comma + 1);
        let mut scratch = Vec::new();
        let (name, value) = read_key(bytes, key, &mut scratch).ok()?;
        let end = match name {
            b"time_extracted" if bytes.get(value) == Some(&b'"') => {
                tails.time = Expect::new(&bytes[self.end..=value]);
                self.time(bytes, value + 1)?
            }
            b"version" => self.version(bytes, value)?,
            b"type" | b"stream" | b"record" | b"time_extracted" => return None,
            _ => skip(bytes, value, ENVELOPE_DEPTH).ok()?,
        };
        self.end = skip_space(bytes, end);
        Some(())
    }

    #[inline(always)]
    fn time(&mut self, bytes: &'a [u8], pos: usize) -> Option<usize> {
        let end = string_stop(bytes, pos);
        self.time_extracted = Some(&bytes[pos..end]);
        (bytes.get(end) == Some(&b'"')).then_some(end + 1)
    }

    fn version(&mut self, bytes: &[u8], pos: usize) -> Option<usize> {
        let (version, length) = integer_fast(Here::at(bytes, pos).near)?;
        self.version = Some(version);
        Some(pos + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<(Option<String>, Option<i64>, usize)> {
        let padded = format!("{text}\n{}", "x".repeat(64));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Tails::default().read(padded.as_bytes(), 0).map(|tail| (tail.time_extracted.map(text), tail.version, tail.end))
    }

    #[test]
    fn the_usual_tails_are_read() {
        assert_eq!(of("}"), Some((None, None, 1)));
        assert_eq!(of("} \r"), Some((None, None, 3)));
        assert_eq!(of(r#", "time_extracted": "now"}"#), Some((Some("now".into()), None, 26)));
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
