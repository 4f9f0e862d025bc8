//! Status codes and the failure they are made from.

use dativo_core::Error;

/// What every fallible function returns. Numbers are never reused.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DativoStatus {
    /// Done; the outputs are written.
    Ok = 0,
    /// The call is wrong: an argument, the order of calls, a value that has no text.
    InvalidArgument = 1,
    /// A column type or a validation keyword that is not implemented; the message names its path.
    UnsupportedSchema = 2,
    /// A line exceeds max_line_bytes. The reader stays failed.
    LineTooLong = 3,
    /// The input could not be read.
    Io = 4,
    /// A value of a row does not fit its column. The rows cannot be read on.
    InvalidValue = 5,
    /// A defect of the library. The handle refuses every further call but its free.
    Internal = 255,
}

/// Why a call fails, before it is written into the caller's error.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: DativoStatus,
    pub(crate) retryable: bool,
    pub(crate) message: String,
    pub(crate) line: u64,
    pub(crate) stream: Option<String>,
}

impl Failure {
    pub(crate) fn new(status: DativoStatus, message: impl Into<String>) -> Failure {
        Failure { status, retryable: false, message: message.into(), line: 0, stream: None }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Failure {
        Failure::new(DativoStatus::InvalidArgument, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Failure {
        Failure::new(DativoStatus::Internal, message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let status = match &error {
            Error::InvalidArgument(_) => DativoStatus::InvalidArgument,
            Error::UnsupportedSchema { .. } => DativoStatus::UnsupportedSchema,
            Error::LineTooLong { .. } => DativoStatus::LineTooLong,
            Error::InvalidValue { .. } => DativoStatus::InvalidValue,
            Error::Io(_) => DativoStatus::Io,
            Error::Arrow(_) => DativoStatus::Internal,
        };
        Failure {
            status,
            retryable: error.is_retryable(),
            message: error.to_string(),
            line: error.line(),
            stream: error.stream().map(str::to_owned),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Error::Io(error).into()
    }
}
