//! Columns to Arrow arrays.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, ListArray, MapArray, PrimitiveArray, StringArray,
    StructArray,
};
use arrow_schema::{ArrowError, DataType, Field};

use super::column::Column;
use super::nested::{Array, Composite, Hstore};
use crate::Error;
use crate::columns::{Fixed, Pool, Pooled, Text};
use crate::fault::pointer_step;

/// The first `rows` rows as the array of `field`, which the column was made for. It is empty afterwards.
pub(super) fn finish(column: &mut Column, rows: usize, field: &Field, pool: &Pool) -> Result<ArrayRef, Error> {
    array(column, rows, field.data_type(), pool).map_err(|error| within(field.name(), error))
}

fn array(column: &mut Column, rows: usize, kind: &DataType, pool: &Pool) -> Result<ArrayRef, Error> {
    Ok(match column {
        Column::Boolean(values) => {
            let (values, nulls) = values.take(rows);
            Arc::new(BooleanArray::new(values, nulls))
        }
        Column::Integer { values, .. } => primitive::<Int64Type>(values, rows, kind, pool)?,
        Column::Float { values, .. } => primitive::<Float64Type>(values, rows, kind, pool)?,
        Column::Decimal { values, .. } => primitive::<Decimal128Type>(values, rows, kind, pool)?,
        Column::Timestamp(values) => primitive::<TimestampMicrosecondType>(values, rows, kind, pool)?,
        Column::Date(values) => primitive::<Date32Type>(values, rows, kind, pool)?,
        Column::Time(values) => primitive::<Time64MicrosecondType>(values, rows, kind, pool)?,
        Column::Text { values, .. } => texts(values, rows, pool)?,
        Column::Binary(values) => {
            let (offsets, values, nulls) = values.take(rows, pool);
            Arc::new(BinaryArray::try_new(offsets, values, nulls)?)
        }
        Column::Uuid(values) => {
            let (values, nulls) = values.take(rows, pool);
            Arc::new(FixedSizeBinaryArray::try_new(16, values.into_inner(), nulls)?)
        }
        Column::Array(array) => lists(array, rows, kind, pool)?,
        Column::Composite(composite) => structs(composite, rows, kind, pool)?,
        Column::Hstore(hstore) => maps(hstore, rows, kind, pool)?,
    })
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

fn texts(values: &mut Text, rows: usize, pool: &Pool) -> Result<ArrayRef, Error> {
    let (offsets, values, nulls) = values.take(rows, pool);
    let made = StringArray::try_new(offsets, values, nulls);
    Ok(Arc::new(made.map_err(|_| Error::InvalidValue {
        column: String::new(),
        row: 0,
        reason: "text that is not UTF-8, which a database of the encoding SQL_ASCII may hold".into(),
    })?))
}

fn lists(array: &mut Array, rows: usize, kind: &DataType, pool: &Pool) -> Result<ArrayRef, Error> {
    let mut counts = vec![rows];
    counts.extend(array.dimensions.iter().map(|ends| ends.total()));
    let (mut fields, mut kind) = (Vec::new(), kind);
    for _ in &array.dimensions {
        let DataType::List(item) = kind else {
            return Err(wrong_type("list", kind).into());
        };
        (fields, kind) = (push(fields, item.clone()), item.data_type());
    }
    let field = fields.last().ok_or_else(|| wrong_type("list", kind))?;
    let mut items = finish(&mut array.item.column, counts[counts.len() - 1], field, pool)?;
    for ((ends, field), rows) in array.dimensions.iter_mut().zip(fields).zip(counts).rev() {
        let (offsets, nulls) = ends.take(rows, pool);
        items = Arc::new(ListArray::try_new(field, offsets, items, nulls)?);
    }
    Ok(items)
}

fn push<T>(mut items: Vec<T>, item: T) -> Vec<T> {
    items.push(item);
    items
}

fn structs(composite: &mut Composite, rows: usize, kind: &DataType, pool: &Pool) -> Result<ArrayRef, Error> {
    let DataType::Struct(fields) = kind else {
        return Err(wrong_type("struct", kind).into());
    };
    let columns = composite.columns.iter_mut().zip(fields);
    let columns = columns.map(|(slot, field)| finish(&mut slot.column, rows, field, pool)).collect::<Result<_, _>>()?;
    let nulls = composite.take(rows);
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, rows)?))
}

fn maps(hstore: &mut Hstore, rows: usize, kind: &DataType, pool: &Pool) -> Result<ArrayRef, Error> {
    let DataType::Map(entries, sorted) = kind else {
        return Err(wrong_type("map", kind).into());
    };
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(wrong_type("map", kind).into());
    };
    let count = hstore.ends.total();
    let columns = vec![texts(&mut hstore.keys, count, pool)?, texts(&mut hstore.values, count, pool)?];
    let columns = StructArray::try_new(fields.clone(), columns, None)?;
    let (offsets, nulls) = hstore.ends.take(rows, pool);
    Ok(Arc::new(MapArray::try_new(entries.clone(), offsets, columns, nulls, *sorted)?))
}

/// The error, seen from what holds the column.
#[cold]
pub(super) fn within(name: &str, error: Error) -> Error {
    match error {
        Error::InvalidValue { column, row, reason } => {
            Error::InvalidValue { column: format!("{}{column}", pointer_step(name)), row, reason }
        }
        other => other,
    }
}

#[cold]
fn wrong_type(expected: &str, kind: &DataType) -> ArrowError {
    ArrowError::SchemaError(format!("built a {expected} column for {kind}"))
}
