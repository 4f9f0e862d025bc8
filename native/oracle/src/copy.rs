//! COPY messages of PostgreSQL that a fuzzer makes up.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use dativo_core::Encoder;
use dativo_core::pg::{Copied, CopySource, PgOptions, PgRows, PgStep};

/// The header of the binary format, without flags and extension.
const HEADER: &[u8] = b"PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0";

/// A message ends where the fuzzer writes this.
pub(crate) const SEPARATOR: &[u8] = b"\xFE\xFD";

/// Reads `input` as rows of one column of every form, cut into messages at [`SEPARATOR`]; they begin with the header.
///
/// # Panics
/// If a batch is not what its schema says, or has values that the encoder cannot write.
pub fn check_copy(input: &[u8]) {
    let mut messages: VecDeque<Vec<u8>> = VecDeque::from([HEADER.to_vec()]);
    let mut rest = input;
    while let Some(at) = rest.windows(SEPARATOR.len()).position(|window| window == SEPARATOR) {
        messages.push_back(rest[..at].to_vec());
        rest = &rest[at + SEPARATOR.len()..];
    }
    messages.push_back(rest.to_vec());
    messages.push_back(b"\xFF\xFF".to_vec());
    let source = Messages::of(messages);
    let options = PgOptions { batch_rows: 3, ..PgOptions::default() };
    let mut rows = PgRows::new(Box::new(source), schema(), options).expect("a schema of known forms");
    while let Ok(PgStep::Batch(batch)) = rows.next_step() {
        check_batch(&batch);
    }
}

pub(crate) fn check_batch(batch: &RecordBatch) {
    for column in batch.columns() {
        column.to_data().validate_full().expect("a valid array");
    }
    let mut encoder = Encoder::bare(batch.schema()).expect("types that have a JSON form");
    encoder.encode(batch, None).expect("values that have a JSON form");
}

/// Messages that are there already; the one lent last is beside them.
pub(crate) struct Messages {
    messages: VecDeque<Vec<u8>>,
    lent: Vec<u8>,
}

impl Messages {
    pub(crate) fn of(messages: VecDeque<Vec<u8>>) -> Messages {
        Messages { messages, lent: Vec::new() }
    }
}

impl CopySource for Messages {
    fn next(&mut self, _wait: Duration) -> io::Result<Copied<'_>> {
        let Some(message) = self.messages.pop_front() else {
            return Ok(Copied::End);
        };
        self.lent = message;
        Ok(Copied::Data(&self.lent))
    }
}

pub(crate) fn schema() -> SchemaRef {
    let micros = TimeUnit::Microsecond;
    let scalars = [
        ("bool", DataType::Boolean),
        ("int2", DataType::Int64),
        ("int8", DataType::Int64),
        ("oid", DataType::Int64),
        ("float4", DataType::Float64),
        ("float8", DataType::Float64),
        ("numeric", DataType::Decimal128(38, 9)),
        ("numeric", DataType::Utf8),
        ("text", DataType::Utf8),
        ("char", DataType::Utf8),
        ("jsonb", DataType::Utf8),
        ("inet", DataType::Utf8),
        ("bytea", DataType::Binary),
        ("bytea", DataType::Utf8),
        ("date", DataType::Date32),
        ("time", DataType::Time64(micros)),
        ("timestamp", DataType::Timestamp(micros, None)),
        ("timestamptz", DataType::Timestamp(micros, Some("UTC".into()))),
        ("uuid", DataType::FixedSizeBinary(16)),
    ];
    let mut fields: Vec<Field> = scalars.into_iter().map(|(form, kind)| field(form, kind)).collect();
    let item = field("int2", DataType::Int64);
    let inner = field("array", DataType::List(Arc::new(item)));
    let parts = Fields::from(vec![field("int2", DataType::Int64).with_name("a"), field("text", DataType::Utf8)]);
    let texts = [Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)];
    let entries = Field::new("entries", DataType::Struct(Fields::from(texts.to_vec())), false);
    fields.push(field("array", DataType::List(Arc::new(inner))));
    fields.push(field("composite", DataType::Struct(parts)));
    fields.push(field("hstore", DataType::Map(Arc::new(entries), false)));
    let named = fields.into_iter().enumerate().map(|(index, field)| field.with_name(format!("c{index}")));
    Arc::new(Schema::new(named.collect::<Vec<_>>()))
}

fn field(form: &str, kind: DataType) -> Field {
    let metadata = HashMap::from([("dativo.pg".to_owned(), form.to_owned())]);
    Field::new("item", kind, true).with_metadata(metadata)
}
