//! What a line must come out as.

use serde_json::Value;

use crate::members::Members;
use crate::values::{Values, column};

#[derive(Debug)]
pub enum Expected {
    /// A record with these values.
    Record(Vec<(&'static str, Values)>),
    Invalid,
    Blank,
    /// A message of another type.
    Other,
    /// serde_json cannot tell: the decoder takes more than JSON here, or sets a limit of its own.
    Unsure,
}

pub const COLUMNS: [&str; 15] = ["i", "f", "u", "b", "j", "d", "t", "n", "day", "time", "bin", "id", "l", "o", "m"];

pub fn line(bytes: &[u8]) -> Expected {
    if bytes.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
        return Expected::Blank;
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Expected::Invalid };
    if beyond_json(text) {
        return Expected::Unsure;
    }
    Members::of(text).map_or(Expected::Invalid, |members| message(&members))
}

/// Whether the line holds what the decoder accepts and JSON does not, or may nest deeper than it goes.
fn beyond_json(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let surrogate = ["\\ud8", "\\ud9", "\\uda", "\\udb", "\\udc", "\\udd", "\\ude", "\\udf"];
    text.contains("NaN")
        || text.contains("Infinity")
        || surrogate.iter().any(|escape| lower.contains(escape))
        || text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() > 100
}

fn message(members: &Members) -> Expected {
    match text_of(members.last("type")).map(|kind| kind.to_ascii_uppercase()).as_deref() {
        Some("RECORD") => record(members),
        Some(_) => Expected::Other,
        None => Expected::Invalid,
    }
}

fn record(members: &Members) -> Expected {
    if text_of(members.last("stream")).as_deref() != Some("s") {
        return Expected::Invalid;
    }
    let Some(record) = members.last("record").and_then(Members::of) else { return Expected::Invalid };
    let version = members.last("version");
    let unsure = version.is_some_and(|version| version.parse::<i32>().is_err());
    let columns: Vec<_> = COLUMNS.iter().map(|&name| (name, values_of(&record, name))).collect();
    if columns.iter().any(|(_, values)| matches!(values, Values::None)) {
        return Expected::Invalid;
    }
    if unsure || columns.iter().any(|(_, values)| matches!(values, Values::Unsure)) {
        return Expected::Unsure;
    }
    Expected::Record(columns)
}

/// The last value of the column; none if one of them cannot be read, for a bad value is bad even if replaced.
fn values_of(record: &Members, name: &'static str) -> Values {
    let all = record.0.iter().filter(|(key, _)| key == name).map(|(_, text)| column(name, text));
    all.fold(Values::One(Value::Null), |before, values| match (before, values) {
        (Values::None, _) | (_, Values::None) => Values::None,
        (Values::Unsure, _) | (_, Values::Unsure) => Values::Unsure,
        (_, last) => last,
    })
}

fn text_of(value: Option<&str>) -> Option<String> {
    value.and_then(|text| serde_json::from_str(text).ok())
}
