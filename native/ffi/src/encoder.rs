//! Encoders.

use std::ffi::c_char;
use std::sync::Mutex;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use dativo_core::Encoder;

use crate::arrow::{import_schema, move_batch};
use crate::error::DativoError;
use crate::guard::guard;
use crate::handle::{borrow, exclusive, give, take_back};
use crate::input::{Place, text};
use crate::slice::DativoSlice;
use crate::status::DativoStatus;

/// Writes the batches of one stream as RECORD lines. Made by dativo_encoder_new, ended by
/// dativo_encoder_free. It may move between threads but serves one at a time.
pub struct DativoEncoder {
    encoder: Mutex<Encoder>,
}

/// Makes an encoder for batches of `schema` (a struct whose children are the columns, moved in
/// whatever the outcome). `version` is written into every line; NULL writes none. With a NULL
/// `stream` the lines are the records alone, as in a batch file, and `version` is not used.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_encoder_new(
    stream: *const c_char,
    stream_len: usize,
    schema: *mut FFI_ArrowSchema,
    version: *const i64,
    encoder: *mut *mut DativoEncoder,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `schema` is NULL, valid or released. It goes first: it is moved in any case.
        let schema = unsafe { import_schema(schema) }?;
        let is_bare = stream.is_null();
        // SAFETY: all three are NULL or point to what the header says.
        let (stream, version, place) = unsafe {
            (text("stream", stream, stream_len)?, version.as_ref().copied(), Place::new("encoder", encoder)?)
        };
        let encoder = if is_bare { Encoder::bare(schema) } else { Encoder::new(stream, schema, version) }?;
        place.put(give(DativoEncoder { encoder: Mutex::new(encoder) }));
        Ok(())
    })
}

/// The rows of a batch as RECORD lines, each ending in a line feed, valid until the next call on the
/// encoder. `array` and `schema` are moved in whatever the outcome; the batch is released before
/// the call returns. `time_extracted` is written into every line; NULL writes none.
///
/// # Safety
/// The rules at the top of dativo.h; `array` has the layout that `schema` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_encoder_encode(
    encoder: *mut DativoEncoder,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    time_extracted: *const c_char,
    time_extracted_len: usize,
    lines: *mut DativoSlice,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: both are NULL, valid or released, and agree. They go first: they are moved in any case.
        let batch = unsafe { move_batch(array, schema) };
        // SAFETY: all three are NULL or point to what the header says.
        let (encoder, time, place) = unsafe {
            (borrow(encoder)?, text("time_extracted", time_extracted, time_extracted_len)?, Place::new("lines", lines)?)
        };
        let time = (!time_extracted.is_null()).then_some(time);
        let mut encoder = exclusive(&encoder.encoder)?;
        place.put(DativoSlice::of(encoder.encode(&batch?.import()?, time)?));
        Ok(())
    })
}

/// Ends an encoder. NULL is fine.
///
/// # Safety
/// The rules at the top of dativo.h; no other call on the encoder is running or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_encoder_free(encoder: *mut DativoEncoder) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: `encoder` is NULL or comes from `dativo_encoder_new`, and is not used again.
        unsafe { take_back(encoder) };
        Ok(())
    });
}
