//! Values in their text form, as the output functions of PostgreSQL write them in a session with `timezone=UTC`,
//! `datestyle=ISO`, `extra_float_digits=1` and `bytea_output=hex`. What comes out is what the binary form gives.

mod moment;
mod nested;
mod number;
mod quoted;

use super::column::{Column, Put, Slot, Texts, fixed, grow, hex, text};
use super::policy::Context;
use crate::columns::{Text, parse_uuid};
use crate::fault::Fault;

/// Sets `row`, the last one, to a value or null.
#[inline(always)]
pub(super) fn put(slot: &mut Slot, row: usize, value: Option<&[u8]>, context: &mut Context) -> Result<(), Box<Fault>> {
    let there = match value {
        Some(value) => put_value(&mut slot.column, row, value, context)?,
        None => false,
    };
    if there { Ok(()) } else { slot.absent() }
}

#[inline(always)]
fn put_value(column: &mut Column, row: usize, value: &[u8], context: &mut Context) -> Put {
    match column {
        Column::Integer { values, wire } => fixed(values, row, Some(number::integer(*wire, value)?)),
        Column::Text { values, form: Texts::Verbatim } => text(values, row, value),
        Column::Decimal { values, precision, scale } => {
            fixed(values, row, number::decimal(value, *precision, *scale, context)?)
        }
        Column::Timestamp(values) => fixed(values, row, moment::timestamp(value, context)?),
        _ => put_other(column, row, value, context),
    }
}

/// The kinds that are rarer or slower anyway.
#[inline(never)]
fn put_other(column: &mut Column, row: usize, value: &[u8], context: &mut Context) -> Put {
    match column {
        Column::Boolean(values) => {
            values.put(row, boolean(value)?);
            Ok(true)
        }
        Column::Float { values, .. } => fixed(values, row, number::float(value, context)?),
        Column::Date(values) => fixed(values, row, moment::date(value, context)?),
        Column::Time(values) => fixed(values, row, moment::time(value, context)?),
        Column::Uuid(values) => {
            let bytes = parse_uuid(value).ok_or_else(|| malformed("no uuid"))?;
            fixed(values, row, Some(i128::from_ne_bytes(bytes)))
        }
        Column::Binary(values) => {
            let digits = hexadecimal(value)?;
            values.put_with(row, |out| out.extend(bytes(digits)));
            Ok(true)
        }
        Column::Text { values, form } => put_text(values, *form, row, value, context),
        Column::Array(array) => nested::array(array, row, value, context),
        Column::Composite(composite) => nested::composite(composite, row, value, context),
        Column::Hstore(hstore) => nested::hstore(hstore, row, value),
        _ => Ok(false),
    }
}

fn put_text(values: &mut Text, form: Texts, row: usize, value: &[u8], context: &mut Context) -> Put {
    match form {
        Texts::Numeric => match number::finite(value, context)? {
            Some(digits) => text(values, row, digits),
            None => Ok(false),
        },
        Texts::Hex => {
            let digits = hexadecimal(value)?;
            grow(values, row, context, |out| bytes(digits).for_each(|byte| hex(&[byte], out)));
            Ok(true)
        }
        Texts::Verbatim | Texts::Jsonb | Texts::Char | Texts::Inet => text(values, row, value),
    }
}

fn boolean(value: &[u8]) -> Result<bool, Box<Fault>> {
    match value {
        b"t" => Ok(true),
        b"f" => Ok(false),
        _ => Err(malformed("neither true nor false")),
    }
}

/// The digits of a `bytea`, two for each byte.
fn hexadecimal(value: &[u8]) -> Result<&[[u8; 2]], Box<Fault>> {
    let digits =
        value.strip_prefix(b"\\x").ok_or_else(|| malformed("a bytea that is not hexadecimal: set bytea_output"))?;
    match digits.as_chunks() {
        (pairs, []) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(pairs),
        _ => Err(malformed("a bytea that is not hexadecimal")),
    }
}

/// The bytes that hexadecimal digits stand for.
fn bytes(digits: &[[u8; 2]]) -> impl Iterator<Item = u8> {
    let nibble = |digit: u8| if digit <= b'9' { digit - b'0' } else { (digit | 0x20) - b'a' + 10 };
    digits.iter().map(move |&[high, low]| nibble(high) << 4 | nibble(low))
}

/// Not what PostgreSQL writes.
#[cold]
fn malformed(why: &str) -> Box<Fault> {
    Fault::value(format!("malformed text value: {why}"))
}
