//! Messages of pgoutput that a fuzzer makes up.

use std::collections::VecDeque;

use arrow_schema::SchemaRef;
use dativo_core::pg::{ChangesOptions, PgChange, PgChanges, PgOptions, SpoolOptions};

use crate::copy::{Messages, SEPARATOR, check_batch, schema};

/// So much of what waits for its commit is in memory.
const MEMORY: usize = 256;

/// Reads `input` as the plugin's messages, cut at [`SEPARATOR`]; every relation is planned to have a column of every form,
/// named `c0` and so on, but those whose oid is odd are skipped.
///
/// # Panics
/// If a batch is not what its schema says, or has values that the encoder cannot write.
pub fn check_changes(input: &[u8]) {
    let mut messages = VecDeque::new();
    let mut rest = input;
    while let Some(at) = rest.windows(SEPARATOR.len()).position(|window| window == SEPARATOR) {
        messages.push_back(enveloped(&rest[..at]));
        rest = &rest[at + SEPARATOR.len()..];
    }
    messages.push_back(enveloped(rest));
    let options = PgOptions { batch_rows: 3, batch_bytes: 1 << 16, ..PgOptions::default() };
    let spool = SpoolOptions { memory: MEMORY, ..SpoolOptions::default() };
    let limits = ChangesOptions { spool, ..ChangesOptions::default() };
    let mut changes = PgChanges::new(Box::new(Messages::of(messages)), options, limits);
    let schema = schema();
    while let Ok(change) = changes.next_change() {
        match change {
            PgChange::End => return,
            PgChange::Relation(relation) => plan(&mut changes, relation.relid, &schema),
            PgChange::Batch { batch, .. } => {
                let columns: Vec<usize> = (0..schema.fields().len()).collect();
                check_batch(&batch.project(&columns).expect("the planned columns"));
                assert_eq!(batch.num_columns(), columns.len() + 1);
            }
            _ => {}
        }
    }
}

fn plan(changes: &mut PgChanges, relid: u32, schema: &SchemaRef) {
    let planned = relid.is_multiple_of(2).then(|| schema.clone());
    changes.plan(relid, planned, 0).expect("a relation that was just described");
}

/// The message in its envelope, unless it is one of the walsender's own.
fn enveloped(message: &[u8]) -> Vec<u8> {
    match message.first() {
        Some(b'k' | b'w') => message.to_vec(),
        _ => [&b"w\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\0"[..], message].concat(),
    }
}
