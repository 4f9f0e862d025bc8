//! Arguments from C as Rust values, and outputs back to C.

use std::ffi::c_char;
use std::slice;

use crate::status::Failure;

/// The bytes an argument points to. An empty one may be NULL.
///
/// # Safety
/// `data` is NULL or points to `len` bytes that nobody changes during `'a`.
pub(crate) unsafe fn bytes<'a>(name: &str, data: *const u8, len: usize) -> Result<&'a [u8], Failure> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() || len > isize::MAX as usize {
        return Err(Failure::invalid(format!("{name}: a pointer and its length are needed")));
    }
    // SAFETY: `data` is not NULL, by contract points to `len` bytes, and `len` fits a slice.
    Ok(unsafe { slice::from_raw_parts(data, len) })
}

/// The text an argument points to, which must be UTF-8.
///
/// # Safety
/// As for [`bytes`].
pub(crate) unsafe fn text<'a>(name: &str, data: *const c_char, len: usize) -> Result<&'a str, Failure> {
    // SAFETY: the same contract.
    let bytes = unsafe { bytes(name, data.cast(), len) }?;
    std::str::from_utf8(bytes).map_err(|_| Failure::invalid(format!("{name}: is not UTF-8")))
}

/// A place for an output. It is checked first and written last, so nothing is written by a call
/// that fails.
pub(crate) struct Place<T>(*mut T);

impl<T> Place<T> {
    /// # Safety
    /// `place` is NULL or points to memory that can take a `T` for as long as this value lives.
    pub(crate) unsafe fn new(name: &str, place: *mut T) -> Result<Place<T>, Failure> {
        if place.is_null() {
            return Err(Failure::invalid(format!("{name}: there must be a place for the output")));
        }
        Ok(Place(place))
    }

    pub(crate) fn put(self, value: T) {
        // SAFETY: `new` saw that it is not NULL, and by its contract it can take a `T`. What was
        // there is uninitialised or the caller's to free, so it is not dropped.
        unsafe { self.0.write(value) };
    }
}
