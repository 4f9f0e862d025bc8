//! What becomes of values that Arrow, or JSON, has none for.

use crate::fault::Fault;

/// What becomes of a date or a time outside the years 1 to 9999, infinity among them, and of 24:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutOfRange {
    /// The nearest value that there is.
    #[default]
    Clamp,
    /// Null.
    Null,
    /// An error.
    Fail,
}

/// What becomes of NaN and the infinities among numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpecialNumbers {
    /// Null.
    #[default]
    Null,
    /// An error.
    Fail,
}

/// Limits and policies of a reader of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PgOptions {
    /// A batch is cut at this many rows.
    pub batch_rows: usize,
    /// A batch is cut at this many decoded bytes (at most 512 MiB).
    pub batch_bytes: usize,
    /// How long to wait for a message before saying [`PgStep::Idle`](super::PgStep::Idle).
    pub idle_millis: u64,
    /// See there.
    pub out_of_range: OutOfRange,
    /// See there.
    pub special_numbers: SpecialNumbers,
}

impl Default for PgOptions {
    fn default() -> Self {
        PgOptions {
            batch_rows: 65_536,
            batch_bytes: 16 << 20,
            idle_millis: 200,
            out_of_range: OutOfRange::Clamp,
            special_numbers: SpecialNumbers::Null,
        }
    }
}

impl PgOptions {
    /// The options with every size in the range that 32-bit offsets can carry: a batch may exceed `batch_bytes` by one
    /// row, and PostgreSQL's rows stay below 1 GiB.
    pub(super) fn clamped(self) -> Self {
        PgOptions {
            batch_rows: self.batch_rows.clamp(1, 1 << 24),
            batch_bytes: self.batch_bytes.clamp(1, 512 << 20),
            ..self
        }
    }
}

/// The policies while a row is decoded, and what they did.
pub(super) struct Context {
    out_of_range: OutOfRange,
    special_numbers: SpecialNumbers,
    /// Values that a policy has changed.
    pub(super) changed: u64,
    /// Bytes that values take beyond what they took in the message.
    pub(super) grown: usize,
}

impl Context {
    pub(super) fn new(options: &PgOptions) -> Context {
        let &PgOptions { out_of_range, special_numbers, .. } = options;
        Context { out_of_range, special_numbers, changed: 0, grown: 0 }
    }

    /// `value`, or what takes its place if it is below `least` or above `most`; none for null.
    #[inline(always)]
    pub(super) fn within<T: Ord + Copy>(&mut self, value: T, least: T, most: T) -> Result<Option<T>, Box<Fault>> {
        if value >= least && value <= most { Ok(Some(value)) } else { self.outside(value.clamp(least, most)) }
    }

    /// What takes the place of a value that is not within, `nearest` being the nearest that is.
    #[cold]
    pub(super) fn outside<T>(&mut self, nearest: T) -> Result<Option<T>, Box<Fault>> {
        self.changed += 1;
        match self.out_of_range {
            OutOfRange::Clamp => Ok(Some(nearest)),
            OutOfRange::Null => Ok(None),
            OutOfRange::Fail => Err(Fault::value(
                "a date or time that is infinite or outside the years 1 to 9999: choose out_of_range_dates clamp or null",
            )),
        }
    }

    /// A number that is none becomes null.
    #[cold]
    pub(super) fn special<T>(&mut self) -> Result<Option<T>, Box<Fault>> {
        self.changed += 1;
        match self.special_numbers {
            SpecialNumbers::Null => Ok(None),
            SpecialNumbers::Fail => Err(Fault::value("NaN or infinity: choose special_numbers null")),
        }
    }
}
