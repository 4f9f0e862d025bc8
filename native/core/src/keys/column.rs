//! One column of a key, seen as "the bytes of this row".

use arrow_array::cast::AsArray;
use arrow_array::types::{
    BinaryType, ByteArrayType, Float32Type, Float64Type, LargeBinaryType, LargeUtf8Type, Utf8Type,
};
use arrow_array::{Array, ArrowPrimitiveType, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field};

use super::set::WORD;
use crate::Error;

/// How the values of a column become bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Form {
    /// One byte, 0 or 1.
    Bit,
    /// As many bytes as that.
    Fixed(usize),
    /// Any number of bytes.
    Text,
}

impl Form {
    /// # Errors
    /// `UnsupportedSchema` if a column of this type cannot be part of a key.
    pub(super) fn of(field: &Field) -> Result<Form, Error> {
        let form = match field.data_type() {
            DataType::Boolean => Some(Form::Bit),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => Some(Form::Text),
            DataType::FixedSizeBinary(width) => usize::try_from(*width).ok().map(Form::Fixed),
            DataType::Float16 | DataType::Interval(_) => None,
            other => other.primitive_width().map(Form::Fixed),
        };
        form.ok_or_else(|| Error::UnsupportedSchema {
            stream: String::new(),
            path: format!("/{}", field.name()),
            message: format!("a column of type {} cannot be part of a key", field.data_type()),
        })
    }

    /// Bytes that every value has, if they all have the same number.
    pub(super) fn width(self) -> Option<usize> {
        match self {
            Form::Bit => Some(1),
            Form::Fixed(width) => Some(width),
            Form::Text => None,
        }
    }
}

/// A column of a batch.
pub(super) struct Column {
    nulls: Option<NullBuffer>,
    values: Values,
}

enum Values {
    Bits(BooleanBuffer),
    Fixed(Buffer, usize),
    Text(OffsetBuffer<i32>, Buffer),
    LargeText(OffsetBuffer<i64>, Buffer),
}

impl Column {
    /// The column behind `array`, whose type has that form.
    pub(super) fn bind(array: &dyn Array, form: Form) -> Column {
        let nulls = array.nulls().cloned();
        match array.data_type() {
            DataType::Float32 => floats::<Float32Type>(array.as_primitive(), |value| value.is_nan()),
            DataType::Float64 => floats::<Float64Type>(array.as_primitive(), |value| value.is_nan()),
            DataType::Boolean => Column { nulls, values: Values::Bits(array.as_boolean().values().clone()) },
            DataType::Utf8 => text::<Utf8Type>(array, Values::Text),
            DataType::Binary => text::<BinaryType>(array, Values::Text),
            DataType::LargeUtf8 => text::<LargeUtf8Type>(array, Values::LargeText),
            DataType::LargeBinary => text::<LargeBinaryType>(array, Values::LargeText),
            _ => {
                let (data, width) = (array.to_data(), form.width().unwrap_or(0));
                let bytes = data.buffers()[0].slice_with_length(data.offset() * width, data.len() * width);
                Column { nulls, values: Values::Fixed(bytes, width) }
            }
        }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// The bytes of all rows, if every value has eight and none is null.
    pub(super) fn words(&self) -> Option<&[[u8; WORD]]> {
        match &self.values {
            Values::Fixed(bytes, WORD) if self.nulls.as_ref().is_none_or(|nulls| nulls.null_count() == 0) => {
                Some(bytes.as_chunks().0)
            }
            _ => None,
        }
    }

    /// Appends the bytes of a row that is not null; `is_last` of the key's columns.
    #[inline]
    pub(super) fn write(&self, row: usize, is_last: bool, key: &mut Vec<u8>) {
        match &self.values {
            Values::Bits(bits) => key.push(u8::from(bits.value(row))),
            // The width that almost all keys have is worth a copy that is one instruction.
            Values::Fixed(bytes, WORD) => {
                let mut word = [0; WORD];
                word.copy_from_slice(&bytes[row * WORD..][..WORD]);
                key.extend_from_slice(&word);
            }
            Values::Fixed(bytes, width) => key.extend_from_slice(&bytes[row * width..][..*width]),
            Values::Text(offsets, bytes) => {
                write_text(&bytes[offsets[row] as usize..offsets[row + 1] as usize], is_last, key);
            }
            Values::LargeText(offsets, bytes) => {
                write_text(&bytes[offsets[row] as usize..offsets[row + 1] as usize], is_last, key);
            }
        }
    }
}

fn write_text(text: &[u8], is_last: bool, key: &mut Vec<u8>) {
    if !is_last {
        // What is longer than 4 GiB does not fit a value of Arrow's usual types either; two such texts
        // would still differ in their bytes.
        key.extend_from_slice(&(text.len() as u32).to_le_bytes());
    }
    key.extend_from_slice(text);
}

fn text<T: ByteArrayType>(array: &dyn Array, values: fn(OffsetBuffer<T::Offset>, Buffer) -> Values) -> Column {
    let array = array.as_bytes::<T>();
    Column { nulls: array.nulls().cloned(), values: values(array.offsets().clone(), array.values().clone()) }
}

/// Floats that are equal get the same bytes, and NaN, which equals nothing, becomes null.
fn floats<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, is_nan: fn(T::Native) -> bool) -> Column
where
    T::Native: std::ops::Add<Output = T::Native>,
{
    let values: Vec<T::Native> = array.values().iter().map(|value| *value + T::Native::default()).collect();
    let numbers = NullBuffer::from_iter(values.iter().map(|value| !is_nan(*value)));
    let width = size_of::<T::Native>();
    Column {
        nulls: NullBuffer::union(array.nulls(), Some(&numbers)),
        values: Values::Fixed(Buffer::from_vec(values), width),
    }
}
