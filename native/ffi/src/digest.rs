//! Digests.

use std::sync::Mutex;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use dativo_core::Digest;

use crate::calls::{make, take_batch};
use crate::error::DativoError;
use crate::guard::guard;
use crate::handle::{borrow, exclusive, take_back};
use crate::input::Place;
use crate::status::DativoStatus;

/// Adds up a number for the rows of batches, whatever their order and encoding. Made by
/// dativo_digest_new, ended by dativo_digest_free. It may move between threads but serves one at a
/// time.
pub struct DativoDigest {
    digest: Mutex<Digest>,
}

/// The digest of rows, in two halves. The digest of rows that are together is the sum of theirs,
/// half by half, modulo 2^64.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct DativoDigestValue {
    /// The first half.
    pub first: u64,
    /// The second half.
    pub second: u64,
}

/// Makes a digest for batches of `schema` (a struct whose children are the columns, moved in
/// whatever the outcome).
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_digest_new(
    schema: *mut FFI_ArrowSchema,
    digest: *mut *mut DativoDigest,
    error: *mut DativoError,
) -> DativoStatus {
    // SAFETY: the same contract.
    unsafe {
        make(schema, "digest", digest, error, |schema| Ok(DativoDigest { digest: Mutex::new(Digest::new(schema)?) }))
    }
}

/// Adds the rows of a batch. `array` and `schema` are moved in whatever the outcome; the batch is
/// released before the call returns. A batch that is refused adds nothing.
///
/// # Safety
/// The rules at the top of dativo.h; `array` has the layout that `schema` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_digest_update(
    digest: *mut DativoDigest,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
    error: *mut DativoError,
) -> DativoStatus {
    // SAFETY: the same contract.
    unsafe {
        take_batch(digest.cast_const(), schema, array, error, |digest: &DativoDigest, batch| {
            Ok(exclusive(&digest.digest)?.update(batch)?)
        })
    }
}

/// The digest of all rows so far.
///
/// # Safety
/// The rules at the top of dativo.h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_digest_value(
    digest: *const DativoDigest,
    value: *mut DativoDigestValue,
    error: *mut DativoError,
) -> DativoStatus {
    guard(error, || {
        // SAFETY: both are NULL or point to what the header says.
        let (digest, place) = unsafe { (borrow(digest)?, Place::new("value", value)?) };
        let [first, second] = exclusive(&digest.digest)?.value();
        place.put(DativoDigestValue { first, second });
        Ok(())
    })
}

/// Ends a digest. NULL is fine.
///
/// # Safety
/// The rules at the top of dativo.h; no other call on the digest is running or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_digest_free(digest: *mut DativoDigest) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: `digest` is NULL or comes from `dativo_digest_new`, and is not used again.
        unsafe { take_back(digest) };
        Ok(())
    });
}
