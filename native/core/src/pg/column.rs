//! Columns of every kind.

use arrow_buffer::ArrowNativeType;

use super::nested::{Array, Composite, Hstore};
use super::policy::Context;
use crate::columns::{Bits, Fixed, Pooled, Text};
use crate::fault::Fault;

/// Whether a value was put, or is null; why neither is possible.
pub(super) type Put = Result<bool, Box<Fault>>;

/// How integers come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integers {
    Int2,
    Int4,
    Int8,
    /// Without a sign.
    Oid,
}

/// What strings are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Texts {
    Verbatim,
    /// A version before the text.
    Jsonb,
    /// The type `"char"`: a byte.
    Char,
    /// Digits as they are, with their trailing zeros.
    Numeric,
    /// `bytea` as hexadecimal digits.
    Hex,
    /// An address, of a host or of a network.
    Inet,
}

/// A column of any kind.
pub(super) enum Column {
    Boolean(Bits),
    Integer {
        values: Fixed<i64>,
        wire: Integers,
    },
    Float {
        values: Fixed<f64>,
        single: bool,
    },
    Decimal {
        values: Fixed<i128>,
        precision: u8,
        scale: u8,
    },
    Text {
        values: Text,
        form: Texts,
    },
    Binary(Text),
    Date(Fixed<i32>),
    Time(Fixed<i64>),
    Timestamp(Fixed<i64>),
    /// Sixteen bytes, as the number they are in memory.
    Uuid(Fixed<i128>),
    Array(Box<Array>),
    Composite(Box<Composite>),
    Hstore(Box<Hstore>),
}

/// A column at its place.
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) column: Column,
    pub(super) nullable: bool,
}

impl Slot {
    /// What a value's absence means here.
    #[inline(always)]
    pub(super) fn absent(&self) -> Result<(), Box<Fault>> {
        if self.nullable { Ok(()) } else { Err(Fault::value("null where the schema allows none")) }
    }
}

impl Column {
    /// Bytes that a row takes whatever its value is, bitmaps aside.
    pub(super) fn width(&self) -> usize {
        match self {
            Column::Boolean(_) => 1,
            Column::Date(_) | Column::Text { .. } | Column::Binary(_) | Column::Array(_) | Column::Hstore(_) => 4,
            Column::Integer { .. } | Column::Float { .. } | Column::Time(_) | Column::Timestamp(_) => 8,
            Column::Decimal { .. } | Column::Uuid(_) => 16,
            Column::Composite(composite) => composite.width(),
        }
    }
}

#[inline(always)]
pub(super) fn fixed<T: ArrowNativeType + Pooled>(values: &mut Fixed<T>, row: usize, value: Option<T>) -> Put {
    if let Some(value) = value {
        values.put(row, value);
    }
    Ok(value.is_some())
}

#[inline(always)]
pub(super) fn text(values: &mut Text, row: usize, value: &[u8]) -> Put {
    values.put(row, value);
    Ok(true)
}

/// Sets `row` to what `write` appends, which may be longer than what came.
pub(super) fn grow(values: &mut Text, row: usize, context: &mut Context, write: impl FnOnce(&mut Vec<u8>)) {
    let before = values.size();
    values.put_with(row, write);
    context.grown += values.size() - before;
}

pub(super) fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]));
}
