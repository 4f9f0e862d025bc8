//! Readers.

use std::ffi::c_char;
use std::io::{PipeWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use dativo_core::{Event, Reader, ReaderOptions};

use crate::arrow::{export_batch, import_schema, strings};
use crate::error::DativoError;
use crate::event::DativoEvent;
use crate::fd::FdSource;
use crate::guard::guard;
use crate::handle::{borrow, exclusive, give, take_back};
use crate::input::{Place, bytes, text};
use crate::options::{self, DativoReaderOptions};
use crate::stats::{DativoStats, SharedStats};
use crate::status::{DativoStatus, Failure};

/// Decodes a Singer stream. Made by dativo_reader_new, ended by dativo_reader_free. It may move
/// between threads but serves one at a time, except for dativo_reader_cancel and dativo_reader_stats.
pub struct DativoReader {
    state: Mutex<State>,
    cancelled: Arc<AtomicBool>,
    waker: Option<PipeWriter>,
    stats: SharedStats,
}

struct State {
    reader: Reader,
    /// What the caller was told last; it borrows from it.
    event: Event,
}

impl DativoReader {
    fn new(reader: Reader, waker: Option<PipeWriter>) -> DativoReader {
        DativoReader {
            cancelled: reader.cancel_flag(),
            state: Mutex::new(State { reader: reader.with_strings(strings), event: Event::NeedInput }),
            waker,
            stats: SharedStats::default(),
        }
    }

    fn cancel(&self) {
        let first = !self.cancelled.swap(true, Ordering::SeqCst);
        if let (true, Some(mut waker)) = (first, self.waker.as_ref()) {
            // One byte always fits into an empty pipe; if its reader is gone nobody is waiting.
            let _ = waker.write(&[1]);
        }
    }
}

/// Makes a reader. With `fd` >= 0 it reads that descriptor itself, does not close it, and needs it
/// open until it is freed; with -1 it is fed. `options` may be NULL.
///
/// # Safety
/// The rules at the top of dativo.h; `fd` stays open until the reader is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_reader_new(
    fd: i32,
    options: *const DativoReaderOptions,
    reader: *mut *mut DativoReader,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `reader` is NULL or a place for a pointer.
        let place = unsafe { Place::new("reader", reader) }?;
        // SAFETY: `options` is NULL or points to its own struct_size bytes.
        let options = unsafe { options::read(options) }?;
        let made = match fd {
            -1 => DativoReader::new(Reader::fed(options), None),
            // SAFETY: by contract the descriptor stays open until the reader is freed.
            fd => unsafe { reader_of(fd, options) }?,
        };
        place.put(give(made));
        Ok(())
    })
}

/// # Safety
/// `fd` stays open as long as the reader lives.
unsafe fn reader_of(fd: i32, options: ReaderOptions) -> Result<DativoReader, Failure> {
    let (wake, waker) = std::io::pipe()?;
    // SAFETY: the same contract.
    let source = unsafe { FdSource::new(fd, wake) }?;
    let reader = Reader::from_source(Box::new(source), options);
    Ok(DativoReader::new(reader, Some(waker)))
}

/// Adds `len` bytes of input, which are copied. Only for a reader without a descriptor.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_reader_feed(
    reader: *mut DativoReader,
    data: *const u8,
    len: usize,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `reader` is NULL or live, `data` is NULL or points to `len` bytes.
        let (reader, data) = unsafe { (borrow(reader)?, bytes("data", data, len)?) };
        Ok(exclusive(&reader.state)?.reader.feed(data)?)
    })
}

/// Says that no input follows. Only for a reader without a descriptor.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_reader_finish(reader: *mut DativoReader, error: *mut DativoError) -> DativoStatus {
    guard(error, || {
        // SAFETY: `reader` is NULL or live.
        let reader = unsafe { borrow(reader) }?;
        Ok(exclusive(&reader.state)?.reader.finish()?)
    })
}

/// The next event. It borrows from the reader until the next call. A BATCH that is not exported
/// before the next call is dropped.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_reader_next(
    reader: *mut DativoReader,
    event: *mut DativoEvent,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `reader` is NULL or live, `event` is NULL or a place for an event.
        let (reader, place) = unsafe { (borrow(reader)?, Place::new("event", event)?) };
        let mut state = exclusive(&reader.state)?;
        let next = state.reader.next_event();
        reader.stats.publish(state.reader.stats());
        state.event = next?;
        place.put(DativoEvent::of(&state.event));
        Ok(())
    })
}

/// Says how the records of `stream` become columns: `schema` is a struct whose children are the
/// columns, moved in whatever the outcome. `validation` is the JSON Schema that the records must
/// satisfy, empty for none. Call it after a SCHEMA event, before the next dativo_reader_next.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_reader_plan(
    reader: *mut DativoReader,
    stream: *const c_char,
    stream_len: usize,
    schema: *mut FFI_ArrowSchema,
    validation: *const u8,
    validation_len: usize,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `schema` is NULL, valid or released. It goes first: it is moved in any case.
        let schema = unsafe { import_schema(schema) }?;
        // SAFETY: `reader` is NULL or live; the others are NULL or point to so many bytes.
        let (reader, stream, validation) = unsafe {
            (borrow(reader)?, text("stream", stream, stream_len)?, bytes("validation", validation, validation_len)?)
        };
        Ok(exclusive(&reader.state)?.reader.plan(stream, schema, validation)?)
    })
}

/// Moves the batch of the last event out; the caller releases it. `schema` may be NULL if the
/// caller still has the planned one. A batch can be taken once.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_reader_batch_export(
    reader: *mut DativoReader,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `reader` is NULL or live, `array` is NULL or a place for an array.
        let (reader, place) = unsafe { (borrow(reader)?, Place::new("array", array)?) };
        let mut state = exclusive(&reader.state)?;
        match std::mem::replace(&mut state.event, Event::NeedInput) {
            // SAFETY: `schema` is NULL or a place for a schema.
            Event::Batch { batch, .. } => unsafe { export_batch(batch, place, schema) },
            other => {
                state.event = other;
                Err(Failure::invalid("there is no batch to export: the last event was not one, or it was taken"))
            }
        }
    })
}

/// Totals as of the last event. Any thread, any time.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_reader_stats(
    reader: *const DativoReader,
    stats: *mut DativoStats,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `reader` is NULL or live, `stats` is NULL or a place for totals.
        let (reader, place) = unsafe { (borrow(reader)?, Place::new("stats", stats)?) };
        place.put(reader.stats.read());
        Ok(())
    })
}

/// Makes dativo_reader_next return END at once, also one that is waiting now. Any thread, any time
/// before the free. NULL is fine.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_reader_cancel(reader: *const DativoReader) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: `reader` is NULL or live.
        unsafe { borrow(reader) }?.cancel();
        Ok(())
    });
}

/// Ends a reader. NULL is fine.
///
/// # Safety
/// The rules at the top of dativo.h; no other call on the reader is running or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_reader_free(reader: *mut DativoReader) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: `reader` is NULL or comes from `dativo_reader_new`, and is not used again.
        unsafe { take_back(reader) };
        Ok(())
    });
}
