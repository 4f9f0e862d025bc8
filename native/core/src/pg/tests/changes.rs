//! Messages of pgoutput as its protocol has them, to changes.

use std::sync::Arc;
use std::time::Duration;

use arrow_schema::{DataType, Field, Schema};

use super::{Played, field, usual};
use crate::pg::{ChangesOptions, PgChange, PgChanges, PgOptions, SpoolOptions};
use crate::{Encoder, Error};

mod equal;
mod positions;
mod rows;
mod spool;
mod text;

const RELID: u32 = 77;

/// A message of the plugin at a position, as the walsender sends it.
pub(super) fn data(lsn: u64, message: &[u8]) -> Option<Vec<u8>> {
    let head = [lsn, lsn, 0].into_iter().flat_map(u64::to_be_bytes);
    Some([b'w'].into_iter().chain(head).chain(message.iter().copied()).collect())
}

fn keepalive(end_lsn: u64, reply: u8) -> Option<Vec<u8>> {
    let head = [end_lsn, 0].into_iter().flat_map(u64::to_be_bytes);
    Some([b'k'].into_iter().chain(head).chain([reply]).collect())
}

fn begin(lsn: u64, xid: u32) -> Option<Vec<u8>> {
    let rest = [lsn, 0].into_iter().flat_map(u64::to_be_bytes).chain(xid.to_be_bytes());
    data(lsn, &[b'B'].into_iter().chain(rest).collect::<Vec<_>>())
}

fn commit(lsn: u64, end_lsn: u64) -> Option<Vec<u8>> {
    let rest = [lsn, end_lsn, 0].into_iter().flat_map(u64::to_be_bytes);
    data(lsn, &[b'C', 0].into_iter().chain(rest).collect::<Vec<_>>())
}

/// The description of a table of columns, of which the first is the key.
pub(super) fn relation(columns: &[&str]) -> Vec<u8> {
    let mut message =
        [&b"R"[..], &RELID.to_be_bytes(), b"public\0t\0d", &(columns.len() as i16).to_be_bytes()].concat();
    for (index, column) in columns.iter().enumerate() {
        message.push(u8::from(index == 0));
        message.extend(column.as_bytes());
        message.extend([0, 0, 0, 0, 25, 0xFF, 0xFF, 0xFF, 0xFF]);
    }
    message
}

/// A tuple of texts and, where there is none, of nulls.
fn tuple(values: &[Option<&[u8]>]) -> Vec<u8> {
    let mut tuple = (values.len() as i16).to_be_bytes().to_vec();
    for value in values {
        match value {
            None => tuple.push(b'n'),
            Some(text) => {
                tuple.push(b't');
                tuple.extend((text.len() as i32).to_be_bytes());
                tuple.extend(*text);
            }
        }
    }
    tuple
}

pub(super) fn insert(values: &[Option<&[u8]>]) -> Vec<u8> {
    [&b"I"[..], &RELID.to_be_bytes(), b"N", &tuple(values)].concat()
}

/// A reader of messages that are there already. It says that there is nothing only where there is none, however slow
/// the machine is.
fn reader(messages: Vec<Option<Vec<u8>>>, limits: ChangesOptions) -> PgChanges {
    let options = PgOptions { idle_millis: 600_000, ..PgOptions::default() };
    PgChanges::new(Box::new(Played { messages: messages.into(), lent: Vec::new() }), options, limits)
}

fn columns(fields: Vec<Field>) -> Arc<Schema> {
    Arc::new(Schema::new(fields))
}

/// Every change up to the end in words, relations being planned as `schema`.
fn told(changes: &mut PgChanges, schema: &Arc<Schema>) -> Result<Vec<String>, Error> {
    let mut told = Vec::new();
    loop {
        told.push(match changes.next_change()? {
            PgChange::End => return Ok(told),
            PgChange::Relation(relation) => {
                changes.plan(relation.relid, Some(schema.clone()), 0)?;
                format!("relation {}", relation.table)
            }
            PgChange::Batch { batch, .. } => {
                let batch = batch.project(&(0..batch.num_columns() - 1).collect::<Vec<_>>())?;
                let mut encoder = Encoder::bare(batch.schema())?;
                String::from_utf8_lossy(encoder.encode(&batch, None)?).trim_end().to_owned()
            }
            PgChange::Commit { end_lsn, xid, .. } => format!("commit {end_lsn} of {xid}"),
            other => format!("{other:?}"),
        });
    }
}

