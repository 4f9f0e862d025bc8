//! One JSON value into one scalar column: the fast path first, then everything else a value may be.

use super::context::Context;
use super::fixed::{Bits, Fixed};
use super::nulls::Lagging;
use super::quoted::{content, not_a};
use super::strings::Text;
use crate::fault::{Fault, Parsed, json_type};
use crate::number::{self, Literal, Misfit, decimal_fast, fits, float_fast, integer_fast};
use crate::scan::{Here, literal, null};
use crate::time::{self, Moment, date_fast, moment_fast};

/// A value that is not of the JSON type `expected`: null, or a fault.
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
        None => Err(mismatch(expected, bytes.get(pos).copied())),
    }
}

#[cold]
fn mismatch(expected: &str, first: Option<u8>) -> Box<Fault> {
    Fault::value(format!("expected {expected}, got {}", json_type(first)))
}

/// Whether a number, and not one of the tokens for null, is at `pos`.
fn at_number(bytes: &[u8], pos: usize) -> bool {
    match bytes.get(pos) {
        Some(b'-') => bytes.get(pos + 1) != Some(&b'I'),
        first => first.is_some_and(u8::is_ascii_digit),
    }
}

#[inline(always)]
pub(super) fn integer(values: &mut Fixed<i64>, row: usize, here: Here) -> Parsed {
    match integer_fast(here.near) {
        Some((value, length)) => {
            values.put(row, value);
            Ok(here.pos + length)
        }
        None => any_integer(values, row, here.bytes, here.pos),
    }
}

#[inline(never)]
fn any_integer(values: &mut Fixed<i64>, row: usize, bytes: &[u8], pos: usize) -> Parsed {
    if !at_number(bytes, pos) {
        return absent(values, "integer", row, bytes, pos);
    }
    let (value, end) = number::integer(bytes, pos)?;
    values.put(row, value);
    Ok(end)
}

#[inline(always)]
pub(super) fn float(values: &mut Fixed<f64>, row: usize, here: Here) -> Parsed {
    match float_fast(here.near) {
        Some((value, length)) => {
            values.put(row, value);
            Ok(here.pos + length)
        }
        None => any_float(values, row, here.bytes, here.pos),
    }
}

#[inline(never)]
fn any_float(values: &mut Fixed<f64>, row: usize, bytes: &[u8], pos: usize) -> Parsed {
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
    here: Here,
    context: &mut Context,
) -> Parsed {
    let (precision, scale) = kind;
    match decimal_fast(here.near, usize::from(scale)) {
        Some((value, length)) if fits(value, precision) => {
            values.put(row, value);
            Ok(here.pos + length)
        }
        _ => any_decimal(values, kind, row, here.bytes, here.pos, context),
    }
}

#[inline(never)]
fn any_decimal(
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

#[inline(always)]
pub(super) fn string(values: &mut Text, row: usize, here: Here) -> Parsed {
    if here.near[0] == b'"' { values.put_string(row, here) } else { any_string(values, row, here.bytes, here.pos) }
}

#[inline(never)]
fn any_string(values: &mut Text, row: usize, bytes: &[u8], pos: usize) -> Parsed {
    match bytes.get(pos) {
        Some(&b'"') => values.put_any_string(row, bytes, pos),
        _ => absent(values, "string", row, bytes, pos),
    }
}

#[inline(always)]
pub(super) fn boolean(values: &mut Bits, row: usize, here: Here) -> Parsed {
    let (value, token) = match here.byte() {
        Some(b't') => (true, "true"),
        Some(b'f') => (false, "false"),
        _ => return absent(values, "boolean", row, here.bytes, here.pos),
    };
    let end = literal(here.bytes, here.pos, token)?;
    values.put(row, value);
    Ok(end)
}

#[inline(always)]
pub(super) fn timestamp(values: &mut Fixed<i64>, zoned: bool, row: usize, here: Here, context: &mut Context) -> Parsed {
    match moment_fast(here.near) {
        Some((moment, length)) => put_moment(values, zoned, row, moment).map(|()| here.pos + length),
        None => any_timestamp(values, zoned, row, here.bytes, here.pos, context),
    }
}

#[inline(always)]
fn put_moment(values: &mut Fixed<i64>, zoned: bool, row: usize, moment: Moment) -> Result<(), Box<Fault>> {
    if !zoned && moment.offset.is_some_and(|offset| offset != 0) {
        return Err(Fault::value("expected a local date-time, got one with an offset"));
    }
    values.put(row, moment.utc());
    Ok(())
}

#[inline(never)]
fn any_timestamp(
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
    put_moment(values, zoned, row, moment).map(|()| end)
}

#[inline(always)]
pub(super) fn date(values: &mut Fixed<i32>, row: usize, here: Here, context: &mut Context) -> Parsed {
    match date_fast(here.near) {
        Some((days, length)) => {
            values.put(row, days);
            Ok(here.pos + length)
        }
        None => any_date(values, row, here.bytes, here.pos, context),
    }
}

#[inline(never)]
fn any_date(values: &mut Fixed<i32>, row: usize, bytes: &[u8], pos: usize, context: &mut Context) -> Parsed {
    if bytes.get(pos) != Some(&b'"') {
        return absent(values, "date", row, bytes, pos);
    }
    let (text, end) = content(bytes, pos, &mut context.value)?;
    values.put(row, time::date_of_midnight(text).ok_or_else(|| not_a("date", text))?);
    Ok(end)
}
