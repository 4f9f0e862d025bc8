//! Messages as PostgreSQL 16 sends them, to rows as JSON.

mod changes;
mod kinds;
mod nested;
mod numeric;
mod policies;
mod rows;

use std::collections::HashMap;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use super::{Copied, CopySource, PgOptions, PgRows, PgStep};
use crate::{Encoder, Error};

/// The header: signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: &[u8] = b"\xFF\xFF";

/// Messages, and none where there is a wait; the one lent last is at the front.
struct Played {
    messages: VecDeque<Option<Vec<u8>>>,
    lent: Vec<u8>,
}

impl CopySource for Played {
    fn next(&mut self, _wait: Duration) -> io::Result<Copied<'_>> {
        match self.messages.pop_front() {
            None => Ok(Copied::End),
            Some(None) => Ok(Copied::TimedOut),
            Some(Some(message)) => {
                self.lent = message;
                Ok(Copied::Data(&self.lent))
            }
        }
    }
}

fn reader(schema: SchemaRef, messages: Vec<Option<Vec<u8>>>, options: PgOptions) -> Result<PgRows, Error> {
    PgRows::new(Box::new(Played { messages: messages.into(), lent: Vec::new() }), schema, options)
}

/// A whole COPY of rows of one column.
fn copy_of(values: &[Option<Vec<u8>>]) -> Vec<Option<Vec<u8>>> {
    let mut messages: Vec<_> = values.iter().map(|value| row(&[value.as_deref()])).collect();
    messages.push(TRAILER.to_vec());
    messages[0].splice(0..0, HEADER.iter().copied());
    messages.into_iter().map(Some).collect()
}

/// The message of a row.
fn row(values: &[Option<&[u8]>]) -> Vec<u8> {
    let mut message = (values.len() as i16).to_be_bytes().to_vec();
    values.iter().for_each(|value| part(&mut message, *value));
    message
}

/// Appends a value with its length before it.
fn part(message: &mut Vec<u8>, value: Option<&[u8]>) {
    let length = value.map_or(-1, |value| value.len() as i32);
    message.extend(length.to_be_bytes());
    message.extend(value.unwrap_or_default());
}

fn field(name: &str, kind: DataType, form: &str) -> Field {
    let json = matches!(form, "json" | "jsonb").then(|| ("dativo.json".to_owned(), "text".to_owned()));
    let form = ("dativo.pg".to_owned(), form.to_owned());
    Field::new(name, kind, true).with_metadata(HashMap::from_iter([form].into_iter().chain(json)))
}

/// A field of the Arrow type that a form has first of all.
fn usual(form: &str) -> Field {
    let kind = match form {
        "bool" => DataType::Boolean,
        "int2" | "int4" | "int8" | "oid" => DataType::Int64,
        "float4" | "float8" => DataType::Float64,
        "bytea" => DataType::Binary,
        "date" => DataType::Date32,
        "time" => DataType::Time64(TimeUnit::Microsecond),
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "timestamptz" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "uuid" => DataType::FixedSizeBinary(16),
        _ => DataType::Utf8,
    };
    field("v", kind, form)
}

/// An array of `item` with so many dimensions.
fn array_of(item: Field, dimensions: usize) -> Field {
    let item = if dimensions == 1 { item } else { array_of(item, dimensions - 1) };
    field("v", DataType::List(Arc::new(item.with_name("item"))), "array")
}

fn composite_of(columns: Vec<Field>) -> Field {
    field("v", DataType::Struct(Fields::from(columns)), "composite")
}

/// The JSON of the values in a column, nulls among them.
fn decode(field: Field, values: &[Option<Vec<u8>>], options: PgOptions) -> Result<Vec<String>, Error> {
    let mut rows = reader(Arc::new(Schema::new(vec![field])), copy_of(values), options)?;
    let mut decoded = Vec::new();
    while let PgStep::Batch(batch) = rows.next_step()? {
        let mut encoder = Encoder::bare(batch.schema())?;
        let lines = String::from_utf8_lossy(encoder.encode(&batch, None)?).into_owned();
        decoded.extend(lines.lines().map(|line| line[r#"{"v":"#.len()..line.len() - 1].to_owned()));
    }
    Ok(decoded)
}

/// The JSON of one value.
fn one(field: Field, value: &[u8]) -> Result<String, Error> {
    Ok(decode(field, &[Some(value.to_vec())], PgOptions::default())?.concat())
}

/// What is wrong with one value.
fn fault(field: Field, value: &[u8]) -> String {
    one(field, value).map_or_else(|error| error.to_string(), |value| format!("decoded to {value}"))
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
