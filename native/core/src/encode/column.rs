//! One bound column: an Arrow array seen as "append the JSON of row n".

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrowPrimitiveType, OffsetSizeTrait};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, TimeUnit};

use super::binary::{Binaries, FixedBinaries, Uuids, ViewedBinaries};
use super::nested::{FixedLists, Lists, Object, bind_map, dictionary};
use super::number::{Decimals, Doubles, Floats, HalfFloats, Integers, Signed, Unscaled};
use super::out::Out;
use super::string::{JsonTexts, Strings, ViewedStrings};
use super::time::{Dates, MillisecondDates, Times, Timestamps};
use crate::fault::Fault;

/// Writes the values of one column that are not null.
pub(super) trait Cell {
    /// Appends the JSON of the value at `row`, which is not null.
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>>;
}

type BoxedCell<'a> = Box<dyn Cell + 'a>;

/// A column of a batch, or of a struct or list inside one.
pub(super) struct Column<'a> {
    nulls: Option<&'a NullBuffer>,
    cell: BoxedCell<'a>,
}

impl<'a> Column<'a> {
    /// Chooses how to write the values of `array`. The field says whether its strings are JSON.
    ///
    /// # Errors
    /// A fault naming the place of a type that has no JSON form.
    pub(super) fn bind(field: &Field, array: &'a dyn Array) -> Result<Column<'a>, Box<Fault>> {
        let json = field.metadata().get("dativo.json").is_some_and(|kind| kind == "text");
        Column::bind_array(array, json)
    }

    pub(super) fn bind_array(array: &'a dyn Array, json: bool) -> Result<Column<'a>, Box<Fault>> {
        let cell = match number(array).or_else(|| moment(array)).or_else(|| text(array, json)) {
            Some(cell) => cell,
            None => nested(array, json)?,
        };
        Ok(Column { nulls: array.nulls(), cell })
    }

    #[inline]
    pub(super) fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            out.slice(b"null");
            return Ok(());
        }
        self.cell.write(row, out)
    }
}

struct Nulls;

impl Cell for Nulls {
    fn write(&self, _row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        out.slice(b"null");
        Ok(())
    }
}

struct Booleans<'a>(&'a arrow_array::BooleanArray);

impl Cell for Booleans<'_> {
    #[inline]
    fn write(&self, row: usize, out: &mut Out) -> Result<(), Box<Fault>> {
        out.slice(if self.0.value(row) { b"true" } else { b"false" });
        Ok(())
    }
}

fn number(array: &dyn Array) -> Option<BoxedCell<'_>> {
    Some(match array.data_type() {
        DataType::Null => Box::new(Nulls),
        DataType::Boolean => Box::new(Booleans(array.as_boolean())),
        DataType::Int8 => integers::<Int8Type>(array),
        DataType::Int16 => integers::<Int16Type>(array),
        DataType::Int32 => integers::<Int32Type>(array),
        DataType::Int64 => integers::<Int64Type>(array),
        DataType::UInt8 => integers::<UInt8Type>(array),
        DataType::UInt16 => integers::<UInt16Type>(array),
        DataType::UInt32 => integers::<UInt32Type>(array),
        DataType::UInt64 => integers::<UInt64Type>(array),
        DataType::Float16 => Box::new(HalfFloats(array.as_primitive())),
        DataType::Float32 => Box::new(Floats(values::<Float32Type>(array))),
        DataType::Float64 => Box::new(Doubles(values::<Float64Type>(array))),
        DataType::Decimal32(_, scale) => decimals::<Decimal32Type>(array, *scale),
        DataType::Decimal64(_, scale) => decimals::<Decimal64Type>(array, *scale),
        DataType::Decimal128(_, scale) => decimals::<Decimal128Type>(array, *scale),
        DataType::Decimal256(_, scale) => decimals::<Decimal256Type>(array, *scale),
        _ => return None,
    })
}

