//! Where the messages of a COPY come from.

use std::io;
use std::time::Duration;

/// What a source has.
#[derive(Debug, PartialEq, Eq)]
pub enum Copied<'a> {
    /// One message: a row, and before the first the header of the format.
    Data(&'a [u8]),
    /// Nothing came in time.
    TimedOut,
    /// Somebody wants the caller's attention.
    Woken,
    /// The COPY is over, be it at its end or because the server gave up: that only the server's result tells.
    End,
}

/// Messages of one COPY, waited for.
pub trait CopySource: Send {
    /// The next message, waiting for it no longer than `wait`.
    ///
    /// # Errors
    /// The connection failed.
    fn next(&mut self, wait: Duration) -> io::Result<Copied<'_>>;
}
