//! Rows of PostgreSQL.

use std::ffi::c_void;
use std::io::{PipeWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use dativo_core::pg::{OutOfRange, PgOptions, PgRows, PgStep, SpecialNumbers};

use crate::arrow::{export_batch, import_schema};
use crate::error::DativoError;
use crate::guard::guard;
use crate::handle::{borrow, exclusive, give, take_back};
use crate::input::Place;
use crate::options::sized;
use crate::pq::{DativoPqCalls, PqSource};
use crate::status::{DativoStatus, Failure};

/// Decodes the rows of one COPY in binary format. Made by dativo_pg_rows_new, ended by
/// dativo_pg_rows_free. It may move between threads but serves one at a time, except for
/// dativo_pg_rows_cancel. libpq allows one thread at a time to use a connection: while a call on the rows
/// runs, nobody else may, except for PQcancel and its like.
pub struct DativoPgRows {
    rows: Mutex<PgRows>,
    cancelled: Arc<AtomicBool>,
    waker: PipeWriter,
}

/// Limits and policies. 0 stands for the default everywhere. Fields are only ever appended.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct DativoPgOptions {
    /// sizeof(DativoPgOptions) as the caller knows it.
    pub struct_size: u32,
    /// Dates and times that are infinite or outside the years 1 to 9999, and 24:00: 0 the nearest that
    /// there is, 1 null, 2 an error.
    pub out_of_range: u32,
    /// NaN and infinite numbers: 0 null, 1 an error.
    pub special_numbers: u32,
    /// 0.
    pub reserved: u32,
    /// A batch is cut at this many rows (65,536).
    pub batch_rows: u64,
    /// A batch is cut at this many decoded bytes (16 MiB).
    pub batch_bytes: u64,
    /// Of changes alone: a position is handed over no more often than this, with all rows before it; 0 after
    /// every transaction.
    pub commit_millis: u64,
    /// Of changes alone: transactions that come before their commit take so many bytes of memory together,
    /// the rest is in files (16 MiB).
    pub spool_bytes: u64,
}

/// What a call for rows met.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DativoPgStep {
    /// No row arrived for idle_millis.
    Idle = 0,
    /// A batch.
    Batch = 1,
    /// Nothing follows; whether the COPY came to its end PQgetResult tells. If it did not, the rows after
    /// the last batch are dropped.
    End = 2,
    /// dativo_pg_rows_cancel was called. Rows may be left on the connection.
    Cancelled = 3,
}

/// Makes a reader of the COPY that `pgconn` is in, a PGconn of the libpq whose functions are `calls`.
/// It needs the connection open until it is freed. `schema` is a struct whose children are the columns, in
/// the order in which they are copied, and is moved in whatever the outcome; `dativo.pg` in a field's
/// metadata names the form its values come in. `options` may be NULL.
///
/// # Safety
/// The rules at the top of dativo.h; the connection stays open until the rows are freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_pg_rows_new(
    pgconn: *mut c_void,
    calls: *const DativoPqCalls,
    schema: *mut FFI_ArrowSchema,
    options: *const DativoPgOptions,
    rows: *mut *mut DativoPgRows,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `schema` is NULL, valid or released. It goes first: it is moved in any case.
        let schema = unsafe { import_schema(schema) }?;
        // SAFETY: `rows` is NULL or a place for a pointer.
        let place = unsafe { Place::new("rows", rows) }?;
        // SAFETY: `options` is NULL or points to its own struct_size bytes, integers all of them.
        let options = resolve(&unsafe { sized(options) }?)?;
        let (wake, waker) = std::io::pipe()?;
        // SAFETY: by contract the connection is open and stays so, and `calls` are of its libpq.
        let (source, idle_millis) = unsafe { PqSource::new(pgconn, calls, wake) }?;
        let rows = PgRows::new(Box::new(source), schema, PgOptions { idle_millis, ..options })?;
        place.put(give(DativoPgRows { cancelled: rows.cancel_flag(), rows: Mutex::new(rows), waker }));
        Ok(())
    })
}

