//! One JSON value into one scalar column: the fast path first, then everything else a value may be.

use super::context::Context;
use super::fixed::{Bits, Fixed};
use super::nulls::Lagging;
use super::text::Text;
use super::{base64, uuid};
use crate::fault::{Fault, Parsed, json_type};
use crate::number::{self, Literal, Misfit, decimal_fast, fits, float_fast, integer_fast};
use crate::scan::{VALUE_DEPTH, literal, null, skip_marking, string_stop, unescape};
use crate::time;

/// How much of a text that is not what it should be is shown.
const SHOWN: usize = 40;

/// A value at `pos` that is not of the JSON type `expected`: null, or a fault.
#[inline(never)]
pub(super) fn absent<C: Lagging + ?Sized>(
    column: &mut C,
    expected: &str,
    row: usize,
    bytes: &[u8],
    pos: usize,
) -> Parsed {
    match null(bytes, pos) {
        Some(end) => {
            column.forget(row);
            Ok(end)
        }
        None => Err(mismatch(expected, bytes, pos)),
    }
}

#[cold]
fn mismatch(expected: &str, bytes: &[u8], pos: usize) -> Box<Fault> {
    Fault::value(format!("expected {expected}, got {}", json_type(bytes.get(pos))))
}

/// Whether a number, and not one of the tokens for null, starts at `pos`.
fn at_number(bytes: &[u8], pos: usize) -> bool {
    match bytes.get(pos) {
        Some(b'-') => bytes.get(pos + 1) != Some(&b'I'),
        first => first.is_some_and(u8::is_ascii_digit),
    }
}

#[inline(always)]
pub(super) fn integer(values: &mut Fixed<i64>, row: usize, bytes: &[u8], pos: usize) -> Parsed {
    match integer_fast(bytes, pos) {
        Some((value, end)) => {
            values.put(row, value);
            Ok(end)
        }
        None => integer_slow(values, row, bytes, pos),
    }
}

#[inline(never)]
fn integer_slow(values: &mut Fixed<i64>, row: usize, bytes: &[u8], pos: usize) -> Parsed {
    if !at_number(bytes, pos) {
        return absent(values, "integer", row, bytes, pos);
    }
    let (value, end) = number::integer(bytes, pos)?;
    values.put(row, value);
    Ok(end)
}

#[inline(always)]
pub(super) fn float(values: &mut Fixed<f64>, row: usize, bytes: &[u8], pos: usize) -> Parsed {
    match float_fast(bytes, pos) {
        Some((value, end)) => {
            values.put(row, value);
            Ok(end)
        }
        None => float_slow(values, row, bytes, pos),
    }
}

#[inline(never)]
fn float_slow(values: &mut Fixed<f64>, row: usize, bytes: &[u8], pos: usize) -> Parsed {
    if !at_number(bytes, pos) {
        return absent(values, "number", row, bytes, pos);
    }
    let (value, end) = number::float(bytes, pos)?;
    values.put(row, value);
    Ok(end)
}

#[inline(always)]
pub(super) fn decimal(
    values: &mut Fixed<i128>,
    kind: (u8, u8),
    row: usize,
    bytes: &[u8],
    pos: usize,
    context: &mut Context,
) -> Parsed {
    let (precision, scale) = kind;
    match decimal_fast(bytes, pos, usize::from(scale)) {
        Some((value, end)) if fits(value, precision) => {
            values.put(row, value);
            Ok(end)
        }
        _ => decimal_slow(values, kind, row, bytes, pos, context),
    }
}

