//! Arrow batches to Singer RECORD lines, the mirror of the reader.
//!
//! A batch is bound once: each column becomes a [`Cell`](column::Cell) that knows its own array.
//! The rows are then written one after the other into one buffer that is reused for every batch.

mod binary;
mod column;
mod digits;
mod nested;
mod number;
mod out;
mod string;
mod text;
mod time;

#[cfg(test)]
mod tests;

use arrow_array::{RecordBatch, new_empty_array};
use arrow_schema::{Fields, SchemaRef};

use crate::Error;
use crate::fault::Fault;
use column::Cell;
use nested::Object;
use out::{Literal, Out};
use text::quoted;

/// Writes the batches of one stream as RECORD lines.
#[derive(Debug)]
pub struct Encoder {
    stream: String,
    schema: SchemaRef,
    /// `{"type":"RECORD","stream":"...","record":`
    opening: Literal,
    /// `,"version":...` or nothing.
    version: Vec<u8>,
    /// Whether a line is the record alone, without the envelope of a message.
    bare: bool,
    out: Out,
}

impl Encoder {
    /// An encoder for batches of `schema`. `version` is written into every line if it is given.
    ///
    /// # Errors
    /// `UnsupportedSchema` with the path of the first field whose type has no JSON form.
    pub fn new(stream: &str, schema: SchemaRef, version: Option<i64>) -> Result<Encoder, Error> {
        check_supported(schema.fields()).map_err(|fault| unsupported(stream, &fault))?;
        let opening = [b"{\"type\":\"RECORD\",\"stream\":".as_slice(), &quoted(stream), b",\"record\":"];
        Ok(Encoder {
            stream: stream.to_owned(),
            schema,
            opening: Literal::new(opening.concat()),
            version: version.map_or_else(Vec::new, |version| format!(",\"version\":{version}").into()),
            bare: false,
            out: Out::default(),
        })
    }

    /// An encoder that writes the records alone: the lines of a batch file.
    ///
    /// # Errors
    /// As [`new`](Encoder::new).
    pub fn bare(schema: SchemaRef) -> Result<Encoder, Error> {
        let encoder = Encoder::new("", schema, None)?;
        Ok(Encoder { opening: Literal::new(Vec::new()), bare: true, ..encoder })
    }

    /// The rows of `batch` as RECORD lines, each ending in a line feed, valid until the next call.
    /// `time_extracted` is written into every line if it is given.
    ///
    /// # Errors
    /// `InvalidArgument` if the batch has another schema than the encoder, or a value that has no
    /// text: it names field and row, and nothing of the batch is returned.
    pub fn encode(&mut self, batch: &RecordBatch, time_extracted: Option<&str>) -> Result<&[u8], Error> {
        self.check_schema(batch)?;
        self.out.clear();
        let closing = self.closing(time_extracted);
        let record =
            Object::bind(self.schema.fields(), batch.columns()).map_err(|fault| unsupported(&self.stream, &fault))?;
        for row in 0..batch.num_rows() {
            self.opening.write(&mut self.out);
            record.write(row, &mut self.out).map_err(|fault| unwritable(&fault, row))?;
            closing.write(&mut self.out);
        }
        // Once for all lines: a look at each string would cost more, and none escapes this one.
        if simdutf8::basic::from_utf8(self.out.as_slice()).is_err() {
            return Err(not_utf8(&record, batch.num_rows()));
        }
        Ok(self.out.as_slice())
    }

    fn closing(&self, time_extracted: Option<&str>) -> Literal {
        if self.bare {
            return Literal::new(b"\n".to_vec());
        }
        let mut closing = self.version.clone();
        if let Some(time) = time_extracted {
            closing.extend_from_slice(b",\"time_extracted\":");
            closing.extend_from_slice(&quoted(time));
        }
        closing.extend_from_slice(b"}\n");
        Literal::new(closing)
    }

    fn check_schema(&self, batch: &RecordBatch) -> Result<(), Error> {
        let schema = batch.schema_ref();
        if std::sync::Arc::ptr_eq(schema, &self.schema) {
            return Ok(());
        }
        let (expected, actual) = (self.schema.fields(), schema.fields());
        if expected.len() != actual.len() {
            let (expected, actual) = (expected.len(), actual.len());
            return Err(Error::InvalidArgument(format!(
                "the batch has {actual} columns, the encoder was made for {expected}"
            )));
        }
        for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
            if expected.name() != actual.name() || expected.data_type() != actual.data_type() {
                return Err(Error::InvalidArgument(format!(
                    "column {index} of the batch is {actual}, the encoder was made for {expected}"
                )));
            }
        }
        Ok(())
    }
}

/// Binding an empty column asks the same question as binding a full one.
fn check_supported(fields: &Fields) -> Result<(), Box<Fault>> {
    let columns: Vec<_> = fields.iter().map(|field| new_empty_array(field.data_type())).collect();
    Object::bind(fields, &columns).map(|_| ())
}

fn unsupported(stream: &str, fault: &Fault) -> Error {
    Error::UnsupportedSchema { stream: stream.to_owned(), path: fault.path(), message: fault.reason(0) }
}

/// Looks for the string that is not UTF-8.
#[cold]
fn not_utf8(record: &Object<'_>, rows: usize) -> Error {
    let fault = Fault::value("a string that is not UTF-8");
    for row in 0..rows {
        if let Some(field) = record.broken_member(row) {
            return unwritable(&fault.within(field), row);
        }
    }
    unwritable(&fault, rows)
}

fn unwritable(fault: &Fault, row: usize) -> Error {
    Error::InvalidArgument(format!("field {} of row {row}: {}", fault.path(), fault.reason(0)))
}
