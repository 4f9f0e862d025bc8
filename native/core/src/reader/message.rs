//! A line of any kind, taken apart.

use std::ops::Range;

use crate::columns::{content, read_key};
use crate::fault::{Fault, Parsed};
use crate::scan::{ENVELOPE_DEPTH, skip, skip_space};

/// Where the parts of a message are. Of a key that comes twice the last one counts.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// The value of `type`, if it is a string.
    pub(super) kind: Option<String>,
    /// The value of `stream`, if it is a string.
    pub(super) stream: Option<String>,
    pub(super) record: Option<Range<usize>>,
    pub(super) schema: Option<Range<usize>>,
    pub(super) value: Option<Range<usize>>,
    pub(super) version: Option<Range<usize>>,
    pub(super) time_extracted: Option<Range<usize>>,
    /// Whether the record comes after its type and stream and nothing else, so that the next one is likely to begin
    /// the same, and says as much.
    pub(super) is_plain: bool,
}

impl Message {
    /// Takes the line at `pos` apart, checking that all of it is JSON. What was found before a fault stays in `self`.
    pub(super) fn read(&mut self, bytes: &[u8], pos: usize, scratch: &mut Vec<u8>) -> Result<(), Box<Fault>> {
        let mut pos = skip_space(bytes, pos);
        if bytes.get(pos) != Some(&b'{') {
            return Err(Fault::syntax(pos, "an object"));
        }
        pos = skip_space(bytes, pos + 1);
        let mut keys = 0;
        if bytes.get(pos) == Some(&b'}') {
            return line_end(bytes, pos + 1);
        }
        loop {
            pos = skip_space(bytes, self.member(bytes, pos, keys, scratch)?);
            keys += 1;
            match bytes.get(pos) {
                Some(b',') => pos = skip_space(bytes, pos + 1),
                Some(b'}') => return line_end(bytes, pos + 1),
                _ => return Err(Fault::syntax(pos, "',' or '}'")),
            }
        }
    }

    fn member(&mut self, bytes: &[u8], pos: usize, keys: usize, scratch: &mut Vec<u8>) -> Parsed {
        let (name, start) = read_key(bytes, pos, scratch)?;
        let slot = match name {
            b"type" => return string(bytes, start, &mut self.kind, scratch),
            b"stream" => return string(bytes, start, &mut self.stream, scratch),
            b"record" => {
                self.is_plain = keys == 2 && self.kind.is_some() && self.stream.is_some();
                &mut self.record
            }
            b"schema" => &mut self.schema,
            b"value" => &mut self.value,
            b"version" => &mut self.version,
            b"time_extracted" => &mut self.time_extracted,
            _ => return skip(bytes, start, ENVELOPE_DEPTH),
        };
        let end = skip(bytes, start, ENVELOPE_DEPTH)?;
        *slot = Some(start..end);
        Ok(end)
    }
}

/// Reads a string into `slot`; any other value leaves it empty.
fn string(bytes: &[u8], pos: usize, slot: &mut Option<String>, scratch: &mut Vec<u8>) -> Parsed {
    *slot = None;
    if bytes.get(pos) != Some(&b'"') {
        return skip(bytes, pos, ENVELOPE_DEPTH);
    }
    let (text, end) = content(bytes, pos, scratch)?;
    *slot = Some(String::from_utf8_lossy(text).into_owned());
    Ok(end)
}

fn line_end(bytes: &[u8], pos: usize) -> Result<(), Box<Fault>> {
    let pos = skip_space(bytes, pos);
    match bytes.get(pos) {
        Some(b'\n') => Ok(()),
        _ => Err(Fault::syntax(pos, "the end of the line")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Message, Box<Fault>> {
        let mut message = Message::default();
        message.read(format!("{line}\n").as_bytes(), 0, &mut Vec::new()).map(|()| message)
    }

    #[test]
    fn keys_may_come_in_any_order_and_twice() {
        let line = r#" {"record" : {"a": 1},"type":"x","stream":"s" , "type": "RECORD"} "#;
        let message = read(line).unwrap();
        assert_eq!((message.kind.as_deref(), message.stream.as_deref()), (Some("RECORD"), Some("s")));
        assert_eq!(&line[message.record.unwrap()], r#"{"a": 1}"#);
    }

    #[test]
    fn what_was_found_before_a_fault_stays() {
        let mut message = Message::default();
        assert!(message.read(b"{\"stream\": \"s\", \"type\": }\n", 0, &mut Vec::new()).is_err());
        assert_eq!(message.stream.as_deref(), Some("s"));
    }

    #[test]
    fn a_line_is_one_object() {
        for line in ["", "[]", "{} {}", "{}x", "{", "null", r#"{"a":1,}"#, r#"{"a":1"b":2}"#] {
            assert!(read(line).is_err(), "{line}");
        }
        assert!(read("{}").is_ok() && read("{ }\r").is_ok());
    }
}