fn moment(array: &dyn Array) -> Option<BoxedCell<'_>> {
    Some(match array.data_type() {
        DataType::Timestamp(unit, _) => Box::new(Timestamps { values: timestamp_values(array, *unit), unit: *unit }),
        DataType::Date32 => Box::new(Dates(values::<Date32Type>(array))),
        DataType::Date64 => Box::new(MillisecondDates(values::<Date64Type>(array))),
        DataType::Time32(unit @ TimeUnit::Second) => times::<Time32SecondType>(array, *unit),
        DataType::Time32(unit) => times::<Time32MillisecondType>(array, *unit),
        DataType::Time64(unit @ TimeUnit::Nanosecond) => times::<Time64NanosecondType>(array, *unit),
        DataType::Time64(unit) => times::<Time64MicrosecondType>(array, *unit),
        _ => return None,
    })
}

fn text(array: &dyn Array, json: bool) -> Option<BoxedCell<'_>> {
    Some(match array.data_type() {
        DataType::Utf8 => strings::<i32>(array, json),
        DataType::LargeUtf8 => strings::<i64>(array, json),
        DataType::Utf8View => Box::new(ViewedStrings { array: array.as_string_view(), json }),
        DataType::Binary => binaries::<i32>(array),
        DataType::LargeBinary => binaries::<i64>(array),
        DataType::BinaryView => Box::new(ViewedBinaries(array.as_binary_view())),
        DataType::FixedSizeBinary(16) => Box::new(Uuids(array.as_fixed_size_binary())),
        DataType::FixedSizeBinary(_) => Box::new(FixedBinaries(array.as_fixed_size_binary())),
        _ => return None,
    })
}

fn nested(array: &dyn Array, json: bool) -> Result<BoxedCell<'_>, Box<Fault>> {
    Ok(match array.data_type() {
        DataType::Struct(fields) => Box::new(Object::bind(fields, array.as_struct().columns())?),
        DataType::List(item) => Box::new(Lists::<i32>::bind(item, array.as_list())?),
        DataType::LargeList(item) => Box::new(Lists::<i64>::bind(item, array.as_list())?),
        DataType::FixedSizeList(item, _) => Box::new(FixedLists::bind(item, array.as_fixed_size_list())?),
        DataType::Map(_, _) => bind_map(array.as_map())?,
        DataType::Dictionary(_, _) => dictionary(array, json)?,
        other => return Err(Fault::value(format!("the Arrow type {other} has no JSON form"))),
    })
}

fn values<T: ArrowPrimitiveType>(array: &dyn Array) -> &[T::Native] {
    array.as_primitive::<T>().values()
}

fn integers<'a, T>(array: &'a dyn Array) -> BoxedCell<'a>
where
    T: ArrowPrimitiveType<Native: Signed + 'a>,
{
    Box::new(Integers(values::<T>(array)))
}

fn decimals<'a, T>(array: &'a dyn Array, scale: i8) -> BoxedCell<'a>
where
    T: DecimalType<Native: Unscaled>,
{
    Box::new(Decimals::<'a, T> { values: values::<T>(array), scale })
}

fn times<'a, T>(array: &'a dyn Array, unit: TimeUnit) -> BoxedCell<'a>
where
    T: ArrowPrimitiveType<Native: Into<i64> + 'a>,
{
    Box::new(Times { values: values::<T>(array), unit })
}

fn timestamp_values(array: &dyn Array, unit: TimeUnit) -> &[i64] {
    match unit {
        TimeUnit::Second => values::<TimestampSecondType>(array),
        TimeUnit::Millisecond => values::<TimestampMillisecondType>(array),
        TimeUnit::Microsecond => values::<TimestampMicrosecondType>(array),
        TimeUnit::Nanosecond => values::<TimestampNanosecondType>(array),
    }
}

fn strings<O: OffsetSizeTrait>(array: &dyn Array, json: bool) -> BoxedCell<'_> {
    let array = array.as_string::<O>();
    let (offsets, values) = (array.value_offsets(), array.value_data());
    if json { Box::new(JsonTexts { offsets, values }) } else { Box::new(Strings { offsets, values }) }
}

fn binaries<O: OffsetSizeTrait>(array: &dyn Array) -> BoxedCell<'_> {
    let array = array.as_binary::<O>();
    Box::new(Binaries { offsets: array.value_offsets(), values: array.value_data() })
}
