//! Values in their binary form, as the `…send` functions of PostgreSQL write them.

mod inet;
mod moment;
mod nested;
mod numeric;

use super::column::{Column, Integers, Put, Slot, Texts, fixed, grow, hex, text};
use super::policy::Context;
use super::wire::{exactly, malformed};
use crate::columns::Text;
use crate::fault::Fault;

/// Longest value whose hexadecimal form fits beside a batch.
const LONGEST_HEX: usize = 512 << 20;

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
        Column::Integer { values, wire } => fixed(values, row, Some(integer(*wire, value)?)),
        Column::Text { values, form: Texts::Verbatim } => text(values, row, value),
        Column::Decimal { values, precision, scale } => {
            fixed(values, row, numeric::decimal(value, *precision, *scale, context)?)
        }
        Column::Date(values) => fixed(values, row, moment::date(value, context)?),
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
        Column::Float { values, single: true } => fixed(values, row, single(value, context)?),
        Column::Float { values, single: false } => fixed(values, row, double(value, context)?),
        Column::Time(values) => fixed(values, row, moment::time(value, context)?),
        Column::Uuid(values) => fixed(values, row, Some(i128::from_ne_bytes(exactly(value)?))),
        Column::Binary(values) => text(values, row, value),
        Column::Text { values, form } => put_text(values, *form, row, value, context),
        Column::Array(array) => nested::array(array, row, value, context),
        Column::Composite(composite) => nested::composite(composite, row, value, context),
        Column::Hstore(hstore) => nested::hstore(hstore, row, value),
        _ => Ok(false),
    }
}

fn put_text(values: &mut Text, form: Texts, row: usize, value: &[u8], context: &mut Context) -> Put {
    match form {
        Texts::Verbatim => return text(values, row, value),
        Texts::Jsonb => match value {
            [1, json @ ..] => return text(values, row, json),
            _ => return Err(malformed("a version of jsonb that is unknown")),
        },
        Texts::Numeric => match numeric::finite(value, context)? {
            Some(number) => grow(values, row, context, |out| number.write(out)),
            None => return Ok(false),
        },
        Texts::Char => {
            let [byte] = exactly(value)?;
            grow(values, row, context, |out| character(byte, out));
        }
        Texts::Hex if value.len() > LONGEST_HEX => return Err(Fault::value("too long for its hexadecimal form")),
        Texts::Hex => grow(values, row, context, |out| hex(value, out)),
        Texts::Inet => {
            let address = inet::parse(value)?;
            grow(values, row, context, |out| address.write(out));
        }
    }
    Ok(true)
}

#[inline(always)]
fn integer(wire: Integers, value: &[u8]) -> Result<i64, Box<Fault>> {
    Ok(match wire {
        Integers::Int2 => i64::from(i16::from_be_bytes(exactly(value)?)),
        Integers::Int4 => i64::from(i32::from_be_bytes(exactly(value)?)),
        Integers::Int8 => i64::from_be_bytes(exactly(value)?),
        Integers::Oid => i64::from(u32::from_be_bytes(exactly(value)?)),
    })
}

fn boolean(value: &[u8]) -> Result<bool, Box<Fault>> {
    match value {
        [0] => Ok(false),
        [1] => Ok(true),
        _ => Err(malformed("neither true nor false")),
    }
}

fn double(value: &[u8], context: &mut Context) -> Result<Option<f64>, Box<Fault>> {
    let value = f64::from_be_bytes(exactly(value)?);
    if value.is_finite() { Ok(Some(value)) } else { context.special() }
}

/// A single is meant as its shortest digits: 1.1, not 1.10000002384185791.
fn single(value: &[u8], context: &mut Context) -> Result<Option<f64>, Box<Fault>> {
    let value = f32::from_be_bytes(exactly(value)?);
    if !value.is_finite() {
        return context.special();
    }
    if value.fract() == 0.0 && value.abs() < 16_777_216.0 {
        return Ok(Some(f64::from(value)));
    }
    let (below, above) = (middle(value, value.next_down()), middle(value, value.next_up()));
    let shortest: Option<f64> = zmij::Buffer::new().format_finite(value).parse().ok();
    Ok(match shortest {
        Some(digits) if digits == below || digits == above => Some(between(value, below, above)),
        shortest => shortest,
    })
}

/// Half way from one single to the next, which a double can be.
#[inline(always)]
fn middle(value: f32, next: f32) -> f64 {
    f64::midpoint(value.into(), next.into())
}

/// The shortest digits that are nearer to `value` than to its neighbours. Those half way would be read back too, as
/// `value` is the even one, but PostgreSQL does not write them.
#[cold]
fn between(value: f32, below: f64, above: f64) -> f64 {
    let exact = f64::from(value);
    let rounded = (0..9).filter_map(|places| format!("{exact:.places$e}").parse::<f64>().ok());
    rounded.into_iter().find(|digits| *digits > below && *digits < above).unwrap_or(exact)
}

/// As `charout` writes a byte: nothing for zero, an escape beyond ASCII.
fn character(byte: u8, out: &mut Vec<u8>) {
    match byte {
        0 => {}
        1..=127 => out.push(byte),
        _ => out.extend_from_slice(&[b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)]),
    }
}
