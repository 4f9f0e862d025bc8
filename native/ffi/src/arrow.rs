//! Arrow across the boundary, by the Arrow C Data Interface.

use std::sync::Arc;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::{Array, RecordBatch, RecordBatchOptions, StringArray, StructArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};

use crate::input::Place;
use crate::status::{DativoStatus, Failure};

/// Moves a schema in. The caller's struct is released, whatever happens afterwards.
///
/// # Safety
/// `schema` is NULL or points to an ArrowSchema that is valid or released.
pub(crate) unsafe fn import_schema(schema: *mut FFI_ArrowSchema) -> Result<SchemaRef, Failure> {
    // SAFETY: the same contract.
    let schema = unsafe { move_schema(schema) }?;
    Ok(Arc::new(read_schema(&schema)?))
}

/// A batch that has been moved in but not looked at: dropping it releases it.
pub(crate) struct MovedBatch {
    array: FFI_ArrowArray,
    schema: FFI_ArrowSchema,
}

/// Moves a batch in, and its schema with it.
///
/// # Safety
/// Both pointers are NULL or point to structs that are valid or released, and a valid array has
/// the layout that the schema says.
pub(crate) unsafe fn move_batch(
    array: *mut FFI_ArrowArray,
    schema: *mut FFI_ArrowSchema,
) -> Result<MovedBatch, Failure> {
    // SAFETY: the same contract.
    let (array, schema) = unsafe { (move_array(array), move_schema(schema)) };
    Ok(MovedBatch { array: array?, schema: schema? })
}

impl MovedBatch {
    /// The batch. Its buffers stay those of the producer and are released with it.
    pub(crate) fn import(self) -> Result<RecordBatch, Failure> {
        let schema = read_schema(&self.schema)?;
        // SAFETY: neither struct is released, and by the contract of `move_batch` they agree.
        let data = unsafe { from_ffi(self.array, &self.schema) }.map_err(rejected)?;
        // The sizes of the buffers, not what is in them: a batch may be a small slice of a large
        // one, and the core looks at every offset it uses, and at the UTF-8 of what it writes.
        data.validate().map_err(rejected)?;
        check_views(&data)?;
        let columns = StructArray::from(data);
        if columns.null_count() > 0 {
            return Err(Failure::invalid("batch: whole rows are null, which no record can be"));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(columns.len()));
        RecordBatch::try_new_with_options(Arc::new(schema), columns.columns().to_vec(), &options).map_err(rejected)
    }
}

/// Views are the one thing that is trusted without a look when they are read.
fn check_views(data: &ArrayData) -> Result<(), Failure> {
    if matches!(data.data_type(), DataType::Utf8View | DataType::BinaryView) {
        data.validate_values().map_err(rejected)?;
    }
    data.child_data().iter().try_for_each(check_views)
}

/// Strings that the core has read, as an array. Looking once more whether they are UTF-8 would cost a twentieth of the
/// time of decoding.
pub(crate) fn strings(
    offsets: OffsetBuffer<i32>,
    values: Buffer,
    nulls: Option<NullBuffer>,
) -> Result<StringArray, ArrowError> {
    let rows = offsets.len() - 1;
    let fits = offsets[rows] as usize <= values.len() && nulls.as_ref().is_none_or(|nulls| nulls.len() == rows);
    if !fits {
        return StringArray::try_new(offsets, values, nulls);
    }
    // SAFETY: offsets ascend (their type says so) and end inside the values, and there is a null bit for each row. The
    // reader decodes only runs of lines that it has found to be UTF-8, takes strings from quote to quote, which are no
    // part of a longer character, and writes characters as UTF-8 where it resolves escapes.
    Ok(unsafe { StringArray::new_unchecked(offsets, values, nulls) })
}

/// Moves a batch out: `release` of the array frees it. The schema goes along if there is a place.
///
/// # Safety
/// `schema` is NULL or can take an ArrowSchema.
pub(crate) unsafe fn export_batch(
    batch: RecordBatch,
    array: Place<FFI_ArrowArray>,
    schema: *mut FFI_ArrowSchema,
) -> Result<(), Failure> {
    if !schema.is_null() {
        let exported = FFI_ArrowSchema::try_from(batch.schema().as_ref()).map_err(rejected)?;
        // SAFETY: by contract it can take an ArrowSchema.
        unsafe { Place::new("schema", schema) }?.put(exported);
    }
    array.put(FFI_ArrowArray::new(&StructArray::from(batch).into_data()));
    Ok(())
}

/// # Safety
/// `schema` is NULL or points to an ArrowSchema that is valid or released.
unsafe fn move_schema(schema: *mut FFI_ArrowSchema) -> Result<FFI_ArrowSchema, Failure> {
    if schema.is_null() {
        return Err(Failure::invalid("schema: is NULL"));
    }
    // SAFETY: it is not NULL and by contract initialised.
    let moved = unsafe { FFI_ArrowSchema::from_raw(schema) };
    match moved.release() {
        Some(_) => Ok(moved),
        None => Err(Failure::invalid("schema: has been released already")),
    }
}

/// # Safety
/// `array` is NULL or points to an ArrowArray that is valid or released.
unsafe fn move_array(array: *mut FFI_ArrowArray) -> Result<FFI_ArrowArray, Failure> {
    if array.is_null() {
        return Err(Failure::invalid("array: is NULL"));
    }
    // SAFETY: it is not NULL and by contract initialised.
    let moved = unsafe { FFI_ArrowArray::from_raw(array) };
    if moved.is_released() {
        return Err(Failure::invalid("array: has been released already"));
    }
    Ok(moved)
}

fn read_schema(schema: &FFI_ArrowSchema) -> Result<Schema, Failure> {
    let unknown = |error| Failure::new(DativoStatus::UnsupportedSchema, format!("schema: {error}"));
    Schema::try_from(schema).map_err(unknown)
}

fn rejected(error: ArrowError) -> Failure {
    Failure::invalid(format!("batch: {error}"))
}
