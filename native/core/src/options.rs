//! The limits a reader works within.

/// Limits of a [`Reader`](crate::Reader). Sizes are clamped to what Arrow's 32-bit offsets can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderOptions {
    /// A batch is cut at this many rows.
    pub batch_rows: usize,
    /// A batch is cut at this many decoded bytes (at most 1 GiB).
    pub batch_bytes: usize,
    /// A longer line is an error (at most 512 MiB).
    pub max_line_bytes: usize,
    /// How much is read from the source at once.
    pub read_bytes: usize,
    /// An epoch is due after this much input; 0 is off.
    pub epoch_bytes: u64,
    /// An epoch is due after this many records; 0 is off.
    pub epoch_records: u64,
    /// An epoch is due after this time; 0 is off. With all three off every STATE ends an epoch.
    pub epoch_millis: u64,
    /// How long to wait for input before saying [`Event::Idle`](crate::Event::Idle).
    pub idle_millis: u64,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        ReaderOptions {
            batch_rows: 65_536,
            batch_bytes: 32 << 20,
            max_line_bytes: 256 << 20,
            read_bytes: 1 << 20,
            epoch_bytes: 0,
            epoch_records: 0,
            epoch_millis: 0,
            idle_millis: 200,
        }
    }
}

impl ReaderOptions {
    /// The options with every size in the range the decoder can honour.
    ///
    /// A batch may exceed `batch_bytes` by one line, and JSON text may grow by a third (`NaN` becomes `null`), so the two
    /// upper limits keep every offset below `i32::MAX`.
    pub(crate) fn clamped(self) -> Self {
        ReaderOptions {
            batch_rows: self.batch_rows.clamp(1, 1 << 24),
            batch_bytes: self.batch_bytes.clamp(1, 1 << 30),
            max_line_bytes: self.max_line_bytes.clamp(1, 512 << 20),
            read_bytes: self.read_bytes.clamp(1, 1 << 30),
            ..self
        }
    }
}
