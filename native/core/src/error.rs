//! Everything the core can refuse to do, by what the caller should do about it.
//!
//! ```text
//! Error
//! ├── InvalidArgument    fix the call: an option, a mode, a name
//! ├── UnsupportedSchema  plan the stream another way (other column type, no native validation)
//! ├── LineTooLong        raise max_line_bytes or repair the input; the reader stays failed
//! ├── InvalidValue       leave the column out, read it as text, or repair the row; the rows cannot be read on
//! ├── Io                 the input could not be read; worth a retry from the last durable STATE
//! └── Arrow              a batch could not be assembled; a defect of this crate
//! ```

use std::fmt;
use std::io;

use arrow_schema::ArrowError;

/// Why a call into the core failed. Bad *data* is never an error: it is an [`Event::Invalid`](crate::Event::Invalid).
#[derive(Debug)]
pub enum Error {
    /// The call itself is wrong.
    InvalidArgument(String),
    /// A column type or a validation keyword that the core does not implement.
    UnsupportedSchema {
        /// The stream whose schema it is; empty if it is nobody's.
        stream: String,
        /// JSON pointer of the keyword (validation) or of the field (columns).
        path: String,
        /// What is not supported there.
        message: String,
    },
    /// A line is longer than `max_line_bytes`.
    LineTooLong {
        /// 1-based number of the line.
        line: u64,
        /// The limit it exceeds, in bytes.
        limit: usize,
    },
    /// A value of a row that the planned column cannot take. It is not shown: it may be a secret.
    InvalidValue {
        /// JSON pointer of the column, or of the part of its value; empty if the row itself is broken.
        column: String,
        /// 1-based number of the row, 0 if it is not known.
        row: u64,
        /// Why, and what to do.
        reason: String,
    },
    /// Reading the input failed.
    Io(io::Error),
    /// Arrow refused what was built.
    Arrow(ArrowError),
}

impl Error {
    /// The 1-based input line, or row, the error is about, 0 if it is about none.
    pub fn line(&self) -> u64 {
        match self {
            Error::LineTooLong { line, .. } => *line,
            Error::InvalidValue { row, .. } => *row,
            _ => 0,
        }
    }

    /// The stream the error is about.
    pub fn stream(&self) -> Option<&str> {
        match self {
            Error::UnsupportedSchema { stream, .. } if !stream.is_empty() => Some(stream),
            _ => None,
        }
    }

    /// Whether the same call may succeed later without a change.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Error::Io(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::InvalidArgument(message) => f.write_str(message),
            Error::UnsupportedSchema { stream, path, message } if stream.is_empty() => {
                write!(f, "{message} (at {path:?})")
            }
            Error::UnsupportedSchema { stream, path, message } => {
                write!(f, "stream {stream:?}: {message} (at {path:?})")
            }
            Error::LineTooLong { line, limit } => {
                write!(
                    f,
                    "line {line} is longer than max_line_bytes ({limit} bytes): raise the limit or repair the input"
                )
            }
            Error::InvalidValue { column, row: 0, reason } => write!(f, "column {column:?}: {reason}"),
            Error::InvalidValue { column, row, reason } => write!(f, "row {row}, column {column:?}: {reason}"),
            Error::Io(error) => write!(f, "cannot read the input: {error}"),
            Error::Arrow(error) => write!(f, "cannot assemble a batch: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io(error) => Some(error),
            Error::Arrow(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Io(error)
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        Error::Arrow(error)
    }
}
