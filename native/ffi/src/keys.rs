//! Keys of rows.

use std::sync::{Arc, Mutex, RwLock};

use arrow_array::RecordBatch;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_schema::{DataType, Field, Schema};
use dativo_core::{Error, KeyLog, KeySet};

use crate::arrow::{export_batch, move_batch};
use crate::calls::{make, take_batch};
use crate::error::DativoError;
use crate::guard::guard;
use crate::handle::{borrow, exclusive, shared, take_back, unshared};
use crate::input::Place;
use crate::status::DativoStatus;

/// Which row of each key came last, and which rows are overtaken by another of their key. Made by
/// dativo_key_log_new, ended by dativo_key_log_free. It may move between threads but serves one at a
/// time.
pub struct DativoKeyLog {
    log: Mutex<KeyLog>,
}

/// A set of keys. Made by dativo_key_set_new, ended by dativo_key_set_free. Any number of threads at a
/// time may call dativo_key_set_contains, while none calls another function of it.
pub struct DativoKeySet {
    set: RwLock<KeySet>,
}

/// How much there is.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct DativoKeyCount {
    /// Different keys.
    pub keys: u64,
    /// Memory in use, in bytes.
    pub bytes: u64,
}

/// Makes a log for rows whose key are the columns of `schema` (a struct whose children they are, moved
/// in whatever the outcome).
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_key_log_new(
    schema: *mut FFI_ArrowSchema,
    log: *mut *mut DativoKeyLog,
    error: *mut DativoError,
) -> DativoStatus {
    // SAFETY: the same contract.
    unsafe { make(schema, "log", log, error, |schema| Ok(DativoKeyLog { log: Mutex::new(KeyLog::new(&schema)?) })) }
}

/// Takes rows: the columns of the key, then `file` (uint32), `position` in it (uint32) and `order`
/// (int64). Of two rows with one key the one of higher order counts, of equal ones the later. The file
/// 2^32-1 says that the key is deleted. A row without a key is refused, and with it the batch. `array`
/// and `schema` are moved in whatever the outcome; the batch is released before the call returns.
///
/// # Safety
/// The rules at the top of dativo.h; `array` has the layout that `schema` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_key_log_put(
    log: *mut DativoKeyLog,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    error: *mut DativoError,
) -> DativoStatus {
    // SAFETY: the same contract.
    unsafe {
        take_batch(log.cast_const(), schema, array, error, |log: &DativoKeyLog, batch| {
            Ok(exclusive(&log.log)?.put(batch)?)
        })
    }
}

/// The rows that have been overtaken since the last call, as `file` and `position` (uint32), in order
/// of both.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_key_log_overtaken(
    log: *mut DativoKeyLog,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    error: *mut DativoError,
) -> DativoStatus {
    // SAFETY: the same contract.
    unsafe { with_log(log, schema, array, error, KeyLog::take_overtaken) }
}

/// The last row of `count` keys from the key `first` on, in order of the keys' arrival, laid out as
/// dativo_key_log_put takes them; as many as there are.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_key_log_slice(
    log: *mut DativoKeyLog,
    first: u64,
    count: u64,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    error: *mut DativoError,
) -> DativoStatus {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    // SAFETY: the same contract.
    unsafe { with_log(log, schema, array, error, |log| log.slice(number(first), number(count))) }
}

/// The last row of each key of one of `buckets` parts, laid out as dativo_key_log_put takes them. A key
/// is in the same part of every log.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_key_log_bucket(
    log: *mut DativoKeyLog,
    bucket: u32,
    buckets: u32,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    error: *mut DativoError,
) -> DativoStatus {
    // SAFETY: the same contract.
    unsafe { with_log(log, schema, array, error, |log| log.bucket(bucket, buckets)) }
}

/// Counts the keys of a log.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_key_log_count(
    log: *const DativoKeyLog,
    count: *mut DativoKeyCount,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: both are NULL or point to what the header says.
        let (log, place) = unsafe { (borrow(log)?, Place::new("count", count)?) };
        let log = exclusive(&log.log)?;
        place.put(DativoKeyCount { keys: log.len() as u64, bytes: log.size() as u64 });
        Ok(())
    })
}

