//! Columns that the envelope of a record fills.

use arrow_array::ArrayRef;
use arrow_schema::{ArrowError, DataType};

use crate::columns::{Builder, Pool};
use crate::time;

/// What such a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meta {
    /// `time_extracted`, null if it is none.
    TimeExtracted,
    /// `version`.
    Version,
    /// The number of the line.
    Line,
    /// The text of the record.
    Raw,
}

/// What the envelope says about one record.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About<'a> {
    /// The text of `time_extracted`, without quotes.
    pub(crate) time_extracted: Option<&'a [u8]>,
    pub(crate) version: Option<i64>,
    pub(crate) line: u64,
    /// The text of the record.
    pub(crate) raw: &'a [u8],
}

/// A column that the envelope fills, at its place in the Arrow schema.
pub(crate) struct MetaColumn {
    index: usize,
    kind: Meta,
    builder: Builder,
}

impl MetaColumn {
    pub(crate) fn new(index: usize, kind: Meta, builder: Builder) -> MetaColumn {
        MetaColumn { index, kind, builder }
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    pub(super) fn put(&mut self, row: usize, about: &About) {
        match (self.kind, &mut self.builder) {
            (Meta::TimeExtracted, Builder::Timestamp { values, .. }) => {
                if let Some(moment) = about.time_extracted.and_then(time::moment) {
                    values.put(row, moment.utc());
                }
            }
            (Meta::Version, Builder::Integer(values)) => {
                if let Some(version) = about.version {
                    values.put(row, version);
                }
            }
            (Meta::Line, Builder::Integer(values)) => values.put(row, about.line as i64),
            (Meta::Raw, Builder::String(values)) => values.put(row, about.raw),
            _ => {}
        }
    }

    pub(super) fn footprint(&self, rows: usize) -> usize {
        self.builder.footprint(rows)
    }

    pub(super) fn finish(&mut self, rows: usize, kind: &DataType, pool: &Pool) -> Result<ArrayRef, ArrowError> {
        self.builder.finish(rows, kind, pool)
    }
}
