//! Events as C sees them.

use dativo_core::Event;

use crate::slice::DativoSlice;

/// What an event is. Numbers are never reused.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DativoEventKind {
    /// Feed mode: feed more or finish.
    NeedInput = 0,
    /// A new or changed SCHEMA: plan the stream before the next call. `text` is the message.
    Schema = 1,
    /// `rows` records of `stream`: take them with dativo_reader_batch_export.
    Batch = 2,
    /// A STATE that covers all records before it. `text` is the JSON of its value.
    State = 3,
    /// `version` becomes the only version of `stream`.
    ActivateVersion = 4,
    /// Records in files. `text` is the message.
    BatchFile = 5,
    /// A line that could not be used. `text` is the line (cut at 64 KiB), `reason` says why, `path` where.
    Invalid = 6,
    /// Something was left out on purpose. `reason` is a code, `text` its subject.
    Notice = 7,
    /// No input arrived for idle_millis.
    Idle = 8,
    /// Nothing follows. `reason` is "cancelled" if dativo_reader_cancel ended it.
    End = 9,
}

/// One step of the input. The slices are valid until the next call on the reader.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct DativoEvent {
    /// A DativoEventKind.
    pub kind: i32,
    /// The 1-based line it comes from (BATCH: the last one in it), 0 if none.
    pub line: u64,
    /// The stream, NULL if there is none.
    pub stream: DativoSlice,
    /// See the kinds.
    pub text: DativoSlice,
    /// See the kinds.
    pub reason: DativoSlice,
    /// INVALID: JSON pointer into the record, empty for the line itself.
    pub path: DativoSlice,
    /// BATCH: how many.
    pub rows: u64,
    /// ACTIVATE_VERSION: which.
    pub version: i64,
}

impl DativoEvent {
    fn new(kind: DativoEventKind, line: u64) -> DativoEvent {
        DativoEvent {
            kind: kind as i32,
            line,
            stream: DativoSlice::EMPTY,
            text: DativoSlice::EMPTY,
            reason: DativoSlice::EMPTY,
            path: DativoSlice::EMPTY,
            rows: 0,
            version: 0,
        }
    }

    fn with_stream(mut self, stream: &str) -> DativoEvent {
        self.stream = DativoSlice::of(stream.as_bytes());
        self
    }

    fn with_text(mut self, text: &[u8]) -> DativoEvent {
        self.text = DativoSlice::of(text);
        self
    }

    fn with_reason(mut self, reason: &str) -> DativoEvent {
        self.reason = DativoSlice::of(reason.as_bytes());
        self
    }

    /// The event seen from C. It borrows from `event`, which must be kept unchanged as long.
    pub(crate) fn of(event: &Event) -> DativoEvent {
        use DativoEventKind as Kind;
        match event {
            Event::NeedInput => DativoEvent::new(Kind::NeedInput, 0),
            Event::Idle => DativoEvent::new(Kind::Idle, 0),
            Event::Schema { line, stream, text } => {
                DativoEvent::new(Kind::Schema, *line).with_stream(stream).with_text(text)
            }
            Event::Batch { line, stream, batch } => DativoEvent {
                rows: batch.num_rows() as u64,
                ..DativoEvent::new(Kind::Batch, *line).with_stream(stream)
            },
            Event::State { line, value } => DativoEvent::new(Kind::State, *line).with_text(value.as_bytes()),
            Event::ActivateVersion { line, stream, version } => {
                DativoEvent { version: *version, ..DativoEvent::new(Kind::ActivateVersion, *line).with_stream(stream) }
            }
            Event::BatchFile { line, stream, text } => {
                DativoEvent::new(Kind::BatchFile, *line).with_stream(stream).with_text(text)
            }
            Event::Invalid { line, stream, path, reason, raw } => DativoEvent {
                path: DativoSlice::of(path.as_bytes()),
                ..DativoEvent::new(Kind::Invalid, *line).with_stream(stream).with_text(raw).with_reason(reason)
            },
            Event::Notice { line, stream, code, subject } => {
                let notice = DativoEvent::new(Kind::Notice, *line).with_stream(stream).with_reason(code);
                notice.with_text(subject.as_bytes())
            }
            Event::End { cancelled: true } => DativoEvent::new(Kind::End, 0).with_reason("cancelled"),
            Event::End { cancelled: false } => DativoEvent::new(Kind::End, 0),
        }
    }
}
