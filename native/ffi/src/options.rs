//! Options that can grow without breaking those who were compiled before.

use std::mem::size_of;
use std::ptr;

use dativo_core::ReaderOptions;

use crate::status::Failure;

/// Limits of a reader. 0 stands for the default everywhere, so a zeroed struct with struct_size
/// set is valid. Fields are only ever appended.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct DativoReaderOptions {
    /// sizeof(DativoReaderOptions) as the caller knows it.
    pub struct_size: u32,
    /// How long to wait for input before an IDLE event (200 ms).
    pub idle_millis: u32,
    /// A batch is cut at this many rows (65,536).
    pub batch_rows: u64,
    /// A batch is cut at this many decoded bytes (32 MiB).
    pub batch_bytes: u64,
    /// A longer line is an error (256 MiB).
    pub max_line_bytes: u64,
    /// How much is read from the descriptor at once (1 MiB).
    pub read_bytes: u64,
    /// An epoch is due after this much input (off).
    pub epoch_bytes: u64,
    /// An epoch is due after this many records (off).
    pub epoch_records: u64,
    /// An epoch is due after this many milliseconds (off). With all three off every STATE ends one.
    pub epoch_millis: u64,
}

/// Reads the part of the options that the caller knows.
///
/// # Safety
/// `options` is NULL or points to `struct_size` bytes that begin with `struct_size`.
pub(crate) unsafe fn read(options: *const DativoReaderOptions) -> Result<ReaderOptions, Failure> {
    // SAFETY: the same contract, and the struct is one of integers.
    Ok(resolve(&unsafe { sized(options) }?))
}

/// A struct of options as far as the caller knows it, the rest as it is by default; all of it for NULL.
///
/// # Safety
/// `T` is a `repr(C)` struct of integers alone; `options` is NULL or points to `struct_size` bytes that begin with
/// `struct_size`, a u32.
pub(crate) unsafe fn sized<T: Default>(options: *const T) -> Result<T, Failure> {
    let mut known = T::default();
    if options.is_null() {
        return Ok(known);
    }
    // SAFETY: by contract the struct begins with its size, and u32 has no invalid values.
    let size = unsafe { options.cast::<u32>().read() } as usize;
    if !(size_of::<u32>()..=size_of::<T>()).contains(&size) {
        return Err(Failure::invalid(format!("options: struct_size is {size}, this library knows {}", size_of::<T>())));
    }
    // SAFETY: `options` points to `size` readable bytes, `known` is at least that long, and
    // integers have no invalid values.
    unsafe { ptr::copy_nonoverlapping(options.cast::<u8>(), (&raw mut known).cast::<u8>(), size) };
    Ok(known)
}

fn resolve(options: &DativoReaderOptions) -> ReaderOptions {
    let defaults = ReaderOptions::default();
    let size = |value: u64, default: usize| match usize::try_from(value) {
        Ok(0) => default,
        Ok(value) => value,
        Err(_) => usize::MAX,
    };
    ReaderOptions {
        batch_rows: size(options.batch_rows, defaults.batch_rows),
        batch_bytes: size(options.batch_bytes, defaults.batch_bytes),
        max_line_bytes: size(options.max_line_bytes, defaults.max_line_bytes),
        read_bytes: size(options.read_bytes, defaults.read_bytes),
        epoch_bytes: options.epoch_bytes,
        epoch_records: options.epoch_records,
        epoch_millis: options.epoch_millis,
        idle_millis: match options.idle_millis {
            0 => defaults.idle_millis,
            millis => u64::from(millis),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_sized(struct_size: u32) -> Option<ReaderOptions> {
        let options =
            DativoReaderOptions { struct_size, idle_millis: 7, batch_rows: 5, batch_bytes: 6, ..Default::default() };
        // SAFETY: it points to a whole struct.
        unsafe { read(&options) }.ok()
    }

    #[test]
    fn what_an_older_caller_does_not_know_keeps_its_default() {
        let known = read_sized(16).unwrap_or_default();
        assert_eq!((known.idle_millis, known.batch_rows), (7, 5));
        assert_eq!(known.batch_bytes, ReaderOptions::default().batch_bytes);
    }

    #[test]
    fn a_size_from_the_future_or_from_nowhere_is_refused() {
        assert!(read_sized(0).is_none());
        assert!(read_sized(size_of::<DativoReaderOptions>() as u32 + 8).is_none());
        // SAFETY: NULL is allowed.
        assert_eq!(unsafe { read(ptr::null()) }.ok(), Some(ReaderOptions::default()));
    }
}
