//! The decoder's own account of the lines.

use std::collections::HashMap;
use std::sync::LazyLock;

use arrow_schema::SchemaRef;
use dativo_core::{Event, Reader, ReaderOptions, Stats};
use serde_json::{Map, Value, json};

use crate::{canonical, schema};

/// What stands before the lines.
pub const SCHEMA_LINE: &[u8] = b"{\"type\":\"SCHEMA\",\"stream\":\"s\",\"schema\":{},\"key_properties\":[]}\n";
const LINE_COLUMN: &str = "_line";

static COLUMNS: LazyLock<SchemaRef> = LazyLock::new(|| {
    let int = json!({"type": "int64"});
    schema::of(&json!([
        {"name": "i", "type": "int64"},
        {"name": "f", "type": "float64"},
        {"name": "u", "type": "utf8"},
        {"name": "b", "type": "bool"},
        {"name": "j", "type": "json"},
        {"name": "d", "type": "decimal128(38,9)"},
        {"name": "t", "type": "timestamp[us,UTC]"},
        {"name": "n", "type": "timestamp[us]"},
        {"name": "day", "type": "date32"},
        {"name": "time", "type": "time64[us]"},
        {"name": "bin", "type": "binary"},
        {"name": "id", "type": "uuid"},
        {"name": "l", "type": "list", "item": int},
        {"name": "o", "type": "struct", "fields": [{"name": "x", "type": "int64"}, {"name": "y", "type": "utf8"}]},
        {"name": "m", "type": "map", "item": int},
        {"name": LINE_COLUMN, "type": "int64", "source": "line"},
    ]))
});

/// What the decoder made of each line, by its number; the SCHEMA is line 1.
pub struct Decoded {
    pub rows: HashMap<u64, Map<String, Value>>,
    pub invalid: HashMap<u64, String>,
    pub stats: Stats,
}

pub fn decode(lines: &[u8], chunk: usize) -> Decoded {
    let mut reader = Reader::fed(ReaderOptions { batch_rows: 3, ..ReaderOptions::default() });
    let mut events = Vec::new();
    for bytes in std::iter::once(SCHEMA_LINE).chain(lines.chunks(chunk)) {
        reader.feed(bytes).expect("a reader that is fed");
        drain(&mut reader, &mut events);
    }
    reader.finish().expect("a reader that is fed");
    drain(&mut reader, &mut events);
    let mut decoded = Decoded { rows: HashMap::new(), invalid: HashMap::new(), stats: reader.stats() };
    events.iter().for_each(|event| decoded.note(event));
    decoded
}

fn drain(reader: &mut Reader, events: &mut Vec<Event>) {
    loop {
        let event = reader.next_event().expect("input that can be read");
        if let Event::Schema { stream, .. } = &event
            && stream == "s"
        {
            reader.plan(stream, COLUMNS.clone(), b"").expect("a supported plan");
        }
        let wait = matches!(event, Event::NeedInput | Event::End { .. });
        events.push(event);
        if wait {
            return;
        }
    }
}

impl Decoded {
    fn note(&mut self, event: &Event) {
        match event {
            Event::Batch { batch, .. } => {
                for row in canonical::rows(batch) {
                    let Value::Object(row) = row else { unreachable!("a row is an object") };
                    let number = row[LINE_COLUMN].as_u64().expect("a line number");
                    assert!(self.rows.insert(number, row).is_none(), "line {number} gave two records");
                }
            }
            Event::Invalid { line, reason, .. } => {
                let before = self.invalid.insert(*line, reason.clone());
                assert!(before.is_none(), "line {line} is invalid twice");
            }
            _ => {}
        }
    }
}
