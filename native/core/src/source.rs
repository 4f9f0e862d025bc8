//! Where bytes come from.

use std::io;
use std::time::Duration;

/// What one read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// This many bytes, at least one.
    Bytes(usize),
    /// Nothing within the time allowed (or the wait was broken off).
    TimedOut,
    /// The input is over.
    End,
}

/// An input that can be waited for.
pub trait Source: Send {
    /// Fills the start of `buf`, waiting at most `wait` for the first byte.
    ///
    /// # Errors
    /// Whatever the input reports; the reader hands it on as [`Error::Io`](crate::Error::Io).
    fn read(&mut self, buf: &mut [u8], wait: Duration) -> io::Result<Fill>;
}
