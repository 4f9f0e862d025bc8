//! What becomes of updates and deletions, by what the log has of the old row.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};

use super::super::{field, usual};
use super::{RELID, begin, columns, commit, data, insert, reader, relation, told, tuple};
use crate::pg::{ChangesOptions, PgChange};

/// A value that was not sent.
const UNCHANGED: &[u8] = b"u";

fn marked(field: Field, key: &str, value: &str) -> Field {
    let metadata: HashMap<_, _> =
        field.metadata().clone().into_iter().chain([(key.to_owned(), value.to_owned())]).collect();
    field.with_metadata(metadata)
}

fn key() -> Field {
    marked(field("k", DataType::Int64, "int4"), "dativo.key", "true")
}

fn source(name: &str, kind: DataType) -> Field {
    marked(Field::new(format!("_{name}"), kind, true), "dativo.source", name)
}

fn deleted() -> Field {
    source("deleted_at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
}

fn text() -> Field {
    usual("text").with_name("v")
}

/// A tuple of values of which some were not sent.
fn sent(values: &[Option<&[u8]>]) -> Vec<u8> {
    let mut bytes = (values.len() as i16).to_be_bytes().to_vec();
    for value in values {
        match value {
            Some(UNCHANGED) => bytes.push(b'u'),
            value => bytes.extend(&tuple(&[*value])[2..]),
        }
    }
    bytes
}

fn update(old: Option<(u8, &[Option<&[u8]>])>, new: &[Option<&[u8]>]) -> Vec<u8> {
    let old = old.map_or_else(Vec::new, |(kind, values)| [&[kind][..], &sent(values)].concat());
    [&b"U"[..], &RELID.to_be_bytes(), &old, b"N", &sent(new)].concat()
}

fn delete(kind: u8, old: &[Option<&[u8]>]) -> Vec<u8> {
    [&b"D"[..], &RELID.to_be_bytes(), &[kind], &sent(old)].concat()
}

/// The rows that these changes of a table with the columns `k` and `v` become.
fn rows(schema: &Arc<Schema>, changes: &[Vec<u8>]) -> Vec<String> {
    let changes = changes.iter().zip(30..).map(|(change, lsn)| data(lsn, change));
    let messages = [begin(9, 1), data(9, &relation(&["k", "v"]))].into_iter().chain(changes).chain([commit(9, 10)]);
    match told(&mut reader(messages.collect(), ChangesOptions::default()), schema) {
        Ok(said) => said[1].lines().map(str::to_owned).collect(),
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn a_changed_key_deletes_the_old_row_first() {
    let changes = [
        update(Some((b'K', &[Some(b"1"), None])), &[Some(b"2"), Some(b"x")]),
        update(Some((b'K', &[Some(b"2"), None])), &[Some(b"2"), Some(b"y")]),
        delete(b'K', &[Some(b"2"), None]),
    ];
    assert_eq!(
        rows(&columns(vec![key(), text(), deleted()]), &changes),
        [
            r#"{"k":1,"v":null,"_deleted_at":"2000-01-01T00:00:00+00:00"}"#,
            r#"{"k":2,"v":"x","_deleted_at":null}"#,
            r#"{"k":2,"v":"y","_deleted_at":null}"#,
            r#"{"k":2,"v":null,"_deleted_at":"2000-01-01T00:00:00+00:00"}"#,
        ]
    );
    let without = rows(&columns(vec![key()]), &changes);
    assert_eq!(without, [r#"{"k":2}"#, r#"{"k":2}"#], "there is no place for deletions");
}

#[test]
fn a_full_identity_tells_a_changed_key_by_its_values() {
    let schema = columns(vec![key(), text(), deleted()]);
    let changes = [
        update(Some((b'O', &[Some(b"1"), Some(b"a")])), &[Some(b"1"), Some(b"b")]),
        update(Some((b'O', &[Some(b"1"), Some(b"b")])), &[Some(b"2"), Some(UNCHANGED)]),
        update(Some((b'O', &[Some(b"2"), Some(b"b")])), &[Some(UNCHANGED), None]),
        delete(b'O', &[Some(b"2"), None]),
    ];
    assert_eq!(
        rows(&schema, &changes),
        [
            r#"{"k":1,"v":"b","_deleted_at":null}"#,
            r#"{"k":1,"v":"b","_deleted_at":"2000-01-01T00:00:00+00:00"}"#,
            r#"{"k":2,"v":"b","_deleted_at":null}"#,
            r#"{"k":2,"v":null,"_deleted_at":null}"#,
            r#"{"k":2,"v":null,"_deleted_at":"2000-01-01T00:00:00+00:00"}"#,
        ]
    );
}

#[test]
fn columns_about_the_change_are_filled() {
    let zone = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let schema = columns(vec![
        source("lsn", DataType::Int64),
        key(),
        source("xid", DataType::Int64),
        source("commit_time", zone),
    ]);
    let row = insert(&[Some(b"5"), None]);
    assert_eq!(
        rows(&schema, &[row.clone(), row]),
        [
            r#"{"_lsn":30,"k":5,"_xid":1,"_commit_time":"2000-01-01T00:00:00+00:00"}"#,
            r#"{"_lsn":31,"k":5,"_xid":1,"_commit_time":"2000-01-01T00:00:00+00:00"}"#,
        ]
    );
}

#[test]
fn what_was_not_sent_is_told_by_its_column() {
    let messages = vec![
        begin(9, 1),
        data(9, &relation(&["k", "v", "w"])),
        data(9, &insert(&[Some(b"1"), None, None])),
        data(9, &update(None, &[Some(b"1"), Some(UNCHANGED), Some(UNCHANGED)])),
        data(9, &update(None, &[Some(b"1"), Some(UNCHANGED), Some(b"x")])),
        commit(9, 10),
    ];
    let mut changes = reader(messages, ChangesOptions::default());
    assert!(matches!(changes.next_change(), Ok(PgChange::Relation(_))));
    let planned = columns(vec![usual("text").with_name("w"), usual("text").with_name("gone"), text(), key()]);
    changes.plan(RELID, Some(planned), 0).unwrap();
    let Ok(PgChange::Batch { batch, .. }) = changes.next_change() else { panic!("no batch") };
    let unchanged = batch.column_by_name("_dativo_unchanged").unwrap();
    let shown = arrow_array::cast::AsArray::as_list::<i32>(unchanged).iter().map(|row| {
        row.map(|row| arrow_array::cast::AsArray::as_primitive::<arrow_array::types::Int16Type>(&row).values().to_vec())
    });
    assert_eq!(shown.collect::<Vec<_>>(), [None, Some(vec![2, 0]), Some(vec![2])]);
    assert_eq!(batch.column(1).null_count(), 3, "the relation has no such column");
    assert_eq!(batch.column(2).null_count(), 3);
}

#[test]
fn a_null_where_none_may_be_is_an_error() {
    let strict = |field: Field| field.with_nullable(false);
    let not_null = columns(vec![key(), strict(text()), deleted()]);
    for (change, reason) in [
        (insert(&[Some(b"1"), None]), "null where the schema allows none"),
        (update(None, &[Some(b"1"), Some(UNCHANGED)]), "was not sent, where the schema allows no null"),
        (delete(b'K', &[Some(b"1"), None]), "null where the schema allows none"),
    ] {
        let said = rows(&not_null, &[change]).concat();
        assert!(said.contains(reason) && said.contains("row 1, column \"/v\""), "{said}");
    }
    let sent = update(Some((b'O', &[Some(b"1"), Some(b"a")])), &[Some(b"1"), Some(UNCHANGED)]);
    assert_eq!(rows(&not_null, &[sent]), [r#"{"k":1,"v":"a","_deleted_at":null}"#]);
}

#[test]
fn values_that_a_policy_changes_are_counted_by_relation() {
    let messages = vec![
        begin(9, 1),
        data(9, &relation(&["k", "v"])),
        data(9, &insert(&[Some(b"1"), Some(b"infinity")])),
        data(9, &insert(&[Some(b"2"), Some(b"2024-01-01")])),
        data(9, &insert(&[Some(b"3"), Some(b"0044-03-15 BC")])),
        commit(9, 10),
    ];
    let mut changes = reader(messages, ChangesOptions::default());
    assert!(changes.tally(RELID).is_err());
    let schema = columns(vec![key(), usual("date").with_name("v")]);
    told(&mut changes, &schema).unwrap();
    assert_eq!(changes.tally(RELID).unwrap(), [0, 2]);
    changes.plan(RELID, Some(schema), 0).unwrap();
    assert_eq!(changes.tally(RELID).unwrap(), [0, 0], "a new plan counts anew");
    changes.plan(RELID, None, 0).unwrap();
    assert!(changes.tally(RELID).unwrap().is_empty());
}

#[test]
fn a_relation_is_emptied_where_it_was() {
    let truncate = [&b"T"[..], &2_u32.to_be_bytes(), &[0], &RELID.to_be_bytes(), &99_u32.to_be_bytes()].concat();
    let mut other = relation(&["k"]);
    other[1..5].copy_from_slice(&99_u32.to_be_bytes());
    let messages = vec![
        begin(9, 1),
        data(9, &relation(&["k", "v"])),
        data(9, &other),
        data(9, &insert(&[Some(b"1"), None])),
        data(12, &truncate),
        data(13, &insert(&[Some(b"2"), None])),
        commit(9, 10),
    ];
    let said = told(&mut reader(messages, ChangesOptions::default()), &columns(vec![key()])).unwrap();
    assert_eq!(said[..3], ["relation t", "relation t", r#"{"k":1}"#]);
    assert_eq!(said[3], "Truncate { relid: 77, lsn: 12, commit_time: 946684800000000, xid: 1 }");
    assert!(said[4].starts_with("Truncate { relid: 99, lsn: 12"));
    assert_eq!(said[5..], [r#"{"k":2}"#, "commit 10 of 1"]);
}

#[test]
fn a_description_that_is_repeated_is_swallowed() {
    let row = |key: &[u8]| insert(&[Some(key), None]);
    let again = relation(&["k", "v"]);
    let schema = columns(vec![key()]);
    assert_eq!(rows(&schema, &[row(b"1"), again, row(b"2")]), [r#"{"k":1}"#, r#"{"k":2}"#]);
    let messages = vec![
        begin(9, 1),
        data(9, &relation(&["k", "v"])),
        data(9, &row(b"1")),
        data(9, &relation(&["k"])),
        data(9, &insert(&[Some(b"2")])),
        commit(9, 10),
    ];
    let said = told(&mut reader(messages, ChangesOptions::default()), &schema).unwrap();
    assert_eq!(said, ["relation t", r#"{"k":1}"#, "relation t", r#"{"k":2}"#, "commit 10 of 1"]);
}

#[test]
fn messages_of_applications_are_handed_over() {
    let message = [&b"M\x01"[..], &55_u64.to_be_bytes(), b"mine\0", &2_u32.to_be_bytes(), b"hi"].concat();
    let mut changes = reader(vec![data(50, &message)], ChangesOptions::default());
    match changes.next_change() {
        Ok(PgChange::Message { lsn: 55, prefix, content }) => {
            assert_eq!((prefix.as_str(), &content[..]), ("mine", &b"hi"[..]))
        }
        other => panic!("{other:?}"),
    }
}
