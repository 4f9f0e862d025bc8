//! The records of one stream on their way into a batch.

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, FieldRef, SchemaRef};

use super::meta::{About, MetaColumn};
use crate::columns::{Context, Lagging, Object, Pool};
use crate::fault::Parsed;

/// An open batch.
pub(crate) struct Records {
    schema: SchemaRef,
    /// The fields that records fill, in the order of `object`'s columns.
    fields: Vec<FieldRef>,
    object: Object,
    metas: Vec<MetaColumn>,
    /// Bytes that a row takes however little it says.
    row_bytes: usize,
    /// Bytes that one byte of a line can become at most.
    growth: usize,
    /// Bytes that certainly still fit; when they are used up the batch is measured.
    slack: usize,
}

impl Records {
    pub(super) fn new(schema: SchemaRef, fields: Vec<FieldRef>, object: Object, metas: Vec<MetaColumn>) -> Records {
        let kinds = || schema.fields().iter().map(|field| field.data_type());
        let row_bytes = kinds().map(width).sum();
        let growth = kinds().map(growth).max().unwrap_or(0).max(SCALAR);
        Records { schema, fields, object, metas, row_bytes, growth, slack: 0 }
    }

    pub(crate) fn rows(&self) -> usize {
        self.object.len()
    }

    /// Reads the record whose members start at `pos` as the next row, which is kept by [`Records::commit`] or dropped by
    /// [`Records::rollback`]. On a fault it is dropped already.
    #[inline(always)]
    pub(crate) fn read(&mut self, bytes: &[u8], pos: usize, context: &mut Context) -> Parsed {
        self.object.read(bytes, pos, context)
    }

    #[inline(always)]
    pub(crate) fn commit(&mut self, about: &About) {
        for column in &mut self.metas {
            column.put(self.object.len(), about);
        }
        self.object.commit();
    }

    pub(crate) fn rollback(&mut self) {
        self.object.rollback();
    }

    /// Whether a batch of at most `rows` rows and about `bytes` bytes is full, after a record of `length` bytes.
    #[inline(always)]
    pub(crate) fn is_full(&mut self, length: usize, rows: usize, bytes: impl FnOnce() -> usize) -> bool {
        let used = self.row_bytes + self.growth * length;
        if self.slack > used && self.rows() < rows {
            self.slack -= used;
            return false;
        }
        self.rows() >= rows || self.measure(bytes())
    }

    /// Counts what the batch takes, and how much still fits.
    #[inline(never)]
    fn measure(&mut self, bytes: usize) -> bool {
        let metas: usize = self.metas.iter().map(|column| column.footprint(self.object.len())).sum();
        let taken = self.object.footprint() + metas;
        self.slack = bytes.saturating_sub(taken);
        taken >= bytes
    }

    /// The rows as a batch; none are left.
    pub(crate) fn take(&mut self, pool: &Pool) -> Result<RecordBatch, ArrowError> {
        self.slack = 0;
        let rows = self.rows();
        let mut columns = self.object.finish(&self.fields, pool)?;
        for column in &mut self.metas {
            let kind = self.schema.field(column.index()).data_type();
            columns.insert(column.index(), column.finish(rows, kind, pool)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
    }
}

/// The width of the widest scalar, a decimal.
const SCALAR: usize = 16;

/// Bytes that a value takes however little it says.
fn width(kind: &DataType) -> usize {
    match kind {
        DataType::Struct(fields) => fields.iter().map(|field| width(field.data_type())).sum(),
        DataType::Decimal128(..) | DataType::FixedSizeBinary(_) => SCALAR,
        _ => 8,
    }
}

/// Bytes that one byte of JSON can become: an item of an array takes two bytes at least, but may have many columns.
fn growth(kind: &DataType) -> usize {
    match kind {
        DataType::Struct(fields) => fields.iter().map(|field| growth(field.data_type())).max().unwrap_or(0),
        DataType::List(item) => width(item.data_type()).max(growth(item.data_type())),
        DataType::Map(entries, _) => width(entries.data_type()).max(growth(entries.data_type())),
        _ => SCALAR,
    }
}
