//! From the bytes of keys back to columns.

use arrow_array::{ArrayRef, make_array};
use arrow_buffer::{BooleanBuffer, Buffer};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType};

use super::column::Form;
use super::row::KeyColumns;
use crate::Error;

/// The columns of these keys.
///
/// # Errors
/// `Arrow` if the texts do not fit their column.
pub(super) fn restore(columns: &KeyColumns, keys: &[&[u8]]) -> Result<Vec<ArrayRef>, Error> {
    let mut rest: Vec<&[u8]> = keys.to_vec();
    let last = columns.forms().len() - 1;
    let mut arrays = Vec::with_capacity(columns.forms().len());
    for (number, (field, form)) in columns.fields().iter().zip(columns.forms()).enumerate() {
        let values: Vec<&[u8]> = rest.iter_mut().map(|key| take(key, *form, number == last)).collect();
        arrays.push(make_array(column(field.data_type(), *form, &values)?));
    }
    Ok(arrays)
}

/// Takes the bytes of one column off the front of a key.
fn take<'a>(key: &mut &'a [u8], form: Form, is_last: bool) -> &'a [u8] {
    let length = match (form.width(), is_last) {
        (Some(width), _) => width,
        (None, true) => key.len(),
        (None, false) => {
            let (length, rest) = key.split_at(size_of::<u32>());
            *key = rest;
            length.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
        }
    };
    let (value, rest) = key.split_at(length);
    *key = rest;
    value
}

fn column(kind: &DataType, form: Form, values: &[&[u8]]) -> Result<ArrayData, ArrowError> {
    let data = ArrayData::builder(kind.clone()).len(values.len());
    match form {
        Form::Bit => {
            let bits = BooleanBuffer::collect_bool(values.len(), |row| values[row] == [1]);
            data.add_buffer(bits.into_inner()).build()
        }
        // Aligned, since types are built from buffers that hold them as they are.
        Form::Fixed(_) => data.add_buffer(Buffer::from(values.concat())).align_buffers(true).build(),
        Form::Text => {
            let offsets = match kind {
                DataType::LargeUtf8 | DataType::LargeBinary => Buffer::from_vec(offsets::<i64>(values)?),
                _ => Buffer::from_vec(offsets::<i32>(values)?),
            };
            data.add_buffer(offsets).add_buffer(Buffer::from(values.concat())).build()
        }
    }
}

fn offsets<T: TryFrom<usize>>(values: &[&[u8]]) -> Result<Vec<T>, ArrowError> {
    let mut end = 0;
    let ends = std::iter::once(0).chain(values.iter().map(|value| {
        end += value.len();
        end
    }));
    let too_long = |_| ArrowError::InvalidArgumentError("the texts of the keys do not fit one column".to_owned());
    ends.map(|end| T::try_from(end).map_err(too_long)).collect()
}