/// What is said of a stream of these messages.
fn said(messages: Vec<Option<Vec<u8>>>) -> String {
    let schema = columns(vec![field("k", DataType::Int64, "int4"), usual("text").with_name("v")]);
    match told(&mut reader(messages, ChangesOptions::default()), &schema) {
        Ok(told) => told.join("; "),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_transaction_is_its_rows_and_a_position() {
    let messages = vec![
        begin(100, 7),
        data(90, &relation(&["k", "v"])),
        data(95, &insert(&[Some(b"1"), Some(b"x")])),
        data(96, &insert(&[Some(b"2"), None])),
        commit(100, 110),
    ];
    assert_eq!(said(messages), "relation t; {\"k\":1,\"v\":\"x\"}\n{\"k\":2,\"v\":null}; commit 110 of 7");
}

#[test]
fn what_is_no_message_of_pgoutput_is_an_error() {
    let open = |message: &[u8]| vec![begin(100, 7), data(90, &relation(&["k", "v"])), data(95, message)];
    let short = insert(&[Some(b"1"), Some(b"x")]);
    let mut binary = short.clone();
    binary[8] = b'b';
    for (messages, reason) in [
        (vec![Some(b"x".to_vec())], "neither data nor keepalive"),
        (vec![Some(b"w123".to_vec())], "ends too early"),
        (vec![data(1, b"")], "ends too early"),
        (vec![data(1, &short)], "a change outside a transaction"),
        (vec![begin(1, 1), data(1, &short)], "a relation that was not described"),
        (vec![begin(1, 1), begin(2, 2)], "a transaction within another"),
        (vec![commit(1, 2)], "the end of no transaction"),
        (open(&insert(&[Some(b"1")])), "a row of 1 columns where the relation has 2"),
        (open(&short[..short.len() - 1]), "ends too early"),
        (open(&[&short[..], b"x"].concat()), "bytes after its end"),
        (open(&binary), "without binary"),
        (open(b"Z"), "a message 'Z' that is unknown"),
        (open(b"D\0\0\0\x4dN\0\0"), "a change without an old tuple"),
        (open(b"I\0\0\0\x4dK\0\0"), "a change without a new tuple"),
        (open(b"T\0\0\0\x02\0\0\0\0\x4d"), "ends too early"),
        (open(b"R\0\0\0\x4dpublic"), "a text that does not end"),
    ] {
        let said = said(messages);
        assert!(said.contains(reason), "{said:?} lacks {reason:?}");
    }
}

#[test]
fn every_cut_of_a_message_is_an_error_or_a_change() {
    let update =
        [&b"U"[..], &RELID.to_be_bytes(), b"K", &tuple(&[Some(b"1"), None]), b"N", &tuple(&[Some(b"2"), None])];
    for message in [relation(&["k", "v"]), insert(&[Some(b"1"), Some(b"x")]), update.concat()] {
        for end in 0..message.len() {
            let messages = vec![begin(9, 1), data(9, &relation(&["k", "v"])), data(9, &message[..end])];
            assert!(said(messages).contains("malformed"), "{:?} cut at {end}", message.first());
        }
    }
}

#[test]
fn rows_waiting_keep_their_plan() {
    let messages = vec![
        begin(9, 1),
        data(9, &relation(&["k"])),
        data(9, &insert(&[Some(b"1")])),
        None,
        commit(9, 10),
        begin(19, 2),
        data(19, &insert(&[Some(b"2")])),
    ];
    let mut changes = reader(messages, ChangesOptions::default());
    let schema = columns(vec![field("k", DataType::Int64, "int4")]);
    assert!(matches!(changes.next_change(), Ok(PgChange::Relation(_))));
    changes.plan(RELID, Some(schema.clone()), 0).unwrap();
    assert!(matches!(changes.next_change(), Ok(PgChange::Idle)));
    let refused = changes.plan(RELID, None, 0).unwrap_err().to_string();
    assert_eq!(refused, "relation 77 has rows that were not handed over");
    assert!(matches!(changes.next_change(), Ok(PgChange::Batch { .. })));
    assert!(matches!(changes.next_change(), Ok(PgChange::Commit { .. })));
    changes.plan(RELID, Some(schema), 20).unwrap();
    assert!(matches!(changes.next_change(), Ok(PgChange::End)), "committed before the position");
}

#[test]
fn all_builders_together_are_bounded() {
    let options = PgOptions { batch_bytes: 4096, ..PgOptions::default() };
    let mut messages = vec![begin(9, 1)];
    let describe = |relid: u32| {
        let mut message = relation(&["k"]);
        message[1..5].copy_from_slice(&relid.to_be_bytes());
        message
    };
    messages.extend((0..100).map(|relid| data(9, &describe(relid))));
    for row in 0..4000_u32 {
        let mut message = insert(&[Some(b"123456")]);
        message[1..5].copy_from_slice(&(row % 100).to_be_bytes());
        messages.push(data(9, &message));
    }
    let source = Played { messages: messages.into(), lent: Vec::new() };
    let mut changes = PgChanges::new(
        Box::new(source),
        options,
        ChangesOptions { commit_interval: Duration::from_secs(3600), spool: SpoolOptions::default() },
    );
    let schema = columns(vec![field("k", DataType::Int64, "int4")]);
    let rows: usize = told(&mut changes, &schema).unwrap().iter().map(|told| told.matches("{\"k\"").count()).sum();
    assert!(rows > 3000, "most of the rows came out, though no batch was full and nothing was committed: {rows}");
}
