//! What several kinds of handles do alike: being made for a schema, and taking a batch.

use arrow_array::RecordBatch;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_schema::SchemaRef;
use dativo_core::Error;

use crate::arrow::{import_schema, move_batch};
use crate::error::DativoError;
use crate::guard::guard;
use crate::handle::{borrow, give};
use crate::input::Place;
use crate::status::{DativoStatus, Failure};

/// Makes a handle for batches of `schema`, which is moved in whatever the outcome.
///
/// # Safety
/// `schema` is NULL or points to an ArrowSchema that is valid or released; `handle` is NULL or can take
/// a pointer.
pub(crate) unsafe fn make<T>(
    schema: *mut FFI_ArrowSchema,
    name: &'static str,
    handle: *mut *mut T,
    error: *mut DativoError,
    new: impl FnOnce(SchemaRef) -> Result<T, Error>,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: by contract `schema` is NULL, valid or released. It goes first: it is moved in any case.
        let schema = unsafe { import_schema(schema) }?;
        // SAFETY: by contract `handle` is NULL or can take a pointer.
        let place = unsafe { Place::new(name, handle) }?;
        place.put(give(new(schema)?));
        Ok(())
    })
}

/// Has a handle take a batch. `array` and `schema` are moved in whatever the outcome; the batch is
/// released before the call returns.
///
/// # Safety
/// `handle` is NULL or a live handle of its type; `array` and `schema` are NULL or point to structs that
/// are valid or released, and a valid array has the layout that the schema says.
pub(crate) unsafe fn take_batch<T>(
    handle: *const T,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    error: *mut DativoError,
    take: impl FnOnce(&T, &RecordBatch) -> Result<(), Failure>,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: by contract both are NULL, valid or released, and agree. They go first: they are moved in any case.
        let batch = unsafe { move_batch(array, schema) };
        // SAFETY: by contract `handle` is NULL or alive.
        let handle = unsafe { borrow(handle) }?;
        take(handle, &batch?.import()?)
    })
}
