//! Streams of PostgreSQL's changes.

use std::ffi::{c_char, c_void};
use std::io::{PipeWriter, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use dativo_core::pg::{ChangesOptions, PgChange, PgChanges, PgOptions, SpoolOptions};

use crate::arrow::{export_batch, import_schema};
use crate::error::DativoError;
use crate::guard::guard;
use crate::handle::{borrow, exclusive, give, take_back};
use crate::input::{Place, text};
use crate::options::sized;
use crate::pg_change::{DativoPgChange, Told};
use crate::pg_rows::{DativoPgOptions, resolve, size};
use crate::pq::{DativoPqCalls, PqSource};
use crate::status::{DativoStatus, Failure};

/// Decodes the changes of one START_REPLICATION … LOGICAL with the plugin pgoutput, of protocol 1 or 2 and
/// with values as text. Made by dativo_pg_changes_new, ended by dativo_pg_changes_free. It may move between
/// threads but serves one at a time, except for dativo_pg_changes_cancel. It never writes to the connection:
/// the caller answers the server between calls.
pub struct DativoPgChanges {
    state: Mutex<State>,
    cancelled: Arc<AtomicBool>,
    waker: PipeWriter,
}

struct State {
    changes: PgChanges,
    told: Told,
}

/// Makes a reader of the replication that `pgconn` is in, a PGconn of the libpq whose functions are `calls`.
/// It needs the connection open until it is freed. `options` may be NULL. Transactions that are streamed
/// before their commit wait in files of the directory `spool_dir` if they are large; empty is the system's
/// directory for temporary files.
///
/// # Safety
/// The rules at the top of dativo.h; the connection stays open until the changes are freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_pg_changes_new(
    pgconn: *mut c_void,
    calls: *const DativoPqCalls,
    options: *const DativoPgOptions,
    spool_dir: *const c_char,
    spool_dir_len: usize,
    changes: *mut *mut DativoPgChanges,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `changes` is NULL or a place for a pointer, `spool_dir` is NULL or points to so many bytes.
        let (place, directory) =
            unsafe { (Place::new("changes", changes)?, text("spool_dir", spool_dir, spool_dir_len)?) };
        // SAFETY: `options` is NULL or points to its own struct_size bytes, integers all of them.
        let given = unsafe { sized(options) }?;
        let (wake, waker) = std::io::pipe()?;
        // SAFETY: by contract the connection is open and stays so, and `calls` are of its libpq.
        let (source, idle_millis) = unsafe { PqSource::new(pgconn, calls, wake) }?;
        let options = PgOptions { idle_millis, ..resolve(&given)? };
        let changes = PgChanges::new(Box::new(source), options, of_changes(&given, directory));
        place.put(give(DativoPgChanges {
            cancelled: changes.cancel_flag(),
            state: Mutex::new(State { changes, told: Told::NOTHING }),
            waker,
        }));
        Ok(())
    })
}

/// The next change. It borrows from the changes until the next call. A BATCH that is not exported before the
/// next call is dropped. After an error nothing more can be read.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_pg_changes_next(
    changes: *mut DativoPgChanges,
    change: *mut DativoPgChange,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `changes` is NULL or live, `change` is NULL or a place for a change.
        let (changes, place) = unsafe { (borrow(changes)?, Place::new("change", change)?) };
        let state = &mut *exclusive(&changes.state)?;
        state.told = Told::NOTHING;
        state.told = Told::new(state.changes.next_change()?);
        place.put(state.told.to_c(&state.changes));
        Ok(())
    })
}

/// Moves the batch of the last change out; the caller releases it. Its columns are the planned ones and one
/// more, `_dativo_unchanged`: a list of int16, the indices of the columns that are null in this row only
/// because their values did not change and were not sent. `schema` may be NULL. A batch can be taken once.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_pg_changes_batch_export(
    changes: *mut DativoPgChanges,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `changes` is NULL or live, `array` is NULL or a place for an array.
        let (changes, place) = unsafe { (borrow(changes)?, Place::new("array", array)?) };
        let mut state = exclusive(&changes.state)?;
        match std::mem::replace(&mut state.told, Told::NOTHING) {
            // SAFETY: `schema` is NULL or a place for a schema.
            Told { change: PgChange::Batch { batch, .. }, .. } => unsafe { export_batch(batch, place, schema) },
            other => {
                state.told = other;
                Err(Failure::invalid("there is no batch to export: the last change was not one, or it was taken"))
            }
        }
    })
}

