//! Bytes lent to C.

use std::ffi::c_char;
use std::ptr;

/// Bytes that the library lends: valid until the next call on the handle they come from. `data` is
/// NULL if there are none; nothing terminates them.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct DativoSlice {
    /// The first byte.
    pub data: *const c_char,
    /// How many there are.
    pub len: usize,
}

impl DativoSlice {
    pub(crate) const EMPTY: DativoSlice = DativoSlice { data: ptr::null(), len: 0 };

    pub(crate) fn of(bytes: &[u8]) -> DativoSlice {
        DativoSlice { data: bytes.as_ptr().cast(), len: bytes.len() }
    }
}
