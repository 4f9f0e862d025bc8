//! Values that come as JSON strings but are kept as something else, and JSON text.

use super::context::Context;
use super::fixed::Fixed;
use super::nulls::Lagging;
use super::scalar::absent;
use super::strings::Text;
use super::{base64, uuid};
use crate::fault::{Fault, Parsed};
use crate::scan::{VALUE_DEPTH, null, skip_marking, skip_string, string_stop, unescape};
use crate::time;

/// How much of a text that is not what it should be is shown.
const SHOWN: usize = 40;

pub(super) fn time(values: &mut Fixed<i64>, row: usize, bytes: &[u8], pos: usize, context: &mut Context) -> Parsed {
    if bytes.get(pos) != Some(&b'"') {
        return absent(values, "time", row, bytes, pos);
    }
    let (text, end) = content(bytes, pos, &mut context.value)?;
    values.put(row, time::time_of_day(text).ok_or_else(|| not_a("time", text))?);
    Ok(end)
}

pub(super) fn uuid(values: &mut Fixed<i128>, row: usize, bytes: &[u8], pos: usize, context: &mut Context) -> Parsed {
    if bytes.get(pos) != Some(&b'"') {
        return absent(values, "uuid", row, bytes, pos);
    }
    let (text, end) = content(bytes, pos, &mut context.value)?;
    let uuid = uuid::parse(text).ok_or_else(|| not_a("uuid", text))?;
    values.put(row, i128::from_ne_bytes(uuid));
    Ok(end)
}

pub(super) fn binary(values: &mut Text, row: usize, bytes: &[u8], pos: usize, context: &mut Context) -> Parsed {
    if bytes.get(pos) != Some(&b'"') {
        return absent(values, "base64", row, bytes, pos);
    }
    let (text, end) = content(bytes, pos, &mut context.value)?;
    let mut decoded = None;
    values.put_with(row, |out| decoded = base64::decode(text, out));
    decoded.map(|()| end).ok_or_else(|| not_a("base64", text))
}

pub(super) fn json(values: &mut Text, row: usize, bytes: &[u8], pos: usize) -> Parsed {
    if let Some(end) = null(bytes, pos) {
        values.forget(row);
        return Ok(end);
    }
    let mut foreign = false;
    let end = skip_marking(bytes, pos, VALUE_DEPTH, &mut foreign)?;
    let text = &bytes[pos..end];
    values.put_with(row, |out| if foreign { without_foreign_tokens(text, out) } else { out.extend_from_slice(text) });
    Ok(end)
}

/// Copies JSON text with `null` for the tokens JSON does not have.
#[cold]
fn without_foreign_tokens(text: &[u8], out: &mut Vec<u8>) {
    let mut pos = 0;
    while pos < text.len() {
        if text[pos] != b'"'
            && let Some(end) = null(text, pos)
        {
            out.extend_from_slice(b"null");
            pos = end;
            continue;
        }
        let end = if text[pos] == b'"' { skip_string(text, pos).unwrap_or(text.len()) } else { pos + 1 };
        out.extend_from_slice(&text[pos..end]);
        pos = end;
    }
}

/// What is between the quotes of the string at `pos`, escapes resolved (in `scratch` if there are any), and the position
/// after it.
#[inline]
pub(crate) fn content<'a>(
    bytes: &'a [u8],
    pos: usize,
    scratch: &'a mut Vec<u8>,
) -> Result<(&'a [u8], usize), Box<Fault>> {
    let stop = string_stop(bytes, pos + 1);
    if bytes.get(stop) == Some(&b'"') {
        return Ok((&bytes[pos + 1..stop], stop + 1));
    }
    scratch.clear();
    let end = unescape(bytes, pos + 1, scratch)?;
    Ok((scratch, end))
}

#[cold]
pub(super) fn not_a(kind: &str, text: &[u8]) -> Box<Fault> {
    let text = String::from_utf8_lossy(text);
    let shown: String = text.chars().take(SHOWN).collect();
    let more = if text.chars().count() > SHOWN { "…" } else { "" };
    Fault::value(format!("not a {kind}: \"{shown}{more}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_tokens_become_null_outside_strings_only() {
        let mut column = Text::new();
        let json_text = r#"{"NaN": [NaN, -Infinity, "Infinity"], "a": -1}"#;
        json(&mut column, 0, json_text.as_bytes(), 0).unwrap();
        assert_eq!(column.at(0), br#"{"NaN": [null, null, "Infinity"], "a": -1}"#);
    }

    #[test]
    fn what_is_shown_of_a_bad_text_is_short() {
        let reason = not_a("date", "é".repeat(50).as_bytes()).reason(0);
        assert_eq!(reason, format!("not a date: \"{}…\"", "é".repeat(40)));
    }
}