/// Says how the changes of the relation `relid` become columns: `schema` is a struct whose children are the
/// columns, moved in whatever the outcome; NULL skips the relation. A field is named like the relation's
/// column and has `dativo.pg` in its metadata, or `dativo.source`: `lsn`, `xid` (int64), `commit_time`,
/// `deleted_at` (timestamp in UTC). `dativo.key` = `true` marks the key. Changes of transactions that were
/// committed before `from_lsn` are skipped. Call it after a RELATION, before the next call; later only while
/// no rows of the relation are waiting.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_pg_changes_plan(
    changes: *mut DativoPgChanges,
    relid: u32,
    schema: *mut FFI_ArrowSchema,
    from_lsn: u64,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        let schema = if schema.is_null() {
            None
        } else {
            // SAFETY: `schema` is valid or released. It goes first: it is moved in any case.
            Some(unsafe { import_schema(schema) }?)
        };
        // SAFETY: `changes` is NULL or live.
        let changes = unsafe { borrow(changes) }?;
        Ok(exclusive(&changes.state)?.changes.plan(relid, schema, from_lsn)?)
    })
}

/// Makes the next position between transactions due at once: dativo_pg_changes_next hands over the rows before
/// it and then a COMMIT.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_pg_changes_flush(
    changes: *mut DativoPgChanges,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `changes` is NULL or live.
        let changes = unsafe { borrow(changes) }?;
        exclusive(&changes.state)?.changes.flush();
        Ok(())
    })
}

/// How many values of each of the `columns` planned columns of `relid` a policy has changed since it was planned.
///
/// # Safety
/// The rules at the top of dativo.h; `counts` can take `columns` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_pg_changes_tally(
    changes: *const DativoPgChanges,
    relid: u32,
    counts: *mut u64,
    columns: usize,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: `changes` is NULL or live, `counts` is NULL or can take a number.
        let (changes, _) = unsafe { (borrow(changes)?, Place::new("counts", counts)?) };
        let state = exclusive(&changes.state)?;
        let tally = state.changes.tally(relid)?;
        if columns != tally.len() {
            return Err(Failure::invalid(format!("columns: there are {}", tally.len())));
        }
        // SAFETY: `counts` is not NULL and by contract can take `columns` numbers, which are as many as there are; a
        // tally of the library's is not the caller's memory.
        unsafe { std::ptr::copy_nonoverlapping(tally.as_ptr(), counts, columns) };
        Ok(())
    })
}

/// Makes dativo_pg_changes_next return DATIVO_PG_CHANGE_KIND_CANCELLED soon, also one that is waiting now. Any
/// thread may call it at any time before the free. NULL is fine.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_pg_changes_cancel(changes: *const DativoPgChanges) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: `changes` is NULL or live.
        let changes = unsafe { borrow(changes) }?;
        if !changes.cancelled.swap(true, Ordering::SeqCst) {
            // One byte always fits into an empty pipe.
            (&changes.waker).write_all(&[1])?;
        }
        Ok(())
    });
}

/// Ends the changes; the connection stays as it is. NULL is fine.
///
/// # Safety
/// The rules at the top of dativo.h; no other call on the changes is running or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_pg_changes_free(changes: *mut DativoPgChanges) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: `changes` is NULL or comes from `dativo_pg_changes_new`, and is not used again.
        unsafe { take_back(changes) };
        Ok(())
    });
}

fn of_changes(options: &DativoPgOptions, directory: &str) -> ChangesOptions {
    let defaults = SpoolOptions::default();
    ChangesOptions {
        commit_interval: Duration::from_millis(options.commit_millis),
        spool: SpoolOptions {
            directory: if directory.is_empty() { defaults.directory } else { PathBuf::from(directory) },
            memory: size(options.spool_bytes, defaults.memory),
        },
    }
}
