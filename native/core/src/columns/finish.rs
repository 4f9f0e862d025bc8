//! Columns to Arrow arrays.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, ListArray, MapArray, PrimitiveArray, StructArray,
};
use arrow_schema::{ArrowError, DataType, FieldRef};

use super::fixed::Fixed;
use super::nulls::{Lagging, Nulls};
use super::pool::{Pool, Pooled};
use super::{Builder, List, Map, Nested, Object, Text};

impl Builder {
    /// The first `rows` rows as an array of `kind`, the type the builder was made for. It is empty afterwards.
    pub(crate) fn finish(&mut self, rows: usize, kind: &DataType, pool: &Pool) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Builder::Boolean(values) => {
                let (values, nulls) = values.take(rows);
                Arc::new(BooleanArray::new(values, nulls))
            }
            Builder::Integer(values) => primitive::<Int64Type>(values, rows, kind, pool)?,
            Builder::Float(values) => primitive::<Float64Type>(values, rows, kind, pool)?,
            Builder::Decimal { values, .. } => primitive::<Decimal128Type>(values, rows, kind, pool)?,
            Builder::Timestamp { values, .. } => primitive::<TimestampMicrosecondType>(values, rows, kind, pool)?,
            Builder::Date(values) => primitive::<Date32Type>(values, rows, kind, pool)?,
            Builder::Time(values) => primitive::<Time64MicrosecondType>(values, rows, kind, pool)?,
            Builder::String(values) | Builder::Json(values) => strings(values, rows, pool)?,
            Builder::Binary(values) => {
                let (offsets, values, nulls) = values.take(rows, pool);
                Arc::new(BinaryArray::try_new(offsets, values, nulls)?)
            }
            Builder::Uuid(values) => {
                let (values, nulls) = values.take(rows, pool);
                Arc::new(FixedSizeBinaryArray::try_new(16, values.into_inner(), nulls)?)
            }
            Builder::Struct { object, nulls } => structs(object, nulls, rows, kind, pool)?,
            Builder::List(list) => lists(list, rows, kind, pool)?,
            Builder::Map(map) => maps(map, rows, kind, pool)?,
            Builder::Skip => return Err(ArrowError::SchemaError("a skipped property has no column".into())),
        })
    }
}

impl Object {
    /// The columns of the rows read so far; the object is empty afterwards.
    pub(crate) fn finish(&mut self, fields: &[FieldRef], pool: &Pool) -> Result<Vec<ArrayRef>, ArrowError> {
        let rows = self.len();
        let columns =
            self.builders().zip(fields).map(|(builder, field)| builder.finish(rows, field.data_type(), pool)).collect();
        self.restart();
        columns
    }
}

fn primitive<T: ArrowPrimitiveType<Native: Pooled>>(
    values: &mut Fixed<T::Native>,
    rows: usize,
    kind: &DataType,
    pool: &Pool,
) -> Result<ArrayRef, ArrowError> {
    let (values, nulls) = values.take(rows, pool);
    Ok(Arc::new(PrimitiveArray::<T>::try_new(values, nulls)?.with_data_type(kind.clone())))
}

fn strings(values: &mut Text, rows: usize, pool: &Pool) -> Result<ArrayRef, ArrowError> {
    let (offsets, values, nulls) = values.take(rows, pool);
    Ok(Arc::new((pool.strings)(offsets, values, nulls)?))
}

fn structs(
    object: &mut Object,
    nulls: &mut Nulls,
    rows: usize,
    kind: &DataType,
    pool: &Pool,
) -> Result<ArrayRef, ArrowError> {
    let DataType::Struct(fields) = kind else {
        return Err(wrong_type("struct", kind));
    };
    Nested(object, nulls).settle(rows);
    let columns = object.finish(fields, pool)?;
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls.take(rows), rows)?))
}

fn lists(list: &mut List, rows: usize, kind: &DataType, pool: &Pool) -> Result<ArrayRef, ArrowError> {
    let DataType::List(item) = kind else {
        return Err(wrong_type("list", kind));
    };
    let count = list.count();
    let items = list.items.builder.finish(count, item.data_type(), pool)?;
    let (offsets, nulls) = list.take(rows, pool);
    Ok(Arc::new(ListArray::try_new(item.clone(), offsets, items, nulls)?))
}

fn maps(map: &mut Map, rows: usize, kind: &DataType, pool: &Pool) -> Result<ArrayRef, ArrowError> {
    let (DataType::Map(entries, sorted), count) = (kind, map.count()) else {
        return Err(wrong_type("map", kind));
    };
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(wrong_type("map", kind));
    };
    let keys = strings(&mut map.keys, count, pool)?;
    let values = map.values.builder.finish(count, fields[1].data_type(), pool)?;
    let (offsets, nulls) = map.take(rows, pool);
    let columns = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    debug_assert_eq!(columns.len(), count);
    Ok(Arc::new(MapArray::try_new(entries.clone(), offsets, columns, nulls, *sorted)?))
}

#[cold]
fn wrong_type(expected: &str, kind: &DataType) -> ArrowError {
    ArrowError::SchemaError(format!("built a {expected} column for {kind}"))
}
