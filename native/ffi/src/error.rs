//! The error a caller owns.

use std::ffi::c_char;
use std::ptr;

use crate::handle::{count, discount};
use crate::status::{DativoStatus, Failure};

/// Why a call failed. The caller owns it, zeroes it before its first use, and clears it with
/// dativo_error_clear. Every function takes NULL instead if nobody wants to know. The texts are
/// UTF-8, not terminated by a NUL.
#[repr(C)]
#[derive(Debug)]
pub struct DativoError {
    /// The DativoStatus that the call returned.
    pub code: i32,
    /// 1 if the same may succeed later.
    pub retryable: u8,
    /// What is wrong, where, and what to do.
    pub message: *mut c_char,
    /// Its length in bytes.
    pub message_len: usize,
    /// The 1-based input line, or row, it is about, 0 if none.
    pub line: u64,
    /// The stream it is about, NULL if none.
    pub stream: *mut c_char,
    /// Its length in bytes.
    pub stream_len: usize,
}

impl DativoError {
    const EMPTY: DativoError = DativoError {
        code: DativoStatus::Ok as i32,
        retryable: 0,
        message: ptr::null_mut(),
        message_len: 0,
        line: 0,
        stream: ptr::null_mut(),
        stream_len: 0,
    };
}

/// Writes `failure` into the caller's error, if there is one, and returns its status.
pub(crate) fn report(error: *mut DativoError, failure: Failure) -> DativoStatus {
    // SAFETY: by contract `error` is NULL or points to an error that is zeroed or was filled here.
    if let Some(error) = unsafe { error.as_mut() } {
        clear(error);
        let (stream, stream_len) = failure.stream.map_or((ptr::null_mut(), 0), into_text);
        let (message, message_len) = into_text(failure.message);
        *error = DativoError {
            code: failure.status as i32,
            retryable: u8::from(failure.retryable),
            message,
            message_len,
            line: failure.line,
            stream,
            stream_len,
        };
    }
    failure.status
}

/// Frees what the error holds and zeroes it. NULL and a zeroed error are fine.
///
/// # Safety
/// `error` is NULL or points to an error that is zeroed or was filled by this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dativo_error_clear(error: *mut DativoError) {
    // SAFETY: by contract `error` is NULL or points to an error that is zeroed or was filled here.
    if let Some(error) = unsafe { error.as_mut() } {
        clear(error);
    }
}

fn clear(error: &mut DativoError) {
    let DativoError { message, message_len, stream, stream_len, .. } = std::mem::replace(error, DativoError::EMPTY);
    free_text(message, message_len);
    free_text(stream, stream_len);
}

fn into_text(text: String) -> (*mut c_char, usize) {
    let bytes = text.into_bytes().into_boxed_slice();
    let len = bytes.len();
    count();
    (Box::into_raw(bytes).cast(), len)
}

fn free_text(text: *mut c_char, len: usize) {
    if text.is_null() {
        return;
    }
    // SAFETY: a non-null text of an error was made by `into_text` with this length, and the error
    // that held it has been zeroed, so it is freed once.
    drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(text.cast::<u8>(), len)) });
    discount();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_is_reused_frees_what_it_held() {
        let mut error = DativoError::EMPTY;
        for message in ["", "a", "another"] {
            let failure = Failure { line: 7, stream: Some("s".into()), ..Failure::invalid(message) };
            assert_eq!(report(&mut error, failure), DativoStatus::InvalidArgument);
            assert_eq!((error.code, error.line, error.message_len), (1, 7, message.len()));
        }
        // SAFETY: the error was filled by `report`.
        unsafe { dativo_error_clear(&mut error) };
        assert!(error.message.is_null() && error.stream.is_null() && error.code == 0);
        // SAFETY: NULL and a cleared error are allowed.
        unsafe {
            dativo_error_clear(&mut error);
            dativo_error_clear(ptr::null_mut());
        }
    }
}
