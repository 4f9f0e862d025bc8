//! What a [`Reader`](crate::Reader) hands out.

use arrow_array::RecordBatch;

/// One step of the input. `line` is the 1-based number of the line the event comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Feed mode: nothing is left to do before the next `feed` or `finish`.
    NeedInput,
    /// Source mode: no input arrived for `idle_millis`.
    Idle,
    /// A new or changed SCHEMA. Plan the stream before the next call, or its records are invalid.
    Schema {
        /// Where.
        line: u64,
        /// Whose schema it is.
        stream: String,
        /// The whole message, verbatim.
        text: Vec<u8>,
    },
    /// Records of one stream, in input order.
    Batch {
        /// The line of the last record in the batch.
        line: u64,
        /// Whose records they are.
        stream: String,
        /// The records; its schema is the planned one.
        batch: RecordBatch,
    },
    /// A STATE that covers exactly the records handed over before it (at the end of the input: all of them).
    State {
        /// Where.
        line: u64,
        /// The JSON text of `value`, verbatim.
        value: String,
    },
    /// ACTIVATE_VERSION; the records before it have been handed over.
    ActivateVersion {
        /// Where.
        line: u64,
        /// Whose version it is.
        stream: String,
        /// The version that becomes the only one.
        version: i64,
    },
    /// BATCH: records in files; the stream's records before it have been handed over.
    BatchFile {
        /// Where.
        line: u64,
        /// Whose records they are.
        stream: String,
        /// The whole message, verbatim.
        text: Vec<u8>,
    },
    /// A line that could not be used. It leaves no trace in any batch.
    Invalid {
        /// Where.
        line: u64,
        /// Its stream, empty if unknown.
        stream: String,
        /// JSON pointer inside the record, empty for the line itself.
        path: String,
        /// What is wrong there.
        reason: String,
        /// The line, cut at 64 KiB; the reason says so.
        raw: Vec<u8>,
    },
    /// Something was left out on purpose; said once per subject.
    Notice {
        /// Where it was met first.
        line: u64,
        /// Its stream, empty if unknown.
        stream: String,
        /// `unknown-message-type` or `unknown-property`.
        code: &'static str,
        /// The message type or the property's path.
        subject: String,
    },
    /// Nothing follows. `cancelled`: the reader was told to stop, and open records were dropped.
    End {
        /// Whether it ended by `cancel` and not by the end of the input.
        cancelled: bool,
    },
}

/// Totals since the reader was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Lines met, blank ones too.
    pub lines: u64,
    /// Bytes of those lines, line ends included.
    pub bytes: u64,
    /// Records decoded.
    pub records: u64,
    /// Lines handed out as invalid.
    pub invalid: u64,
    /// Blank lines.
    pub blank: u64,
}