#[inline(never)]
fn decimal_slow(
    values: &mut Fixed<i128>,
    (precision, scale): (u8, u8),
    row: usize,
    bytes: &[u8],
    pos: usize,
    context: &mut Context,
) -> Parsed {
    let (value, end) = if bytes.get(pos) == Some(&b'"') {
        let (text, end) = content(bytes, pos, &mut context.value)?;
        let literal = Literal::of_text(text).ok_or_else(|| not_a("decimal", text))?;
        (literal.scaled(i64::from(scale)), end)
    } else if at_number(bytes, pos) {
        let literal = Literal::scan(bytes, pos)?;
        (literal.scaled(i64::from(scale)), literal.end)
    } else {
        return absent(values, "decimal", row, bytes, pos);
    };
    let value = value.and_then(|value| if fits(value, precision) { Ok(value) } else { Err(Misfit::Magnitude) });
    match value {
        Ok(value) => {
            values.put(row, value);
            Ok(end)
        }
        Err(Misfit::Fraction) => {
            Err(Fault::value(format!("decimal({precision},{scale}) has no room for the fraction")))
        }
        Err(Misfit::Magnitude) => Err(Fault::value(format!("number out of range of decimal({precision},{scale})"))),
    }
}

#[inline]
pub(super) fn boolean(values: &mut Bits, row: usize, bytes: &[u8], pos: usize) -> Parsed {
    let (value, token) = match bytes.get(pos) {
        Some(b't') => (true, "true"),
        Some(b'f') => (false, "false"),
        _ => return absent(values, "boolean", row, bytes, pos),
    };
    let end = literal(bytes, pos, token)?;
    values.put(row, value);
    Ok(end)
}

#[inline(always)]
pub(super) fn timestamp(
    values: &mut Fixed<i64>,
    zoned: bool,
    row: usize,
    bytes: &[u8],
    pos: usize,
    context: &mut Context,
) -> Parsed {
    if bytes.get(pos) != Some(&b'"') {
        return absent(values, "date-time", row, bytes, pos);
    }
    let (text, end) = content(bytes, pos, &mut context.value)?;
    let moment = time::moment(text).ok_or_else(|| not_a("date-time", text))?;
    if !zoned && moment.offset.is_some_and(|offset| offset != 0) {
        return Err(Fault::value("expected a local date-time, got one with an offset"));
    }
    values.put(row, moment.utc());
    Ok(end)
}

#[inline(always)]
pub(super) fn date(values: &mut Fixed<i32>, row: usize, bytes: &[u8], pos: usize, context: &mut Context) -> Parsed {
    if bytes.get(pos) != Some(&b'"') {
        return absent(values, "date", row, bytes, pos);
    }
    if let Some(text) = bytes.get(pos + 1..pos + 12)
        && text[10] == b'"'
        && let Some(days) = time::date(&text[..10])
    {
        values.put(row, days);
        return Ok(pos + 12);
    }
    date_slow(values, row, bytes, pos, context)
}

#[inline(never)]
fn date_slow(values: &mut Fixed<i32>, row: usize, bytes: &[u8], pos: usize, context: &mut Context) -> Parsed {
    let (text, end) = content(bytes, pos, &mut context.value)?;
    values.put(row, time::date_of_midnight(text).ok_or_else(|| not_a("date", text))?);
    Ok(end)
}

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
    if foreign {
        values.put_with(row, |out| without_foreign_tokens(text, out))
    } else {
        values.put(row, text)
    }
    Ok(end)
}

/// Copies JSON text with `null` for the tokens JSON does not have.
#[cold]
fn without_foreign_tokens(text: &[u8], out: &mut Vec<u8>) {
    let mut pos = 0;
    while pos < text.len() {
        let end = match text[pos] {
            b'"' => crate::scan::skip_string(text, pos).unwrap_or(text.len()),
            _ => match null(text, pos) {
                Some(end) => {
                    out.extend_from_slice(b"null");
                    pos = end;
                    continue;
                }
                None => pos + 1,
            },
        };
        out.extend_from_slice(&text[pos..end]);
        pos = end;
    }
}

/// What is between the quotes of the string at `pos`, escapes resolved (in `scratch` if there are any), and the position
/// after it.
#[inline(always)]
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
fn not_a(kind: &str, text: &[u8]) -> Box<Fault> {
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