/// Reads up to the next batch, or as far as there are rows. `step` becomes a DativoPgStep; `batch` is written
/// for DATIVO_PG_STEP_BATCH alone, and the caller releases it. After an error nothing more can be read.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_pg_rows_next(
    rows: *mut DativoPgRows,
    batch: *mut FFI_ArrowArray,
    step: *mut i32,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `rows` is NULL or live, the others are NULL or places.
        let (rows, batch, step) = unsafe { (borrow(rows)?, Place::new("batch", batch)?, Place::new("step", step)?) };
        let met = match exclusive(&rows.rows)?.next_step()? {
            PgStep::Batch(rows) => {
                // SAFETY: no place for a schema is given.
                unsafe { export_batch(rows, batch, std::ptr::null_mut()) }?;
                DativoPgStep::Batch
            }
            PgStep::Idle => DativoPgStep::Idle,
            PgStep::End => DativoPgStep::End,
            PgStep::Cancelled => DativoPgStep::Cancelled,
        };
        step.put(met as i32);
        Ok(())
    })
}

/// How many values of each of the `columns` columns a policy has changed so far.
///
/// # Safety
/// The rules at the top of dativo.h; `counts` can take `columns` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_pg_rows_tally(
    rows: *const DativoPgRows,
    counts: *mut u64,
    columns: usize,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `rows` is NULL or live, `counts` is NULL or can take a number.
        let (rows, _) = unsafe { (borrow(rows)?, Place::new("counts", counts)?) };
        let rows = exclusive(&rows.rows)?;
        if columns != rows.tally().len() {
            return Err(Failure::invalid(format!("columns: there are {}", rows.tally().len())));
        }
        // SAFETY: `counts` is not NULL and by contract can take `columns` numbers, which are as many as there are; a
        // tally of the library's is not the caller's memory.
        unsafe { std::ptr::copy_nonoverlapping(rows.tally().as_ptr(), counts, columns) };
        Ok(())
    })
}

/// Makes dativo_pg_rows_next return DATIVO_PG_STEP_CANCELLED at once, also one that is waiting now. Any
/// thread may call it at any time before the free. NULL is fine.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_pg_rows_cancel(rows: *const DativoPgRows) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: `rows` is NULL or live.
        let rows = unsafe { borrow(rows) }?;
        if !rows.cancelled.swap(true, Ordering::SeqCst) {
            // One byte always fits into an empty pipe.
            (&rows.waker).write_all(&[1])?;
        }
        Ok(())
    });
}

/// Ends the rows; the connection stays as it is. NULL is fine.
///
/// # Safety
/// The rules at the top of dativo.h; no other call on the rows is running or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_pg_rows_free(rows: *mut DativoPgRows) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: `rows` is NULL or comes from `dativo_pg_rows_new`, and is not used again.
        unsafe { take_back(rows) };
        Ok(())
    });
}

pub(crate) fn resolve(options: &DativoPgOptions) -> Result<PgOptions, Failure> {
    let defaults = PgOptions::default();
    Ok(PgOptions {
        batch_rows: size(options.batch_rows, defaults.batch_rows),
        batch_bytes: size(options.batch_bytes, defaults.batch_bytes),
        out_of_range: match options.out_of_range {
            0 => OutOfRange::Clamp,
            1 => OutOfRange::Null,
            2 => OutOfRange::Fail,
            other => return Err(Failure::invalid(format!("options: out_of_range {other}"))),
        },
        special_numbers: match options.special_numbers {
            0 => SpecialNumbers::Null,
            1 => SpecialNumbers::Fail,
            other => return Err(Failure::invalid(format!("options: special_numbers {other}"))),
        },
        ..defaults
    })
}

/// A size as the caller says it, 0 for the default.
pub(crate) fn size(value: u64, default: usize) -> usize {
    match usize::try_from(value) {
        Ok(0) => default,
        Ok(value) => value,
        Err(_) => usize::MAX,
    }
}
