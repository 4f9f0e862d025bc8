//! Arrow columns that are filled straight from JSON text.
//!
//! A column is told the row it is to set, so it can lag behind (nulls), give a value up again (a key that came twice) and
//! be rolled back (an invalid record).

mod base64;
mod cell;
mod context;
mod expect;
mod finish;
mod fixed;
mod hash;
mod key;
mod list;
mod map;
mod nulls;
mod object;
mod order;
mod pool;
mod quoted;
mod scalar;
mod strings;
mod uuid;

pub(crate) use cell::Cell;
pub(crate) use context::Context;
pub(crate) use expect::{Expect, Opening};
pub(crate) use fixed::{Bits, Fixed};
pub(crate) use key::read as read_key;
pub(crate) use list::List;
pub(crate) use map::Map;
pub(crate) use nulls::{Lagging, Nulls};
pub(crate) use object::Object;
pub use pool::MakeStrings;
pub(crate) use pool::{Pool, Pooled};
pub(crate) use quoted::content;
pub(crate) use strings::Text;
pub(crate) use uuid::parse as parse_uuid;

use crate::fault::Parsed;
use crate::scan::{Here, VALUE_DEPTH, skip};

/// A column of any type the decoder knows.
pub(crate) enum Builder {
    Boolean(Bits),
    Integer(Fixed<i64>),
    Float(Fixed<f64>),
    Decimal {
        values: Fixed<i128>,
        precision: u8,
        scale: u8,
    },
    String(Text),
    /// The JSON text of the value itself.
    Json(Text),
    Binary(Text),
    /// Sixteen bytes, as the number they are in memory.
    Uuid(Fixed<i128>),
    /// Microseconds; with a zone in UTC.
    Timestamp {
        values: Fixed<i64>,
        zoned: bool,
    },
    Date(Fixed<i32>),
    Time(Fixed<i64>),
    Struct {
        object: Box<Object>,
        nulls: Nulls,
    },
    List(Box<List>),
    Map(Box<Map>),
    /// No column: values are checked to be JSON and dropped.
    Skip,
}

impl Builder {
    /// Sets `row`, the last one, to the value that is here. On a fault the row may hold anything and must be forgotten.
    #[inline(always)]
    pub(crate) fn decode(&mut self, row: usize, here: Here, context: &mut Context) -> Parsed {
        match self {
            Builder::Integer(values) => scalar::integer(values, row, here),
            Builder::Float(values) => scalar::float(values, row, here),
            Builder::Decimal { values, precision, scale } => {
                scalar::decimal(values, (*precision, *scale), row, here, context)
            }
            Builder::String(values) => scalar::string(values, row, here),
            Builder::Timestamp { values, zoned } => scalar::timestamp(values, *zoned, row, here, context),
            Builder::Date(values) => scalar::date(values, row, here, context),
            Builder::Boolean(values) => scalar::boolean(values, row, here),
            _ => self.decode_other(row, here.bytes, here.pos, context),
        }
    }

    /// The types that are rarer or slower anyway.
    #[inline(never)]
    fn decode_other(&mut self, row: usize, bytes: &[u8], pos: usize, context: &mut Context) -> Parsed {
        match (self, bytes.get(pos)) {
            (Builder::Struct { object, nulls }, Some(b'{')) => read_struct(object, nulls, row, bytes, pos, context),
            (Builder::Struct { object, nulls }, _) => {
                scalar::absent(&mut Nested(object, nulls), "object", row, bytes, pos)
            }
            (Builder::List(list), Some(b'[')) => list.put(row, bytes, pos, context),
            (Builder::List(list), _) => scalar::absent(list.as_mut(), "array", row, bytes, pos),
            (Builder::Map(map), Some(b'{')) => map.put(row, bytes, pos, context),
            (Builder::Map(map), _) => scalar::absent(map.as_mut(), "object", row, bytes, pos),
            (Builder::Json(values), _) => quoted::json(values, row, bytes, pos),
            (Builder::Time(values), _) => quoted::time(values, row, bytes, pos, context),
            (Builder::Uuid(values), _) => quoted::uuid(values, row, bytes, pos, context),
            (Builder::Binary(values), _) => quoted::binary(values, row, bytes, pos, context),
            _ => skip(bytes, pos, VALUE_DEPTH),
        }
    }

    /// Makes `row` and what follows it null.
    pub(crate) fn forget(&mut self, row: usize) {
        match self {
            Builder::Boolean(values) => values.forget(row),
            Builder::Float(values) => values.forget(row),
            Builder::Decimal { values, .. } | Builder::Uuid(values) => values.forget(row),
            Builder::String(values) | Builder::Json(values) | Builder::Binary(values) => values.forget(row),
            Builder::Integer(values) | Builder::Time(values) | Builder::Timestamp { values, .. } => values.forget(row),
            Builder::Date(values) => values.forget(row),
            Builder::Struct { object, nulls } => Nested(object, nulls).forget(row),
            Builder::List(list) => list.forget(row),
            Builder::Map(map) => map.forget(row),
            Builder::Skip => {}
        }
    }

    /// Bytes that `rows` rows take in Arrow, bitmaps aside.
    pub(crate) fn footprint(&self, rows: usize) -> usize {
        match self {
            Builder::Boolean(_) => rows / 8,
            Builder::Date(_) => 4 * rows,
            Builder::Integer(_) | Builder::Float(_) | Builder::Time(_) | Builder::Timestamp { .. } => 8 * rows,
            Builder::Decimal { .. } | Builder::Uuid(_) => 16 * rows,
            Builder::String(values) | Builder::Json(values) | Builder::Binary(values) => 4 * rows + values.size(),
            Builder::Struct { object, .. } => object.footprint(),
            Builder::List(list) => 4 * rows + list.items.builder.footprint(list.count()),
            Builder::Map(map) => 8 * rows + map.keys.size() + map.values.builder.footprint(map.count()),
            Builder::Skip => 0,
        }
    }
}

fn read_struct(
    object: &mut Object,
    nulls: &mut Nulls,
    row: usize,
    bytes: &[u8],
    pos: usize,
    context: &mut Context,
) -> Parsed {
    Nested(object, nulls).settle(row);
    let end = object.read(bytes, pos + 1, context)?;
    object.commit();
    Ok(end)
}

/// A struct column as one that may lag.
struct Nested<'a>(&'a mut Object, &'a mut Nulls);

impl Lagging for Nested<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn pad(&mut self, rows: usize) {
        self.1.gap(self.0.len(), rows);
        self.0.pad(rows);
    }

    fn truncate(&mut self, rows: usize) {
        self.0.truncate(rows);
        self.1.truncate(rows);
    }
}