/// Ends a log. NULL is fine.
///
/// # Safety
/// The rules at the top of dativo.h; no other call on the log is running or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_key_log_free(log: *mut DativoKeyLog) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: `log` is NULL or comes from `dativo_key_log_new`, and is not used again.
        unsafe { take_back(log) };
        Ok(())
    });
}

/// Makes a set for keys of the columns of `schema` (a struct whose children they are, moved in
/// whatever the outcome).
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_key_set_new(
    schema: *mut FFI_ArrowSchema,
    set: *mut *mut DativoKeySet,
    error: *mut DativoError,
) -> DativoStatus {
    // SAFETY: the same contract.
    unsafe { make(schema, "set", set, error, |schema| Ok(DativoKeySet { set: RwLock::new(KeySet::new(&schema)?) })) }
}

/// Adds the keys of a batch; rows where a column is null or NaN add nothing. `array` and `schema` are
/// moved in whatever the outcome; the batch is released before the call returns.
///
/// # Safety
/// The rules at the top of dativo.h; `array` has the layout that `schema` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_key_set_add(
    set: *mut DativoKeySet,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    error: *mut DativoError,
) -> DativoStatus {
    // SAFETY: the same contract.
    unsafe {
        take_batch(set.cast_const(), schema, array, error, |set: &DativoKeySet, batch| {
            Ok(unshared(&set.set)?.add(batch)?)
        })
    }
}

/// Tells which rows of a batch have a key that is in the set: `hits` becomes a batch of one column
/// `hit` (boolean, no nulls). `array` and `schema` are moved in whatever the outcome; the batch is
/// released before the call returns.
///
/// # Safety
/// The rules at the top of dativo.h; `array` has the layout that `schema` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_key_set_contains(
    set: *const DativoKeySet,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    hits: *mut FFI_ArrowArray,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: both are NULL, valid or released, and agree. They go first: they are moved in any case.
        let batch = unsafe { move_batch(array, schema) };
        // SAFETY: `set` is NULL or comes from `dativo_key_set_new`, `hits` is NULL or can take an array.
        let (set, place) = unsafe { (borrow(set)?, Place::new("hits", hits)?) };
        let set = shared(&set.set)?;
        let found = set.contains(&batch?.import()?)?;
        let schema = Schema::new(vec![Field::new("hit", DataType::Boolean, false)]);
        let found = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(found)]).map_err(Error::from)?;
        // SAFETY: no place for a schema is given.
        unsafe { export_batch(found, place, std::ptr::null_mut()) }
    })
}

/// Counts the keys of a set.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_key_set_count(
    set: *const DativoKeySet,
    count: *mut DativoKeyCount,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: both are NULL or point to what the header says.
        let (set, place) = unsafe { (borrow(set)?, Place::new("count", count)?) };
        let set = shared(&set.set)?;
        place.put(DativoKeyCount { keys: set.len() as u64, bytes: set.size() as u64 });
        Ok(())
    })
}

/// Ends a set. NULL is fine.
///
/// # Safety
/// The rules at the top of dativo.h; no other call on the set is running or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_key_set_free(set: *mut DativoKeySet) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: `set` is NULL or comes from `dativo_key_set_new`, and is not used again.
        unsafe { take_back(set) };
        Ok(())
    });
}

/// Moves out what `rows` makes of a log.
///
/// # Safety
/// `log` is NULL or a log; `schema` and `array` are NULL or can take what their types say.
unsafe fn with_log(
    log: *mut DativoKeyLog,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    error: *mut DativoError,
    rows: impl FnOnce(&mut KeyLog) -> Result<RecordBatch, Error>,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: by contract `log` is NULL or a log, and `array` is NULL or can take an ArrowArray.
        let (log, place) = unsafe { (borrow(log)?, Place::new("array", array)?) };
        let batch = rows(&mut *exclusive(&log.log)?)?;
        // SAFETY: by contract `schema` is NULL or can take an ArrowSchema.
        unsafe { export_batch(batch, place, schema) }
    })
}
